import { Effect, Option, Schema, Stream } from "effect"
import { drawEvenly, isDrawn } from "../../classifier/site/drawEvenly.ts"
import { DRAWS, FOURIER_FEATURES } from "../../classifier/site/fourierFeatures.ts"
import { columnsOf, type KeptWindows } from "../../classifier/site/keptWindows.ts"
import { LEAST_WINDOWS, learnSite, MOST_WINDOWS, spaceOf } from "../../classifier/site/learnSite.ts"
import type { SiteCorrection, SiteWindows } from "../../classifier/site/siteCorrection.ts"
import { Settings } from "../../config/settings.ts"
import { rowSize } from "../../embedder/frontEnd.ts"
import { copyWindows } from "../../embeddings/scans/coding.ts"
import type { KnownScans } from "../../embeddings/scans/knownScans.ts"
import type { ScannedRecording } from "../../embeddings/scans/scannedRecording.ts"
import { type ScanRecipe, sizesOf, windowTimes } from "../../embeddings/scans/scanRecipe.ts"
import { Scans } from "../../embeddings/scans/scans.ts"
import { VersionError } from "../../registry/versionFiles.ts"
import { bytesOf } from "../../sound/floats.ts"
import { backgroundOf } from "../../store/className.ts"
import { readDocumentIfWhole, writeDocument } from "../../store/documents.ts"
import { siteKey, siteOf } from "../../store/keys.ts"
import { sha256 } from "../../store/sha256.ts"
import { classesOf } from "../../stream/annotations/classes.ts"
import { Problems } from "../../stream/annotations/problems.ts"
import { readSaid } from "../../stream/annotations/said.ts"
import type { Stretch } from "../../stream/annotations/spans.ts"
import type { PlacedRecording } from "./fieldRecordings.ts"
import { emptyBlock, SCORED_WINDOWS, type WindowModel } from "./windowModel.ts"

// What a version has learnt of a site stays as it is until twice as much has been heard there, so that events do not change
// with each recording that lands, and a site of years is learnt some twenty times. What people have said by then to be an
// event is not learnt as background.

/** Changes whenever the same windows would teach something else. */
const LEARNING = "site-5"

const Learnt = Schema.Struct({
  learning: Schema.Literal(LEARNING),
  /** Whose windows it was learnt from. */
  recipe: Schema.String,
  site: Schema.String,
  /** Windows heard at the site when it was learnt. */
  windows: Schema.Int,
  /** Of the vectors and their Fourier features, which the version's own windows give: float32, little-endian, in base64. */
  kernel: Schema.String,
  bias: Schema.Array(Schema.Finite)
})
type Learnt = typeof Learnt.Type

/** A site's correction, and what names it. */
export interface NamedCorrection extends SiteCorrection {
  readonly id: string
  /** Whether it has just been learnt. */
  readonly isNew: boolean
}

interface Heard {
  readonly recipe: ScanRecipe
  readonly known: KnownScans
  readonly model: WindowModel
}

/**
 * What the model corrects at these sites, by name: none at sites of which too little is heard. Where `learns`, it learns those
 * that it does not know yet, or that have grown twofold or shrunk by half, and keeps what it has learnt.
 */
export const correctionsOf = Effect.fn("correctionsOf")(function* (
  heard: Heard,
  placed: ReadonlyArray<PlacedRecording>,
  learns: boolean
) {
  const { learnSites } = yield* Settings
  const corrections = new Map<string, NamedCorrection>()
  const { runId, kept } = heard.model
  if (!learnSites || kept === undefined) return corrections
  const said = yield* Effect.cached(saidEvents(heard.model.classes))
  const bySite = learns ? recordingsBySite(heard.known, placed) : new Map<string, ReadonlyArray<ScannedRecording>>()
  for (const site of new Set(placed.map(({ key }) => siteOf(key)))) {
    const key = siteKey(runId, site)
    const found = Option.getOrUndefined(yield* readDocumentIfWhole(key, Learnt))?.value
    const known = found?.recipe === heard.recipe.id ? found : undefined
    const before = known && named(known, kept)
    if (before !== undefined) corrections.set(site, before)
    if (!learns) continue
    const recordings = bySite.get(site) ?? []
    const windows = windowsIn(recordings)
    const isDue = before === undefined || windows >= 2 * known!.windows || 2 * windows <= known!.windows
    if (windows < LEAST_WINDOWS || !isDue) continue
    const events = yield* said
    // Wherever a copy lies, something may be said of it.
    const correction = yield* learn(heard, kept, recordings, ({ contentHash }) =>
      heard.known.keysOf(contentHash).flatMap((copy) => events.get(copy) ?? [])
    )
    if (correction === undefined) continue
    const { kernel, bias } = correction
    const learnt: Learnt = {
      learning: LEARNING,
      recipe: heard.recipe.id,
      site,
      windows,
      kernel: inBase64(kernel),
      bias: [...bias]
    }
    const own = named(learnt, kept)
    if (own === undefined) continue
    yield* writeDocument(key, Learnt, learnt)
    corrections.set(site, { ...own, isNew: true })
  }
  return corrections
})

const inBase64 = (numbers: Float32Array): string => Buffer.from(bytesOf(numbers)).toString("base64")

/** What is learnt is never as large: a window's logits would say nothing else. */
const MOST = 1e6
const isSound = (numbers: Float32Array): boolean => numbers.every((own) => Math.abs(own) <= MOST)

/** So many numbers; undefined where it holds others. */
const fromBase64 = (text: string, length: number): Float32Array | undefined => {
  const bytes = Uint8Array.from(Buffer.from(text, "base64"))
  if (bytes.length !== length * Float32Array.BYTES_PER_ELEMENT) return undefined
  const numbers = new Float32Array(bytes.buffer)
  return isSound(numbers) ? numbers : undefined
}

/** Undefined where it is damaged, or not of these classes and vectors. */
const named = (learnt: Learnt, kept: KeptWindows): NamedCorrection | undefined => {
  const { classes, vectors } = kept
  const size = rowSize({ vectors })
  const kernel = fromBase64(learnt.kernel, (size + DRAWS * FOURIER_FEATURES) * classes.length)
  if (kernel === undefined) return undefined
  const bias = Float32Array.from(learnt.bias)
  if (bias.length !== classes.length || !isSound(bias)) return undefined
  return {
    id: sha256(JSON.stringify([learnt.kernel, learnt.bias])).slice(0, 16),
    sizes: Object.values(vectors),
    nearness: spaceOf(kept).nearness,
    kernel,
    bias,
    isNew: false
  }
}

/** All that was heard at each site, where it lies now. */
const recordingsBySite = (known: KnownScans, placed: ReadonlyArray<PlacedRecording>) => {
  const keys = new Map(placed.map(({ recording, key }) => [recording.contentHash, key]))
  // Of one that is not meant now, and was seen at several sites, nothing says where it lies.
  return Map.groupBy(known.recordings.values(), ({ contentHash }) => {
    const key = keys.get(contentHash)
    const seen = new Set((key === undefined ? known.keysOf(contentHash) : [key]).map(siteOf))
    return seen.size === 1 ? [...seen][0] : undefined
  })
}

const windowsIn = (recordings: ReadonlyArray<ScannedRecording>): number =>
  recordings.reduce((sum, { windows }) => sum + windows, 0)

/** What people have said to be an event of one of these classes, by the recordings in which it is. */
const saidEvents = Effect.fnUntraced(function* (classes: ReadonlyArray<string>) {
  // What tables have wrong is told where they are trained on.
  const { said } = yield* readSaid(new Problems())
  const background = backgroundOf(classes)
  const eventNamed = classesOf(
    classes.filter((name) => name !== background),
    false
  )
  return new Map(
    said.map(({ recording, annotations }): [string, ReadonlyArray<Stretch>] => [
      recording.key,
      annotations.filter(({ label }) => eventNamed(label) !== undefined)
    ])
  )
})

/** Recordings are read for so many times the windows that a site is learnt from, which are drawn from all of them. */
const RECORDED = 8

const learn = Effect.fnUntraced(function* (
  { recipe, known, model }: Heard,
  kept: KeptWindows,
  recordings: ReadonlyArray<ScannedRecording>,
  eventsOf: (recording: ScannedRecording) => ReadonlyArray<Stretch>
) {
  const { vectors } = recipe.parts.embedder
  const sizes = sizesOf(recipe)
  const times = windowTimes(recipe)
  const inOrder = recordings.toSorted((a, b) => (a.contentHash < b.contentHash ? -1 : 1))
  const drawn = drawEvenly(inOrder, windowsIn(inOrder), RECORDED * MOST_WINDOWS)
  // A single recording may be longer than that.
  const chosen = drawn.length > 0 ? drawn : inOrder.slice(0, 1)
  const all = windowsIn(chosen)
  let count = 0
  const blocks = yield* (yield* Scans).load(recipe, known, chosen).pipe(
    Stream.map(({ recording, first, segment: { windows }, from, to }) => {
      const events = eventsOf(recording)
      return Array.from({ length: Math.ceil((to - from) / SCORED_WINDOWS) }, (_, at) => {
        const row = from + at * SCORED_WINDOWS
        const count = Math.min(SCORED_WINDOWS, to - row)
        return { windows, row, count, first: first + row - from, events }
      })
    }),
    Stream.flattenIterable,
    Stream.filter(() => isDrawn(count++, all, MOST_WINDOWS)),
    Stream.mapEffect(
      Effect.fnUntraced(function* (block) {
        const rows = quietRows(block, times)
        const own = emptyBlock(
          sizes,
          rows.reduce((sum, { from, to }) => sum + to - from, 0)
        )
        let filled = 0
        for (const { from, to } of rows) {
          copyWindows(block.windows, sizes, from, to, own, filled)
          filled += to - from
        }
        if (filled === 0) return []
        const probabilities = yield* model.score(own)
        return [{ windows: columnsOf(own, vectors, kept.vectors), probabilities } satisfies SiteWindows]
      })
    ),
    Stream.flattenIterable,
    Stream.runCollect
  )
  // Of recordings whose parts were lost meanwhile there is less.
  if (blocks.reduce((sum, { windows }) => sum + windows.count, 0) < LEAST_WINDOWS) return undefined
  return yield* learnSite(kept, blocks).pipe(
    Effect.mapError(
      ({ message }) =>
        new VersionError({ runId: model.runId, message: `${model.runId} could not learn a site: ${message}` })
    )
  )
})

interface Block {
  readonly row: number
  readonly count: number
  /** The place of its first row in the recording. */
  readonly first: number
  readonly events: ReadonlyArray<Stretch>
}

/** The rows of a block in whose windows none of its events is heard, by stretches of rows that follow each other. */
const quietRows = (
  { row, count, first, events }: Block,
  { hop, window }: ReturnType<typeof windowTimes>
): ReadonlyArray<{ readonly from: number; readonly to: number }> => {
  // A point in time is in the windows that begin at it, too.
  const among = (from: number, to: number) => (event: Stretch) =>
    event.start < to && (from < event.end || from <= event.start)
  const near = events.filter(among(first * hop, (first + count) * hop + window))
  const stretches: Array<{ from: number; to: number }> = []
  for (let at = 0; at < count; at++) {
    const start = (first + at) * hop
    if (near.some(among(start, start + window))) continue
    const last = stretches.at(-1)
    if (last?.to === row + at) last.to++
    else stretches.push({ from: row + at, to: row + at + 1 })
  }
  return stretches
}
