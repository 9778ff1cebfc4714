import { Effect, Option, Schema, Stream } from "effect"
import { columnsOf, type KeptWindows } from "../../classifier/site/keptWindows.ts"
import {
  drawEvenly,
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
import { emptyBlock, SCORED_WINDOWS, type WindowModel } from "./windowModel.ts"

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
    const windows = recordings.reduce((sum, own) => sum + own.windows, 0)
    const found = yield* readDocumentIfWhole(key, Learnt)
    let learnt = Option.getOrUndefined(found)?.value
    if (learns && windows >= LEAST_WINDOWS && (learnt === undefined || windows >= 2 * learnt.windows)) {
      const { kernel, bias } = yield* learn(heard, kept, recordings)
      learnt = { site, windows, kernel: Buffer.from(kernel.buffer).toString("base64"), bias: [...bias] }
      yield* writeDocument(key, Learnt, learnt)
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

const learn = Effect.fnUntraced(function* (
  { recipe, known, model }: Heard,
  kept: KeptWindows,
  recordings: ReadonlyArray<ScannedRecording>
) {
  const { vectors } = recipe.parts.embedder
  const sizes = sizesOf(recipe)
  const inOrder = recordings.toSorted((a, b) => (a.contentHash < b.contentHash ? -1 : 1))
  const chosen = drawEvenly(
    inOrder,
    inOrder.reduce((sum, { windows }) => sum + windows, 0)
  )
  const scans = yield* Scans
  const blocks = yield* scans.load(recipe, known, chosen.length === 0 ? inOrder.slice(0, 1) : chosen).pipe(
    Stream.map(({ segment: { windows }, from, to }) =>
      Array.from({ length: Math.ceil((to - from) / SCORED_WINDOWS) }, (_, at) => {
        const first = from + at * SCORED_WINDOWS
        return { windows, first, count: Math.min(SCORED_WINDOWS, to - first) }
      })
    ),
    Stream.flattenIterable,
    Stream.mapEffect(
      Effect.fnUntraced(function* ({ windows, first, count }) {
        const block = { ...emptyBlock(recipe), count }
        const own = {
          count,
          codes: block.codes.subarray(0, (block.codes.length / SCORED_WINDOWS) * count),
          ranges: block.ranges.subarray(0, (block.ranges.length / SCORED_WINDOWS) * count)
        }
        copyWindows(windows, sizes, first, first + count, own, 0)
        const probabilities = yield* model.score(own)
        return { windows: columnsOf(own, vectors, kept.vector), probabilities } satisfies SiteWindows
      })
    ),
    Stream.runCollect
  )
  const total = blocks.reduce((sum, { windows }) => sum + windows.count, 0)
  return yield* learnSite(kept, drawEvenly(blocks, Math.max(total, MOST_WINDOWS))).pipe(
    Effect.mapError(
      ({ message }) =>
        new VersionError({ runId: model.runId, message: `${model.runId} could not learn a site: ${message}` })
    )
  )
})
