import { Clock, Effect } from "effect"
import { Engine } from "../../embedder/engine.ts"
import { rowSize } from "../../embedder/frontEnd.ts"
import { codeVectors } from "../../embeddings/scans/coding.ts"
import type { KnownScans } from "../../embeddings/scans/knownScans.ts"
import type { ScannedRecording, StoredFacts, WindowSegment } from "../../embeddings/scans/scannedRecording.ts"
import { type ScanRecipe, sizesOf } from "../../embeddings/scans/scanRecipe.ts"
import { Scans } from "../../embeddings/scans/scans.ts"
import type { RecorderFacts } from "../../sound/field/recorder.ts"
import { formatClock } from "../../sound/field/wallClock.ts"
import { siteOf } from "../../store/keys.ts"
import { isVersionByTime, type ObjectInfo, Store } from "../../store/store.ts"
import { PART_WINDOWS, type PatchesInHand, type RecordingInHand, type TellHearing } from "./recordingsInHand.ts"

/** Milliseconds after which what was heard is stored, be it ever so little. */
const LONGEST_UNSTORED = 30_000
/** What was in hand, once its patches are embedded: rows [windows * width]. */
export interface RowsInHand extends Omit<PatchesInHand, "chunk"> {
  readonly rows?: Float32Array
}

/** Stores the windows of recordings in hand, in parts, and tells which recordings are stored to their end. */
export const windowKeeper = Effect.fnUntraced(function* (recipe: ScanRecipe, known: KnownScans, emit: TellHearing) {
  const engine = yield* Engine
  const scans = yield* Scans
  const store = yield* Store
  const sizes = sizesOf(recipe)
  const width = rowSize(engine.frontEnd)
  let pending: Array<WindowSegment> = []
  let since = yield* Clock.currentTimeMillis

  const skip = (key: string, reason: string) => emit({ stage: "skip", key, reason })

  /** A segment of what is in hand of a recording. */
  const cut = (hearing: RecordingInHand, recording?: ScannedRecording): WindowSegment => {
    const { object, etag, first, filled, rows } = hearing
    const windows = codeVectors(rows.subarray(0, filled * width), sizes)
    hearing.first += filled
    hearing.filled = 0
    return { key: object.key, etag, first, windows, ...(recording === undefined ? {} : { recording }) }
  }

  const keepRows = ({ hearing, rows }: RowsInHand): ReadonlyArray<WindowSegment> => {
    if (rows === undefined) return []
    hearing.rows.set(rows, hearing.filled * width)
    hearing.filled += rows.length / width
    return hearing.filled === PART_WINDOWS ? [cut(hearing)] : []
  }

  /** Whether the object is still what was heard. */
  const isUnchanged = ({ key, etag }: ObjectInfo) =>
    isVersionByTime(etag) || etag === ""
      ? Effect.succeed(true)
      : Effect.map(store.find(key), (found) => found._tag === "Some" && found.value.etag === etag)

  const finish = Effect.fnUntraced(function* ({ hearing, end }: RowsInHand) {
    if (end === undefined) return []
    const { key, size } = hearing.object
    if (!(yield* isUnchanged(hearing.object))) {
      yield* skip(key, "It changed while it was heard: the next scan hears it.")
      return []
    }
    if (end.windows === 0) {
      yield* skip(key, "The file holds no sound.")
      return []
    }
    const { contentHash, windows, sampleRate, seconds, noted } = end
    return [
      cut(hearing, {
        key,
        etag: hearing.etag,
        size,
        contentHash,
        beginning: hearing.beginning,
        site: siteOf(key),
        seconds,
        windows,
        sampleRate,
        repairs: [...noted, ...hearing.facts.noted],
        facts: factsToStore(hearing.facts)
      })
    ]
  })

  /** Writes what is pending, and gives the recordings that end with it. */
  const flush = Effect.fnUntraced(function* () {
    const segments = pending
    pending = []
    since = yield* Clock.currentTimeMillis
    if (segments.length === 0) return []
    const part = yield* scans.append(recipe, segments)
    known.add(
      part,
      segments.map(({ key, etag, first, windows, recording }) => ({
        ...{ key, etag, first, count: windows.count },
        recording: recording ?? ("" as const)
      }))
    )
    return segments.flatMap(({ recording }) => (recording === undefined ? [] : [recording]))
  })

  /** Keeps rows, and gives the recordings that are stored to their end with them. */
  const keep = Effect.fnUntraced(function* (embedded: RowsInHand) {
    pending.push(...keepRows(embedded), ...(yield* finish(embedded)))
    const windows = pending.reduce((sum, segment) => sum + segment.windows.count, 0)
    const isDue = windows >= PART_WINDOWS || (yield* Clock.currentTimeMillis) - since >= LONGEST_UNSTORED
    return isDue ? yield* flush() : []
  })

  return { keep, flush }
})

const factsToStore = ({ start, noted: _, ...facts }: RecorderFacts): StoredFacts => ({
  ...facts,
  ...(start === undefined ? {} : { startedAt: formatClock(start) })
})
