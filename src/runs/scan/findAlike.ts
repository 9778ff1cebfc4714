import { Effect, Stream } from "effect"
import { decodeVectors } from "../../embeddings/scans/coding.ts"
import type { KnownScans } from "../../embeddings/scans/knownScans.ts"
import { cosinesWith } from "../../embeddings/scans/likeness.ts"
import type { ScannedRecording } from "../../embeddings/scans/scannedRecording.ts"
import { type ScanRecipe, sizesOf, windowTimes } from "../../embeddings/scans/scanRecipe.ts"
import { Scans } from "../../embeddings/scans/scans.ts"
import { type PlacedRecording, startOf } from "./fieldRecordings.ts"
import { type FirstVectors, firstOf, type KeptVectors } from "./firstVectors.ts"

/** What sounds like what was asked for. */
export interface Alike {
  /** The recording's key. */
  readonly recording: string
  readonly start: number
  readonly end: number
  /** When it starts by the recorder's clock, where that is known. */
  readonly startedAt: string | undefined
  /** Cosine, -1 to 1. */
  readonly likeness: number
}

/** Windows found at most, and seconds between two of one recording: what lasts is found once. */
const FOUND = 50
const APART = 3

/**
 * Finds what sounds most like a span of a recording that was heard, exactly, over all stored windows: by the mean of the
 * span's vectors. The span itself is left out. Nothing is found of a recording that was not heard.
 */
export const findAlike = Effect.fn("findAlike")(function* (
  recipe: ScanRecipe,
  known: KnownScans,
  placed: ReadonlyArray<PlacedRecording>,
  span: { readonly recording: string; readonly start: number; readonly end: number },
  kept: KeptVectors
) {
  const scans = yield* Scans
  const { hop, window } = windowTimes(recipe)
  const sizes = sizesOf(recipe)
  const own = placed.find(({ key }) => key === span.recording)
  if (own === undefined) return { found: [], searched: 0 }
  /** Reads recordings' vectors, one recording after the other. */
  const read = (recordings: ReadonlyArray<ScannedRecording>) =>
    scans.load(recipe, known, recordings).pipe(
      Stream.map((stored) => ({ recording: stored.recording, vectors: firstOf(stored, sizes[0]!) })),
      Stream.groupAdjacentBy(({ recording }) => recording.contentHash),
      Stream.map(([contentHash, parts]) => {
        const vectors = parts.map((part) => part.vectors)
        kept.offer(contentHash, vectors)
        return { contentHash, vectors }
      })
    )
  const vectorsOf = Effect.fnUntraced(function* (recording: ScannedRecording) {
    const before = kept.get(recording.contentHash)
    if (before !== undefined) return before
    return (yield* Stream.runCollect(read([recording]))).flatMap(({ vectors }) => vectors)
  })
  const query = sumOf(yield* vectorsOf(own.recording), sizes[0]!, hop, window, span)

  const best: Array<Alike> = []
  let searched = 0
  const places = new Map(placed.map((one) => [one.recording.contentHash, one]))
  const take = (contentHash: string, vectors: ReadonlyArray<FirstVectors>) => {
    const place = places.get(contentHash)!
    const { key } = place
    for (const { first, from, to, windows, lengths } of vectors) {
      const cosines = cosinesWith(query, windows, 1, lengths)
      searched += to - from
      for (let at = from; at < to; at++) {
        const likeness = cosines[at]!
        const start = (first + at - from) * hop
        const isOwn = key === span.recording && start < span.end && start + window > span.start
        if (isOwn || (best.length >= FOUND && likeness <= best.at(-1)!.likeness)) continue
        insert(best, { recording: key, start, end: start + window, startedAt: startOf(place), likeness })
      }
    }
  }
  const missing: Array<ScannedRecording> = []
  for (const { recording } of placed) {
    const vectors = kept.get(recording.contentHash)
    if (vectors === undefined) missing.push(recording)
    else take(recording.contentHash, vectors)
    // Others are answered meanwhile.
    yield* Effect.yieldNow
  }
  yield* read(missing).pipe(
    Stream.runForEach(({ contentHash, vectors }) => Effect.sync(() => take(contentHash, vectors)))
  )
  return { found: best, searched }
})

/** The sum, which points where the mean does, of a span's windows: those that hear at least half of themselves in it, or it whole. */
const sumOf = (
  vectors: ReadonlyArray<FirstVectors>,
  size: number,
  hop: number,
  window: number,
  { start, end }: { readonly start: number; readonly end: number }
): Float32Array => {
  const sum = new Float32Array(size)
  const row = new Float32Array(size)
  for (const { first, from, to, windows } of vectors) {
    for (let at = from; at < to; at++) {
      const begins = (first + at - from) * hop
      const common = Math.min(end, begins + window) - Math.max(start, begins)
      if (common < Math.min(window / 2, end - start) - 1e-6) continue
      decodeVectors(windows, [size], at, at + 1, row)
      for (let i = 0; i < size; i++) sum[i]! += row[i]!
    }
  }
  return sum
}

/** Puts one in its place among the best, the most alike first; of those close to each other only the most alike stays. */
const insert = (best: Array<Alike>, one: Alike): void => {
  const near = (other: Alike) => other.recording === one.recording && Math.abs(other.start - one.start) < APART
  const rival = best.findIndex(near)
  if (rival >= 0) {
    if (best[rival]!.likeness >= one.likeness) return
    best.splice(rival, 1)
  }
  const place = best.findIndex(({ likeness }) => likeness < one.likeness)
  best.splice(place < 0 ? best.length : place, 0, one)
  if (best.length > FOUND) best.pop()
}
