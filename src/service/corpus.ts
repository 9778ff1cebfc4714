import { Context, Duration, Effect, Layer, Semaphore, Stream } from "effect"
import { Settings } from "../config/settings.ts"
import { Embeddings } from "../embeddings/embeddings.ts"
import { KnownRecordings, type Version, versionName } from "../embeddings/sighting.ts"
import { lastTraining, newSince } from "../registry/trainingSet.ts"
import type { News } from "../runs/isDue.ts"
import { classOf } from "../store/keys.ts"
import { type ObjectInfo, Store, type StoreError } from "../store/store.ts"
import { ruledOut } from "../stream/readRecording.ts"
import { readUnknown } from "../stream/readUnknown.ts"
import { recordings } from "../stream/recordings.ts"

/** The recordings of one class. */
export interface ClassCount {
  readonly recordings: number
  /** Of them, those that the last training did not see in this version. */
  readonly fresh: number
}

/** The recordings as they were listed last, in the order of their keys. */
export interface Snapshot {
  readonly objects: ReadonlyArray<ObjectInfo>
  readonly classes: ReadonlyMap<string, ClassCount>
  readonly fresh: number
}

/** Milliseconds that a listing may be old: 100,000 keys are 100 requests to a bucket. */
const LISTING_AGE = 15_000
/** And at least so many times as long as it took, so that a large bucket is not listed all the time. */
const LISTING_SHARE = 20

/** The store's recordings, kept in memory between listings, uploads included. */
export class Corpus extends Context.Service<
  Corpus,
  {
    readonly snapshot: Effect.Effect<Snapshot, StoreError>
    /** What is new, once copied, moved and touched recordings are told from it; reads until `least` are new for certain. */
    readonly news: (least: number) => Effect.Effect<News, StoreError>
    /** Adds a recording that has just landed. */
    readonly added: (object: ObjectInfo) => Effect.Effect<void>
    /** Leaves out recordings that are gone. */
    readonly removed: (keys: Iterable<string>) => Effect.Effect<void>
    /** A run could not use these keys: they no longer count as new. */
    readonly skipped: (keys: Iterable<string>) => Effect.Effect<void>
    /** Lists anew at the next question. */
    readonly forget: Effect.Effect<void>
  }
>()("ecosight/service/Corpus") {
  static readonly layer = Layer.effect(
    Corpus,
    Effect.gen(function* () {
      const store = yield* Store
      const embeddings = yield* Embeddings
      const settings = yield* Settings
      const unusable = new Set<string>()
      let objects = new Map<string, ObjectInfo>()
      let known = new KnownRecordings()
      let isNewContent: ReturnType<typeof newSince> = () => true
      let hasTrained = false
      /** What was read here to tell what is new. */
      const read = new KnownRecordings()
      let current: Snapshot | undefined

      const list = Effect.gen(function* () {
        const last = yield* lastTraining
        known = last.known
        isNewContent = newSince(last.set)
        hasTrained = last.set.size > 0
        const listed = new Map<string, ObjectInfo>()
        yield* recordings.pipe(Stream.runForEach((object) => Effect.sync(() => void listed.set(object.key, object))))
        objects = listed
        current = undefined
      }).pipe(Effect.provideService(Store, store), Effect.provideService(Embeddings, embeddings))
      let freshUntil = 0
      const turn = yield* Semaphore.make(1)
      const listed = Effect.gen(function* () {
        if (performance.now() < freshUntil) return
        const [elapsed] = yield* Effect.timed(list)
        freshUntil = performance.now() + Math.max(LISTING_AGE, LISTING_SHARE * Duration.toMillis(elapsed))
      }).pipe(turn.withPermit)
      const forget = Effect.sync(() => {
        freshUntil = 0
      })

      const contentOf = (version: Version) => known.contentOf(version) ?? read.contentOf(version)
      const isUsable = (object: ObjectInfo) =>
        ruledOut(object, settings) === undefined &&
        known.whyUnusable(contentOf(object)) === undefined &&
        !unusable.has(versionName(object))
      const isFresh = (object: ObjectInfo) => isUsable(object) && isNewContent(object.key, contentOf(object))
      const snapshot = Effect.map(listed, () => (current ??= count([...objects.values()], isFresh)))
      const reading = yield* Semaphore.make(1)
      const news = Effect.fn("Corpus.news")(
        function* (least: number) {
          const { objects, classes, fresh } = yield* snapshot
          // Before the first training everything is.
          if (!hasTrained || fresh < least || least === 0) return { fresh, classes: classes.size }
          const usable = Stream.fromIterable(objects.filter(isUsable))
          const { sightings, old } = yield* readUnknown(usable, contentOf, isNewContent, least)
          for (const sighting of sightings) read.see(sighting)
          current = undefined
          return { fresh: fresh - old, classes: classes.size }
        },
        reading.withPermit,
        Effect.provideService(Store, store),
        Effect.provideService(Settings, settings)
      )
      const change = (update: () => void) =>
        Effect.sync(() => {
          update()
          current = undefined
        })

      return Corpus.of({
        snapshot,
        news,
        forget,
        added: (object) => change(() => objects.set(object.key, object)),
        removed: (keys) =>
          change(() => {
            for (const key of keys) objects.delete(key)
          }),
        skipped: (keys) =>
          change(() => {
            for (const key of keys) {
              const object = objects.get(key)
              if (object !== undefined) unusable.add(versionName(object))
            }
          })
      })
    })
  ).pipe(Layer.provide(Embeddings.layer))
}

const count = (objects: Array<ObjectInfo>, isFresh: (object: ObjectInfo) => boolean): Snapshot => {
  objects.sort((a, b) => (a.key < b.key ? -1 : 1))
  const classes = new Map<string, { recordings: number; fresh: number }>()
  let fresh = 0
  for (const object of objects) {
    const className = classOf(object.key)
    if (className === undefined) continue
    const counts = classes.get(className) ?? { recordings: 0, fresh: 0 }
    classes.set(className, counts)
    counts.recordings++
    if (!isFresh(object)) continue
    counts.fresh++
    fresh++
  }
  return { objects, classes, fresh }
}
