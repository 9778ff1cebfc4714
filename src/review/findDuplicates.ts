import { Effect } from "effect"
import { nearestNeighbours } from "../classifier/neighbours/nearest.ts"
import { Settings } from "../config/settings.ts"
import type { DuplicatePair, KnownDuplicates } from "../registry/knownDuplicates.ts"
import { SAMPLE_RATE } from "../sound/clip.ts"
import { decodeClip } from "../sound/decode/decode.ts"
import { resample } from "../sound/resample.ts"
import { isAbsence, Store } from "../store/store.ts"
import { correlate, type Spectrum, sizeFor, spectrumOfChanges } from "./correlation.ts"
import type { ReviewedCorpus, ReviewedRecording } from "./reviewedCorpus.ts"

/** From this correlation on two recordings hold the same sound: well above what others reach (docs/decisions/labels.md). */
const SAME = 0.3

/** In Hz: all that tells recordings apart, at half the cost of 16 kHz. */
const RATE = 8_000

/** How many neighbours by embedding are compared by sound: as many as this many pairs allow, within bounds. */
const NEIGHBOURS = { pairs: 20_000, least: 10, most: 50 } as const

/** Bytes of decoded sound that are kept for the next comparison. */
const CACHE = 256e6

/** A step of the search: pairs compared, of those to compare. */
export type OnCompared = (done: number, total: number) => Effect.Effect<void>

/**
 * Finds near-duplicates in different groups (sources): those among each other's nearest by embedding whose sound, shifted
 * against each other, correlates. What was compared before is not again; silence is like nothing.
 *
 * Embeddings alone do not do: noise moves one further than others of other sources lie. Sound that was stretched or moved
 * in pitch is not found.
 */
export const findDuplicates = Effect.fn("findDuplicates")(function* (
  { width, recordings, vectors }: ReviewedCorpus,
  known: KnownDuplicates,
  onCompared: OnCompared = () => Effect.void
) {
  const checked = new Set(known.checked)
  const isChecked = ({ contentHash }: ReviewedRecording) => checked.has(contentHash)
  const sounding = recordings.flatMap(({ peak }, row) => (peak > 0 ? [row] : []))
  const fresh = sounding.filter((row) => !isChecked(recordings[row]!))
  const k = Math.max(
    NEIGHBOURS.least,
    Math.min(NEIGHBOURS.most, Math.floor(NEIGHBOURS.pairs / Math.max(1, fresh.length)))
  )
  const neighbours = yield* nearestNeighbours(vectors, width, k, {
    rows: fresh,
    accepts: (row, other) => recordings[row]!.group !== recordings[other]!.group && recordings[other]!.peak > 0
  })
  const candidates = new Map<string, readonly [number, number]>()
  for (const [at, row] of fresh.entries()) {
    for (const other of neighbours.indices.subarray(at * k, (at + 1) * k)) {
      if (other < 0) break
      const pair = [Math.min(row, other), Math.max(row, other)] as const
      candidates.set(pair.join(" "), pair)
    }
  }
  // In the order of rows, so that one recording's comparisons follow each other.
  const pairs = [...candidates.values()].sort((a, b) => a[0] - b[0] || a[1] - b[1])
  const soundOf = yield* makeSoundCache
  const found: Array<DuplicatePair> = []
  let done = 0
  for (const [one, other] of pairs) {
    const [a, b] = [recordings[one]!, recordings[other]!]
    const sameBytes = a.contentHash === b.contentHash
    const likeness = sameBytes ? 1 : compare(yield* soundOf(a.key), yield* soundOf(b.key))
    if (likeness >= SAME) {
      found.push({ hashes: [a.contentHash, b.contentHash], keys: [a.key, b.key], correlation: likeness })
    }
    yield* onCompared(++done, pairs.length)
  }
  return { pairs: found, checked: fresh.map((row) => recordings[row]!.contentHash) } satisfies KnownDuplicates
})

/** A recording's samples, and its spectrum as it was compared last. */
interface Sound {
  readonly samples: Float32Array
  spectrum?: Spectrum
}

const compare = (one: Sound, other: Sound): number => {
  const size = sizeFor(one.samples.length, other.samples.length)
  for (const sound of [one, other]) {
    if (sound.spectrum?.size !== size) sound.spectrum = spectrumOfChanges(sound.samples, size)
  }
  return correlate(one.spectrum!, other.spectrum!)
}

/** Fetches and decodes recordings, and keeps those asked for last. One that is gone, or changed, is silence. */
const makeSoundCache = Effect.gen(function* () {
  const store = yield* Store
  const { clipMaxSeconds } = yield* Settings
  const kept = new Map<string, Sound>()
  let held = 0
  // A spectrum at least doubles a recording, and padding may double that.
  const bytesOf = ({ samples }: Sound) => 5 * samples.byteLength
  return Effect.fnUntraced(function* (key: string) {
    const known = kept.get(key)
    if (known !== undefined) {
      kept.delete(key)
      kept.set(key, known)
      return known
    }
    const samples = yield* store.get(key).pipe(
      Effect.flatMap(({ bytes }) => decodeClip(bytes, { maxSeconds: clipMaxSeconds })),
      Effect.map((clip) => resample(clip.samples, SAMPLE_RATE, RATE)),
      Effect.catchIf(
        (error) => error._tag === "DecodeError" || isAbsence(error),
        () => Effect.succeed(new Float32Array())
      )
    )
    const sound: Sound = { samples }
    kept.set(key, sound)
    held += bytesOf(sound)
    for (const [oldest, other] of kept) {
      if (held <= CACHE) break
      kept.delete(oldest)
      held -= bytesOf(other)
    }
    return sound
  })
})
