import { Effect, Result, Stream } from "effect"
import { Engine } from "../../embedder/engine.ts"
import { rowSize } from "../../embedder/frontEnd.ts"
import type { KnownScans } from "../../embeddings/scans/knownScans.ts"
import { Scans } from "../../embeddings/scans/scans.ts"
import type { Sighting } from "../../embeddings/sighting.ts"
import { readIndex } from "../../sound/field/mp4Index.ts"
import { type RecorderFacts, readRecorder } from "../../sound/field/recorder.ts"
import { blocksOf } from "../../store/blocks.ts"
import { sha256 } from "../../store/sha256.ts"
import { isAbsence, isNoFile, type ObjectInfo, Store, type StoreError, whyMisnamed } from "../../store/store.ts"
import { type HeardBytes, Listeners } from "../../stream/field/listeners.ts"
import { CHUNK_WINDOWS, type PatchChunk } from "../../stream/field/windowCutter.ts"

/** Windows of a part: half an hour, and what is lost at most of a recording in hand. */
export const PART_WINDOWS = 30 * CHUNK_WINDOWS
/** Of a recording's first bytes a hash tells whether it may be a copy. */
const BEGINNING_BYTES = 1 << 16

/** What hearing tells of itself. */
type HearEvent =
  /** So many more bytes and seconds of a recording are heard. */
  | { readonly stage: "heard"; readonly key: string; readonly bytes: number; readonly seconds: number }
  | { readonly stage: "skip"; readonly key: string; readonly reason: string }

/** How hearing tells of itself. */
export type TellHearing = (event: HearEvent) => Effect.Effect<void>

/** A recording in hand. */
export interface RecordingInHand {
  readonly object: ObjectInfo
  /** The version under which its windows are stored. */
  readonly etag: string
  /** Hex SHA-256 of its first bytes. */
  readonly beginning: string
  /** What its recorder says of it. */
  readonly facts: RecorderFacts
  /** [up to PART_WINDOWS * size] */
  rows: Float32Array
  /** Windows in `rows`, and the place of their first one. */
  filled: number
  first: number
}

/** Patches of a recording in hand, or its end. */
export interface PatchesInHand {
  readonly hearing: RecordingInHand
  readonly chunk?: PatchChunk
  readonly end?: { readonly seconds: number } & NonNullable<HeardBytes["end"]>
}

/**
 * Takes recordings in hand, and gives the patches of what is not stored of each, to its end. One that was heard before, under
 * another name, is only remembered; one that looks like another in hand is put off until that is heard.
 */
export const recordingsInHand = Effect.fnUntraced(function* (known: KnownScans, emit: TellHearing) {
  const engine = yield* Engine
  const scans = yield* Scans
  const store = yield* Store
  const { hear: listen } = yield* Listeners
  const width = rowSize(engine.frontEnd)
  /** Recordings that may be copies of one in hand: they wait until that is heard. */
  const inHand = new Set<string>()
  const postponed: Array<ObjectInfo> = []
  const sightings: Array<Sighting> = []

  const skip = (key: string, reason: string) => emit({ stage: "skip", key, reason })

  /** The content of what looks like a recording that was heard, where it is one. */
  const copyOf = Effect.fnUntraced(function* (object: ObjectInfo) {
    const hasher = new Bun.CryptoHasher("sha256")
    yield* Stream.runForEach(blocksOf(store, object), (bytes) => Effect.sync(() => hasher.update(bytes)))
    const contentHash = hasher.digest("hex")
    return known.recordings.has(contentHash) ? contentHash : undefined
  })

  const hearOne = Effect.fnUntraced(function* (object: ObjectInfo) {
    const { key, size } = object
    if (size === 0) {
      yield* skip(key, whyEmpty(key, yield* Effect.result(store.get(key))))
      return Stream.empty
    }
    const read = (from: number, to: number) => store.getRange(key, from, to)
    const head = yield* read(0, Math.min(size, BEGINNING_BYTES))
    const beginning = sha256(head)
    const look = `${size} ${beginning}`
    if (inHand.has(look)) {
      postponed.push(object)
      return Stream.empty
    }
    if (known.resembles({ size, beginning })) {
      const contentHash = yield* copyOf(object)
      if (contentHash !== undefined) {
        known.see({ ...object, contentHash })
        sightings.push({ key, etag: object.etag, size, contentHash })
        yield* emit({ stage: "heard", key, bytes: size, seconds: 0 })
        return Stream.empty
      }
    }
    inHand.add(look)
    const isVersioned = object.etag !== ""
    const stored = isVersioned ? known.windowsOf(object) : 0
    const first = stored - (stored % CHUNK_WINDOWS)
    const hearing: RecordingInHand = {
      object,
      // Where a store tells no versions, what is stored must not be taken for another content's.
      etag: isVersioned ? object.etag : `heard ${crypto.randomUUID()}`,
      beginning,
      facts: yield* readRecorder(read, object),
      rows: new Float32Array(PART_WINDOWS * width),
      filled: 0,
      first
    }
    let [before, bytes] = [0, 0]
    const count = (block: Uint8Array) =>
      Effect.sync(() => {
        bytes += block.length
      })
    return listen(blocksOf(store, object).pipe(Stream.tap(count)), {
      frontEnd: engine.frontEnd,
      index: yield* readIndex(read, size, head),
      size,
      first
    }).pipe(
      Stream.tap(({ seconds }) => {
        const more = { bytes, seconds: seconds - before }
        bytes = 0
        before = seconds
        return emit({ stage: "heard", key, ...more })
      }),
      Stream.map(
        ({ chunks, seconds, end }): ReadonlyArray<PatchesInHand> => [
          ...chunks.map((chunk) => ({ hearing, chunk })),
          ...(end === undefined ? [] : [{ hearing, end: { seconds, ...end } }])
        ]
      ),
      Stream.flattenIterable
    )
  })

  const patchesOf = (object: ObjectInfo) =>
    Stream.unwrap(hearOne(object)).pipe(
      Stream.catchTag("ListenError", ({ reason }) => Stream.fromEffectDrain(skip(object.key, reason))),
      Stream.catchIf(isAbsence, () => Stream.fromEffectDrain(skip(object.key, "It vanished after it was listed.")))
    )

  return {
    patchesOf,
    /** Those put off since the last call. */
    takePostponed: () => postponed.splice(0),
    /** None is in hand any more. */
    letGo: () => inHand.clear(),
    /** Stores which recordings were found to be copies. */
    remember: Effect.suspend(() => scans.sighted(sightings.splice(0)))
  }
})

/** Why nothing is there of what is listed as empty. */
const whyEmpty = (key: string, read: Result.Result<unknown, StoreError>): string => {
  if (Result.isFailure(read) && isNoFile(read.failure)) return read.failure.message
  const isGone = Result.isFailure(read) && isAbsence(read.failure)
  return (
    whyMisnamed(key) ?? (isGone ? "It leads nowhere, as a link may, or has gone since it was listed." : "It is empty.")
  )
}
