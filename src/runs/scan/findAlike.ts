import { Effect, Stream } from "effect"
import { decodeVectors } from "../../embeddings/scans/coding.ts"
import type { KnownScans } from "../../embeddings/scans/knownScans.ts"
import { cosinesWith, lengthsOf } from "../../embeddings/scans/likeness.ts"
import type { ScannedRecording } from "../../embeddings/scans/scannedRecording.ts"
import { type ScanRecipe, sizesOf, windowTimes } from "../../embeddings/scans/scanRecipe.ts"
import { Scans, type StoredWindows } from "../../embeddings/scans/scans.ts"
import type { PlacedRecording } from "./fieldRecordings.ts"

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
  /** Kept from one search to the next: the lengths of vectors by the windows' place. */
  lengths: Map<string, Float32Array>
) {
  const scans = yield* Scans
  const { hop, window } = windowTimes(recipe)
  const sizes = sizesOf(recipe)
  const own = placed.find(({ key }) => key === span.recording)
  if (own === undefined) return { found: [], searched: 0 }
  const keys = new Map(placed.map(({ recording, key }) => [recording.contentHash, key]))
  const recordings = placed.map(({ recording }) => recording)
  const query = yield* scans.load(recipe, known, [own.recording]).pipe(
    Stream.runFold(
      () => new Float32Array(sizes[0]!),
      (sum, stored) => addSpan(sum, stored, sizes, hop, window, span)
    )
  )

  const best: Array<Alike> = []
  let searched = 0
  const take = ({ recording, first, segment, from, to }: StoredWindows) => {
    const name = `${recording.contentHash} ${segment.first}`
    const known = lengths.get(name) ?? lengthsOf(segment.windows, sizes[0]!, sizes.length)
    lengths.set(name, known)
    const cosines = cosinesWith(query, segment.windows, sizes.length, known)
    const key = keys.get(recording.contentHash)!
    searched += to - from
    for (let at = from; at < to; at++) {
      const likeness = cosines[at]!
      const start = (first + at - from) * hop
      const isOwn = key === span.recording && start < span.end && start + window > span.start
      if (isOwn || (best.length >= FOUND && likeness <= best.at(-1)!.likeness)) continue
      insert(best, { recording: key, start, end: start + window, startedAt: startOf(recording), likeness })
    }
  }
  yield* scans.load(recipe, known, recordings).pipe(Stream.runForEach((stored) => Effect.sync(() => take(stored))))
  return { found: best, searched }
})

const startOf = ({ facts }: ScannedRecording) => facts.startedAt

/** Adds the span's windows among these to a sum; those that hear at least half of themselves in it, or it whole. */
const addSpan = (
  sum: Float32Array<ArrayBuffer>,
  { first, segment, from, to }: StoredWindows,
  sizes: ReadonlyArray<number>,
  hop: number,
  window: number,
  { start, end }: { readonly start: number; readonly end: number }
): Float32Array<ArrayBuffer> => {
  const width = sizes.reduce((all, size) => all + size, 0)
  const row = new Float32Array(width)
  for (let at = from; at < to; at++) {
    const begins = (first + at - from) * hop
    const common = Math.min(end, begins + window) - Math.max(start, begins)
    if (common < Math.min(window / 2, end - start) - 1e-6) continue
    decodeVectors(segment.windows, sizes, at, at + 1, row)
    for (let i = 0; i < sum.length; i++) sum[i]! += row[i]!
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
