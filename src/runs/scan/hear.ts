import { Clock, Effect, Stream } from "effect"
import { Engine, type EngineError, embedPatches } from "../../embedder/engine.ts"
import { rowSize } from "../../embedder/frontEnd.ts"
import { codeVectors } from "../../embeddings/scans/coding.ts"
import type { KnownScans } from "../../embeddings/scans/knownScans.ts"
import type { ScannedRecording, StoredFacts, WindowSegment } from "../../embeddings/scans/scannedRecording.ts"
import { type ScanRecipe, sizesOf } from "../../embeddings/scans/scanRecipe.ts"
import { Scans } from "../../embeddings/scans/scans.ts"
import type { Sighting } from "../../embeddings/sighting.ts"
import { readIndex } from "../../sound/field/mp4Index.ts"
import { type RecorderFacts, readRecorder } from "../../sound/field/recorder.ts"
import { formatClock } from "../../sound/field/wallClock.ts"
import { blocksOf } from "../../store/blocks.ts"
import { siteOf } from "../../store/keys.ts"
import { sha256 } from "../../store/sha256.ts"
import { isAbsence, isVersionByTime, type ObjectInfo, Store } from "../../store/store.ts"
import { type HeardBytes, Listeners } from "../../stream/field/listeners.ts"
import { CHUNK_WINDOWS, type PatchChunk } from "../../stream/field/windowCutter.ts"

/** Windows of a part: half an hour, and what is lost at most of a recording in hand. */
export const PART_WINDOWS = 30 * CHUNK_WINDOWS
/** Milliseconds after which what was heard is stored, be it ever so little. */
const LONGEST_UNSTORED = 30_000
/** Chunks embedded at once, so that an engine of several processes has the next batch when one ends. */
const CHUNKS_AT_ONCE = 2
/** Of a recording's first bytes a hash tells whether it may be a copy. */
const BEGINNING_BYTES = 1 << 16

/** What hearing tells of itself. */
export type HearEvent =
  /** So many more bytes and seconds of a recording are heard. */
  | { readonly stage: "heard"; readonly key: string; readonly bytes: number; readonly seconds: number }
  | { readonly stage: "skip"; readonly key: string; readonly reason: string }

interface HearSettings {
  readonly recipe: ScanRecipe
  readonly known: KnownScans
  /** Recordings heard at once. */
  readonly listeners: number
  readonly emit: (event: HearEvent) => Effect.Effect<void>
}

/** A recording in hand. */
interface Hearing {
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
interface PatchesInHand {
  readonly hearing: Hearing
  readonly chunk?: PatchChunk
  readonly end?: { readonly seconds: number } & NonNullable<HeardBytes["end"]>
}

/** The same, once the patches are embedded: rows [windows * width]. */
interface RowsInHand extends Omit<PatchesInHand, "chunk"> {
  readonly rows?: Float32Array
}

/**
 * Hears field recordings that were not heard yet, and stores their windows' vectors part by part; gives each recording
 * once all of it is stored. What is stored of a recording already is not heard again, nor is a copy of one.
 *
 * A recording that cannot be heard is told of and left out. Only that the store fails ends it; what is stored stays.
 */
export const hear = Effect.fnUntraced(function* <E, R>(
  objects: Stream.Stream<ObjectInfo, E, R>,
  { recipe, known, listeners, emit }: HearSettings
) {
  const engine = yield* Engine
  const scans = yield* Scans
  const store = yield* Store
  const { hear: listen } = yield* Listeners
  const sizes = sizesOf(recipe)
  const width = rowSize(engine.frontEnd)
  /** Recordings that may be copies of one in hand: they wait until that is heard. */
  const inHand = new Set<string>()
  const postponed: Array<ObjectInfo> = []
  const sightings: Array<Sighting> = []
  let pending: Array<WindowSegment> = []
  let since = yield* Clock.currentTimeMillis

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
      yield* skip(key, "It is empty.")
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
    const hearing: Hearing = {
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

  const hearOrSkip = (object: ObjectInfo) =>
    Stream.unwrap(hearOne(object)).pipe(
      Stream.catchTag("ListenError", ({ reason }) => Stream.fromEffectDrain(skip(object.key, reason))),
      Stream.catchIf(isAbsence, () => Stream.fromEffectDrain(skip(object.key, "It vanished after it was listed.")))
    )

  /** A segment of what is in hand of a recording. */
  const cut = (hearing: Hearing, recording?: ScannedRecording): WindowSegment => {
    const { object, etag, first, filled, rows } = hearing
    const windows = codeVectors(rows.subarray(0, filled * width), sizes)
    hearing.first += filled
    hearing.filled = 0
    return { key: object.key, etag, first, windows, ...(recording === undefined ? {} : { recording }) }
  }

  const embed = ({ chunk, ...heard }: PatchesInHand): Effect.Effect<RowsInHand, EngineError> =>
    chunk === undefined
      ? Effect.succeed(heard)
      : Effect.map(embedPatches(engine, chunk.patches), (rows) => ({ ...heard, rows }))

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

  const keep = Effect.fnUntraced(function* (embedded: RowsInHand) {
    pending.push(...keepRows(embedded), ...(yield* finish(embedded)))
    const windows = pending.reduce((sum, segment) => sum + segment.windows.count, 0)
    const isDue = windows >= PART_WINDOWS || (yield* Clock.currentTimeMillis) - since >= LONGEST_UNSTORED
    return isDue ? yield* flush() : []
  })

  const hearAll = <E2, R2>(those: Stream.Stream<ObjectInfo, E2, R2>) =>
    those.pipe(
      Stream.flatMap(hearOrSkip, { concurrency: listeners, bufferSize: 2 }),
      Stream.mapEffect(embed, { concurrency: CHUNKS_AT_ONCE }),
      Stream.mapEffect(keep),
      Stream.flattenIterable
    )

  const rest = Stream.unwrap(Effect.map(flush(), Stream.fromIterable))
  // One after another, each once those before it are stored: what looks alike need not be copies of one recording.
  const copies = Stream.suspend(() => Stream.fromIterable(postponed.splice(0))).pipe(
    Stream.flatMap((object) => {
      inHand.clear()
      return Stream.concat(hearAll(Stream.make(object)), rest)
    })
  )
  return Stream.concat(hearAll(objects), rest).pipe(
    Stream.concat(copies),
    // Without them, copies are read again by the next scan.
    Stream.ensuring(
      Effect.ignore(
        Effect.suspend(() => scans.sighted(sightings.splice(0))),
        { log: "Warn" }
      )
    )
  )
})

const factsToStore = ({ start, noted: _, ...facts }: RecorderFacts): StoredFacts => ({
  ...facts,
  ...(start === undefined ? {} : { startedAt: formatClock(start) })
})
