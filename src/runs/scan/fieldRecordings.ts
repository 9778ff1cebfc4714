import { Effect, Stream } from "effect"
import type { KnownScans } from "../../embeddings/scans/knownScans.ts"
import type { ScannedRecording } from "../../embeddings/scans/scannedRecording.ts"
import { readFileName } from "../../sound/field/fileName.ts"
import { formatClock, instantOf, readTime } from "../../sound/field/wallClock.ts"
import { FIELD_PREFIX, isFieldRecording, siteOf } from "../../store/keys.ts"
import { type ObjectInfo, Store } from "../../store/store.ts"

/** Which field recordings. */
export interface Selection {
  /** Those of one site; of all unless said. */
  readonly site?: string | undefined
  /** The one at this key. */
  readonly recording?: string | undefined
  /**
   * Those that start at this time or later, and those that do not tell; ISO 8601. Where it says how far it is ahead of UTC it
   * is an instant, else what the recorders' clocks showed, wherever this machine is.
   */
  readonly since?: string | undefined
}

/** Without an offset on either side, clocks are compared as they were read. */
const isSince = (asked: string, told: string): boolean => {
  const [since, time] = [readTime(asked), readTime(told)]
  if (since === undefined || time === undefined) return true
  return since.offset === undefined ? time.shown >= since.shown : instantOf(time) >= instantOf(since)
}

/** Whether a recording that lies at `key` is meant, as far as it is known when it starts. */
export const isMeant = ({ site, recording, since }: Selection, key: string, startedAt: string | undefined): boolean =>
  (site === undefined || siteOf(key) === site) &&
  (recording === undefined || key === recording) &&
  (since === undefined || startedAt === undefined || isSince(since, startedAt))

/** The field recordings that are meant, as far as their names tell when they start, in the order of their keys. */
export const listField = Effect.fn("listField")(function* (selection: Selection) {
  const { site, recording } = selection
  const store = yield* Store
  return yield* store.list(recording ?? (site === undefined ? FIELD_PREFIX : `${FIELD_PREFIX}${site}/`)).pipe(
    Stream.filter(isFieldRecording),
    Stream.filter(({ key }) => {
      const { start } = readFileName(key.slice(key.lastIndexOf("/") + 1))
      return isMeant(selection, key, start === undefined ? undefined : formatClock(start))
    }),
    Stream.runCollect
  )
})

/** A recording that was heard, and where it lies now. */
export interface PlacedRecording {
  readonly recording: ScannedRecording
  readonly key: string
}

/** The recordings that were heard, sorted out. */
export interface Placing {
  /** Those that are meant, where they lie now, in the order of their keys; where they lay, if they are gone. */
  readonly placed: ReadonlyArray<PlacedRecording>
  /** Those in whose place lies something else now. */
  readonly replaced: ReadonlyArray<ScannedRecording>
}

/** Places the recordings that were heard: copies of one under the first of their keys. */
export const placeRecordings = (
  known: KnownScans,
  objects: ReadonlyArray<ObjectInfo>,
  selection: Selection
): Placing => {
  const keys = new Map<string, string>()
  const taken = new Set<string>()
  for (const object of objects) {
    const contentHash = known.contentOf(object)
    taken.add(object.key)
    if (contentHash !== undefined && !keys.has(contentHash)) keys.set(contentHash, object.key)
  }
  // The listing is of one site: what is not in it may have been moved to another since it was heard.
  const isElsewhere = ({ contentHash }: ScannedRecording) =>
    selection.site !== undefined &&
    !keys.has(contentHash) &&
    known.keysOf(contentHash).some((key) => siteOf(key) !== selection.site)
  const isReplaced = ({ contentHash, key }: ScannedRecording) => !keys.has(contentHash) && taken.has(key)
  const recordings = [...known.recordings.values()]
  return {
    placed: recordings
      .filter((recording) => !isReplaced(recording) && !isElsewhere(recording))
      .map((recording) => ({ recording, key: keys.get(recording.contentHash) ?? recording.key }))
      .filter(({ recording, key }) => isMeant(selection, key, recording.facts.startedAt))
      .sort((a, b) => (a.key < b.key ? -1 : 1)),
    replaced: recordings.filter(isReplaced)
  }
}
