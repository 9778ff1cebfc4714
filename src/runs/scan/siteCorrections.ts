import { Effect, Option, Schema, Stream } from "effect"
import { columnsOf, type KeptWindows } from "../../classifier/site/keptWindows.ts"
import {
  drawEvenly,
  isDrawn,
  LEAST_WINDOWS,
  learnSite,
  MOST_WINDOWS,
  type SiteCorrection,
  type SiteWindows
} from "../../classifier/site/siteCorrection.ts"
import { Settings } from "../../config/settings.ts"
import { copyWindows } from "../../embeddings/scans/coding.ts"
import type { KnownScans } from "../../embeddings/scans/knownScans.ts"
import type { ScannedRecording } from "../../embeddings/scans/scannedRecording.ts"
import { type ScanRecipe, sizesOf } from "../../embeddings/scans/scanRecipe.ts"
import { Scans } from "../../embeddings/scans/scans.ts"
import { VersionError } from "../../registry/versionFiles.ts"
import { readDocumentIfWhole, writeDocument } from "../../store/documents.ts"
import { siteKey, siteOf } from "../../store/keys.ts"
import { sha256 } from "../../store/sha256.ts"
import type { PlacedRecording } from "./fieldRecordings.ts"
import { SCORED_WINDOWS, type WindowModel } from "./windowModel.ts"

// What a version has learnt of a site stays as it is until twice as much has been heard there, so that events do not change
// with each recording that lands, and a site of years is learnt some twenty times.

const Learnt = Schema.Struct({
  site: Schema.String,
  /** Windows heard at the site when it was learnt. */
  windows: Schema.Int,
  /** Float32, little-endian, as base64. */
  kernel: Schema.String,
  bias: Schema.Array(Schema.Finite)
})
type Learnt = typeof Learnt.Type

/** A site's correction, and what names it. */
export interface NamedCorrection extends SiteCorrection {
  readonly id: string
}

interface Heard {
  readonly recipe: ScanRecipe
  readonly known: KnownScans
  readonly model: WindowModel
}

/**
 * What the model corrects at these sites, by name: none at sites of which too little is heard. Where `learns`, it learns those
 * that it does not know yet, or that have grown twofold, and keeps what it has learnt.
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
  // Where a recording lies now, as far as that is known, is its site.
  const keys = new Map(placed.map(({ recording, key }) => [recording.contentHash, key]))
  const bySite = Map.groupBy(heard.known.recordings.values(), ({ contentHash, key }) =>
    siteOf(keys.get(contentHash) ?? key)
  )
  for (const site of new Set([...keys.values()].map(siteOf))) {
    const key = siteKey(runId, site)
    const recordings = bySite.get(site) ?? []
    const windows = windowsIn(recordings)
    const found = yield* readDocumentIfWhole(key, Learnt)
    let learnt = Option.getOrUndefined(found)?.value
    if (learns && windows >= LEAST_WINDOWS && (learnt === undefined || windows >= 2 * learnt.windows)) {
      const correction = yield* learn(heard, kept, recordings)
      if (correction !== undefined) {
        const { kernel, bias } = correction
        learnt = { site, windows, kernel: Buffer.from(kernel.buffer).toString("base64"), bias: [...bias] }
        yield* writeDocument(key, Learnt, learnt)
      }
    }
    if (learnt !== undefined) corrections.set(site, named(learnt))
  }
  return corrections
})

const named = ({ kernel, bias }: Learnt): NamedCorrection => ({
  id: sha256(JSON.stringify([kernel, bias])).slice(0, 16),
  kernel: new Float32Array(Uint8Array.from(Buffer.from(kernel, "base64")).buffer),
  bias: Float32Array.from(bias)
})

const windowsIn = (recordings: ReadonlyArray<ScannedRecording>): number =>
  recordings.reduce((sum, { windows }) => sum + windows, 0)

/** Recordings are read for so many times the windows that a site is learnt from, which are drawn from all of them. */
const RECORDED = 8

const learn = Effect.fnUntraced(function* (
  { recipe, known, model }: Heard,
  kept: KeptWindows,
  recordings: ReadonlyArray<ScannedRecording>
) {
  const { vectors } = recipe.parts.embedder
  const sizes = sizesOf(recipe)
  const size = sizes.reduce((sum, own) => sum + own, 0)
  const inOrder = recordings.toSorted((a, b) => (a.contentHash < b.contentHash ? -1 : 1))
  const drawn = drawEvenly(inOrder, windowsIn(inOrder), RECORDED * MOST_WINDOWS)
  // A single recording may be longer than that.
  const chosen = drawn.length > 0 ? drawn : inOrder.slice(0, 1)
  let count = 0
  const blocks = yield* (yield* Scans).load(recipe, known, chosen).pipe(
    Stream.map(({ segment: { windows }, from, to }) =>
      Array.from({ length: Math.ceil((to - from) / SCORED_WINDOWS) }, (_, at) => {
        const first = from + at * SCORED_WINDOWS
        return { windows, first, count: Math.min(SCORED_WINDOWS, to - first) }
      })
    ),
    Stream.flattenIterable,
    Stream.filter(() => isDrawn(count++, windowsIn(chosen))),
    Stream.mapEffect(
      Effect.fnUntraced(function* (block) {
        const own = {
          count: block.count,
          codes: new Uint8Array(block.count * size),
          ranges: new Float32Array(block.count * sizes.length * 2)
        }
        copyWindows(block.windows, sizes, block.first, block.first + block.count, own, 0)
        const probabilities = yield* model.score(own)
        return { windows: columnsOf(own, vectors, kept.vector), probabilities } satisfies SiteWindows
      })
    ),
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
