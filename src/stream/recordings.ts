import { Effect, Stream } from "effect"
import type { KnownRecordings, Version } from "../embeddings/sighting.ts"
import { classOf, isRecording, liesBeside, RECORDINGS_PREFIX } from "../store/keys.ts"
import { type ObjectInfo, Store } from "../store/store.ts"
import { annotatedClips } from "./annotations/annotated.ts"
import type { AnnotationReport } from "./annotations/problems.ts"
import { RunEvents } from "./events.ts"
import { ruledOut } from "./readRecording.ts"

/** The recordings in the store, listed page by page as they are asked for. */
export const recordings = Stream.unwrap(
  Effect.map(Store, (store) => store.list(RECORDINGS_PREFIX).pipe(Stream.filter(isRecording)))
)

/** All that a model is trained from: the recordings, and the clips that annotations cut out of field recordings. */
export const corpus = Stream.suspend(() => {
  const classes = new Set<string>()
  return Stream.concat(
    recordings.pipe(Stream.tap(({ key }) => Effect.sync(() => see(classes, key)))),
    Stream.unwrap(
      Effect.map(
        Effect.suspend(() => annotatedClips(classes)),
        ({ objects }) => Stream.fromIterable(objects)
      )
    )
  )
})

const see = (classes: Set<string>, key: string) => {
  const className = classOf(key)
  if (className !== undefined) classes.add(className)
}

const versionsOf = <E, R>(objects: Stream.Stream<ObjectInfo, E, R>) =>
  objects.pipe(
    Stream.map(({ key, etag }): Version => ({ key, etag })),
    Stream.runCollect
  )

/** The version of every recording in the store now. */
export const recordingVersions = versionsOf(recordings)

/** The same of all that a model is trained from. */
export const liveVersions = versionsOf(corpus)

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
  /** What annotations of field recordings came to, whose clips are among the recordings. */
  readonly annotations?: AnnotationReport
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
  const add = (object: ObjectInfo) => {
    see(classes, object.key)
    count.recordings++
    const contentHash = known.contentOf(object)
    const isUnusable = known.whyUnusable(contentHash) !== undefined || ruledOut(object, limits) !== undefined
    if (isUnusable || known.storedContentOf(object) !== undefined) count.stored++
    if (!isUnusable && isNew(object.key, contentHash)) count.fresh++
  }
  yield* store.list(RECORDINGS_PREFIX).pipe(
    Stream.runForEachArray((page) => {
      for (const object of page) {
        if (isRecording(object)) add(object)
        else if (liesBeside(object)) count.others++
      }
      return emit({ stage: "list", done: count.recordings })
    })
  )
  const { objects, report } = yield* annotatedClips(new Set(classes))
  objects.forEach(add)
  yield* emit({ stage: "list", done: count.recordings })
  return { ...count, classes: [...classes].sort(), annotations: report } satisfies CorpusCount
})
