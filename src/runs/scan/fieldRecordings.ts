import { Effect, Stream } from "effect"
import type { KnownScans } from "../../embeddings/scans/knownScans.ts"
import type { ScannedRecording } from "../../embeddings/scans/scannedRecording.ts"
import { readFileName } from "../../sound/field/fileName.ts"
import { readRecorder } from "../../sound/field/recorder.ts"
import { formatClock, instantOf, readTime } from "../../sound/field/wallClock.ts"
import { FIELD_PREFIX, fileName, isFieldRecording, siteOf } from "../../store/keys.ts"
import { type ObjectInfo, Store } from "../../store/store.ts"

/** Which field recordings. */
export interface Selection {
  /** Those of one site; of all unless said. */
  readonly site?: string | undefined
  /** The one at this key. */
  readonly recording?: string | undefined
  /**
   * Those that start at this time or later; of those that do not tell, none. ISO 8601. Where it says how far it is ahead of UTC it
   * is an instant, else what the recorders' clocks showed, wherever this machine is.
   */
  readonly since?: string | undefined
}

/** Without an offset on either side, clocks are compared as they were read. */
const isSince = (asked: string, told: string): boolean => {
  const [since, time] = [readTime(asked), readTime(told)]
  if (since === undefined || time === undefined) return false
  return since.offset === undefined ? time.shown >= since.shown : instantOf(time) >= instantOf(since)
}

/** Whether a recording that lies at `key` and starts at this time is meant. */
export const isMeant = (selection: Selection, key: string, startedAt: string | undefined): boolean =>
  isMeantAnyTime(selection, key) &&
  (selection.since === undefined || (startedAt !== undefined && isSince(selection.since, startedAt)))

const isMeantAnyTime = ({ site, recording }: Selection, key: string): boolean =>
  (site === undefined || siteOf(key) === site) && (recording === undefined || key === recording)

/** When a recording starts, as its name has it. */
const namedStart = (key: string): string | undefined => {
  const { start } = readFileName(fileName(key))
  return start === undefined ? undefined : formatClock(start)
}

/** When a recording starts: as was found when it was heard, but where it has got a name since that says otherwise. */
export const startOf = ({ recording, key }: PlacedRecording): string | undefined =>
  fileName(key) === fileName(recording.key) ? recording.facts.startedAt : (namedStart(key) ?? recording.facts.startedAt)

/** The field recordings that are meant, and those whose names do not tell when they start, in the order of their keys. */
export const listField = Effect.fn("listField")(function* (selection: Selection) {
  const { site, recording } = selection
  const store = yield* Store
  return yield* store.list(recording ?? (site === undefined ? FIELD_PREFIX : `${FIELD_PREFIX}${site}/`)).pipe(
    Stream.filter(isFieldRecording),
    Stream.filter(({ key }) => {
      const startedAt = namedStart(key)
      return startedAt === undefined ? isMeantAnyTime(selection, key) : isMeant(selection, key, startedAt)
    }),
    Stream.runCollect
  )
})

/** Recordings whose headers are read at once. */
const CONCURRENCY = 16

/**
 * Takes out of a listing what does not start at the time that is asked for, where a recording's name does not tell: by what
 * was heard of it, else by its header. What tells nowhere is `undated`; what cannot be read stays, and hearing it says why.
 */
export const whereDated = Effect.fn("whereDated")(function* (
  selection: Selection,
  objects: ReadonlyArray<ObjectInfo>,
  known: KnownScans
) {
  if (selection.since === undefined) return { objects, undated: [] }
  const store = yield* Store
  const startOfListed = Effect.fnUntraced(function* (object: ObjectInfo) {
    const named = namedStart(object.key)
    if (named !== undefined) return named
    const heard = known.recordings.get(known.contentOf(object) ?? "")
    if (heard !== undefined) return startOf({ recording: heard, key: object.key })
    const { start } = yield* readRecorder((from, to) => store.getRange(object.key, from, to), object)
    return start === undefined ? undefined : formatClock(start)
  })
  const told = yield* Effect.forEach(
    objects,
    (object) =>
      startOfListed(object).pipe(
        Effect.map((startedAt) => ({
          object,
          isUndated: startedAt === undefined,
          isAsked: isMeant(selection, object.key, startedAt)
        })),
        Effect.orElseSucceed(() => ({ object, isUndated: false, isAsked: true }))
      ),
    { concurrency: CONCURRENCY }
  )
  return {
    objects: told.filter(({ isAsked }) => isAsked).map(({ object }) => object),
    undated: told.filter(({ isUndated }) => isUndated).map(({ object }) => object.key)
  }
})

/** A recording that was heard, and where it lies now. */
export interface PlacedRecording {
  readonly recording: ScannedRecording
  readonly key: string
}

/** The recordings that were heard, sorted out. */
export interface Placing {
  /**
   * Those that are meant, where they lie now, in the order of their keys; where they lay, if they are gone. What only has the
   * first ones of the vectors is here if it is gone: what lies there is heard again.
   */
  readonly placed: ReadonlyArray<PlacedRecording>
  /** The keys of those that would be, if it were known when they start. */
  readonly undated: ReadonlyArray<string>
  /** Those in whose place lies something else now. */
  readonly replaced: ReadonlyArray<ScannedRecording>
  /** Those that lie there and only have the first ones of the vectors. */
  readonly waiting: ReadonlyArray<PlacedRecording>
}

/** Places the recordings that were heard: copies of one under the first of their keys. */
export const placeRecordings = (
  known: KnownScans,
  objects: ReadonlyArray<ObjectInfo>,
  selection: Selection
): Placing => {
  const keys = new Map<string, string>()
  const taken = new Set<string>()
  const waiting = new Map<string, string>()
  for (const object of objects) {
    const contentHash = known.contentOf(object)
    const before = known.contentBefore(object)
    if (before !== undefined && !waiting.has(before)) waiting.set(before, object.key)
    taken.add(object.key)
    if (contentHash !== undefined && !keys.has(contentHash)) keys.set(contentHash, object.key)
  }
  // The listing is of one site: what is not in it may have been moved to another since it was heard.
  const isElsewhere = ({ contentHash }: ScannedRecording) =>
    selection.site !== undefined &&
    !keys.has(contentHash) &&
    known.keysOf(contentHash).some((key) => siteOf(key) !== selection.site)
  const isReplaced = ({ contentHash, key }: ScannedRecording) => !keys.has(contentHash) && taken.has(key)
  const before = known.recordingsBefore
  const gone = before.filter(({ contentHash }) => !waiting.has(contentHash))
  const recordings = [...known.recordings.values(), ...gone]
  const here = recordings
    .filter((recording) => !isReplaced(recording) && !isElsewhere(recording))
    .map((recording) => ({ recording, key: keys.get(recording.contentHash) ?? recording.key }))
  const isUndated = (one: PlacedRecording) =>
    selection.since !== undefined && startOf(one) === undefined && isMeantAnyTime(selection, one.key)
  return {
    placed: here.filter((one) => isMeant(selection, one.key, startOf(one))).sort((a, b) => (a.key < b.key ? -1 : 1)),
    undated: here.filter(isUndated).map(({ key }) => key),
    replaced: recordings.filter(isReplaced),
    waiting: before.flatMap((recording) => {
      const key = waiting.get(recording.contentHash)
      return key === undefined ? [] : [{ recording, key }]
    })
  }
}
