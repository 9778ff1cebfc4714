import { Effect, Stream } from "effect"
import type { KnownRecordings, Version } from "../embeddings/sighting.ts"
import { classOf, isFolderMarker, isRecording, RECORDINGS_PREFIX } from "../store/keys.ts"
import { Store } from "../store/store.ts"
import { RunEvents } from "./events.ts"
import { ruledOut } from "./readRecording.ts"

/** The recordings in the store, listed page by page as they are asked for. */
export const recordings = Stream.unwrap(
  Effect.map(Store, (store) => store.list(RECORDINGS_PREFIX).pipe(Stream.filter(isRecording)))
)

/** The version of every recording in the store now. */
export const liveVersions = recordings.pipe(
  Stream.map(({ key, etag }): Version => ({ key, etag })),
  Stream.runCollect
)

/** How much there is to do, counted before anything is fetched. */
export interface CorpusCount {
  readonly recordings: number
  /**
   * Recordings with nothing to do: those that are known to have stored embeddings, or to be unusable. Of others it shows once
   * they are read.
   */
  readonly stored: number
  /** Recordings that the last training did not hear under their class and that may be usable, as far as can be told unread. */
  readonly fresh: number
  /** Names of the classes that have a recording. */
  readonly classes: ReadonlyArray<string>
  /** Files beside them that are not meant as recordings. */
  readonly others: number
}

/** Counts the corpus in one pass over the listing, keeping nothing but the counts. */
export const countCorpus = Effect.fn("countCorpus")(function* (
  known: KnownRecordings,
  isNew: (key: string, contentHash: string | undefined) => boolean,
  limits: { readonly maxRecordingMegabytes: number } = { maxRecordingMegabytes: Number.POSITIVE_INFINITY }
) {
  const emit = yield* RunEvents
  const classes = new Set<string>()
  const count = { recordings: 0, stored: 0, fresh: 0, others: 0 }
  const store = yield* Store
  yield* store.list(RECORDINGS_PREFIX).pipe(
    Stream.runForEachArray((page) => {
      for (const object of page) {
        if (!isRecording(object)) {
          if (!isFolderMarker(object)) count.others++
          continue
        }
        const className = classOf(object.key)
        if (className !== undefined) classes.add(className)
        count.recordings++
        const contentHash = known.contentOf(object)
        const isUnusable = known.whyUnusable(contentHash) !== undefined || ruledOut(object, limits) !== undefined
        if (isUnusable || known.storedContentOf(object) !== undefined) count.stored++
        if (!isUnusable && isNew(object.key, contentHash)) count.fresh++
      }
      return emit({ stage: "list", done: count.recordings })
    })
  )
  return { ...count, classes: [...classes].sort() } satisfies CorpusCount
})
