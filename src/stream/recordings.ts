import { Effect, Stream } from "effect"
import { classOf, isRecording, RECORDINGS_PREFIX } from "../store/keys.ts"
import { type ObjectInfo, Store } from "../store/store.ts"
import { RunEvents } from "./events.ts"

/** The ETags that embeddings are stored for, by key. */
export type StoredVersions = ReadonlyMap<string, ReadonlySet<string>>

/** The recordings in the store, listed page by page as they are asked for. */
export const recordings = Stream.unwrap(
  Effect.map(Store, (store) => store.list(RECORDINGS_PREFIX).pipe(Stream.filter(isRecording)))
)

/** The version of every recording in the store now: key to ETag. */
export const liveVersions = recordings.pipe(
  Stream.runFold(
    () => new Map<string, string>(),
    (live, { key, etag }) => live.set(key, etag)
  )
)

/** Whether this version of a recording is embedded already. */
export const isStored = (stored: StoredVersions, { key, etag }: ObjectInfo): boolean =>
  stored.get(key)?.has(etag) ?? false

/** How much there is to do, counted before anything is fetched. */
export interface CorpusCount {
  readonly recordings: number
  /** Recordings whose embeddings are stored already. */
  readonly stored: number
  /** Recordings that the last training did not see in this version. */
  readonly fresh: number
  /** Names of the classes that have a recording. */
  readonly classes: ReadonlyArray<string>
}

/** Counts the corpus in one pass over the listing, keeping nothing but the counts. */
export const countCorpus = Effect.fn("countCorpus")(function* (
  stored: StoredVersions,
  lastTrained: ReadonlyMap<string, string>
) {
  const emit = yield* RunEvents
  const classes = new Set<string>()
  const count = { recordings: 0, stored: 0, fresh: 0 }
  yield* recordings.pipe(
    Stream.runForEachArray((page) => {
      for (const object of page) {
        const className = classOf(object.key)
        if (className !== undefined) classes.add(className)
        count.recordings++
        if (isStored(stored, object)) count.stored++
        if (lastTrained.get(object.key) !== object.etag) count.fresh++
      }
      return emit({ stage: "list", done: count.recordings })
    })
  )
  return { ...count, classes: [...classes].sort() } satisfies CorpusCount
})
