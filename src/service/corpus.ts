import { Context, Duration, Effect, Layer, Option, Semaphore, Stream } from "effect"
import { Settings } from "../config/settings.ts"
import { Embeddings } from "../embeddings/embeddings.ts"
import { KnownRecordings, type Version, versionName } from "../embeddings/sighting.ts"
import { lastTraining, newSince } from "../registry/trainingSet.ts"
import type { News } from "../runs/isDue.ts"
import { makeAnnotatedWatch } from "../runs/watch/annotatedWatch.ts"
import { classOf, isRecording, liesBeside, RECORDINGS_PREFIX } from "../store/keys.ts"
import { sha256 } from "../store/sha256.ts"
import { type ObjectInfo, orNone, Store, type StoreError } from "../store/store.ts"
import { ruledOut } from "../stream/readRecording.ts"
import { readUnknown } from "../stream/readUnknown.ts"
import { RecordingIndex, type Snapshot } from "./recordingIndex.ts"

/** Milliseconds that a listing may be old: 100,000 keys are 100 requests to a bucket. */
const LISTING_AGE = 15_000
/** And at least so many times as long as it took, so that a large bucket is not listed all the time. */
const LISTING_SHARE = 20

/** How a store's ETag looks where it may be the MD5 of the bytes. */
const MD5 = /^[0-9a-f]{32}$/
/** Recordings of one size whose bytes are not known yet, read for one upload at most. */
const MOST_READ = 32

/** The store's recordings, kept in memory between listings, uploads included. */
export class Corpus extends Context.Service<
  Corpus,
  {
    /** The recordings; what is fresh counts annotated clips, too. */
    readonly snapshot: Effect.Effect<Snapshot, StoreError>
    /** How many files beside the recordings are left alone, at the last listing. */
    readonly others: Effect.Effect<number, StoreError>
    /** What is new, annotated clips included, once copied, moved and touched recordings are told from it; reads until `least` are new for certain. */
    readonly news: (least: number) => Effect.Effect<News, StoreError>
    /** Adds a recording that has just landed, and what it holds (hex SHA-256) where that is known. */
    readonly added: (object: ObjectInfo, contentHash?: string) => Effect.Effect<void>
    /** Where a recording with these bytes lies, whoever put it there; undefined where none is known. */
    readonly keyOf: (contentHash: string, bytes: Uint8Array) => Effect.Effect<string | undefined, StoreError>
    /** Runs an effect while no other one runs that stores the same content, or at the same place. */
    readonly inTurn: (contentOrKey: string) => <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
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
      const annotated = makeAnnotatedWatch()
      /** The clips that annotations cut out of field recordings, by key: they train, but no upload is one of them. */
      let clips: ReadonlyMap<string, ObjectInfo> = new Map()
      let known = new KnownRecordings()
      let isNewContent: ReturnType<typeof newSince> = () => true
      let hasTrained = false
      /** What was read here to tell what is new. */
      const read = new KnownRecordings()

      const contentOf = (version: Version) => known.contentOf(version) ?? read.contentOf(version)
      const isUsable = (object: ObjectInfo) =>
        ruledOut(object, settings) === undefined &&
        known.whyUnusable(contentOf(object)) === undefined &&
        !unusable.has(versionName(object))
      const isFresh = (object: ObjectInfo) => isUsable(object) && isNewContent(object.key, contentOf(object))
      let index = new RecordingIndex(isFresh, contentOf)
      let leftAlone = 0
      let freshClips = 0
      const countClips = () => {
        freshClips = [...clips.values()].filter(isFresh).length
      }
      /** Counts anew what is fresh, of which more is known now. */
      const learn = () => {
        index = new RecordingIndex(isFresh, contentOf, index.objects())
        countClips()
      }
      /** What has changed since the listing under way began, which may have missed it. */
      let meanwhile: Array<(index: RecordingIndex) => void> | undefined

      const list = Effect.gen(function* () {
        meanwhile = []
        const last = yield* lastTraining
        known = last.known
        isNewContent = newSince(last.set)
        hasTrained = last.set.size > 0
        const listed = yield* Stream.runCollect(store.list(RECORDINGS_PREFIX))
        index = new RecordingIndex(isFresh, contentOf, listed.filter(isRecording))
        leftAlone = listed.filter(liesBeside).length
        for (const change of meanwhile) change(index)
        const found = yield* annotated.look(index.snapshot().classes.keys())
        clips = new Map(found.map((clip) => [clip.key, clip]))
        countClips()
      }).pipe(
        Effect.provideService(Settings, settings),
        Effect.provideService(Store, store),
        Effect.provideService(Embeddings, embeddings),
        Effect.ensuring(
          Effect.sync(() => {
            meanwhile = undefined
          })
        )
      )
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

      const snapshot = Effect.map(listed, (): Snapshot => {
        const own = index.snapshot()
        return { ...own, fresh: own.fresh + freshClips }
      })
      const others = Effect.map(listed, () => leftAlone)
      const reading = yield* Semaphore.make(1)
      const news = Effect.fn("Corpus.news")(
        function* (least: number) {
          const now = yield* snapshot
          const classes = new Set([...now.classes.keys(), ...[...clips.keys()].flatMap((key) => classOf(key) ?? [])])
          const { fresh } = now
          // Before the first training everything is.
          if (!hasTrained || fresh < least || least === 0) return { fresh, classes: classes.size }
          const usable = Stream.fromIterable([...now.objects, ...clips.values()].filter(isUsable))
          const { sightings, old } = yield* readUnknown(usable, contentOf, isNewContent, least)
          for (const sighting of sightings) read.see(sighting)
          if (sightings.length > 0) learn()
          return { fresh: fresh - old, classes: classes.size }
        },
        reading.withPermit,
        Effect.provideService(Store, store),
        Effect.provideService(Settings, settings)
      )
      const change = (update: (index: RecordingIndex) => void) =>
        Effect.sync(() => {
          update(index)
          meanwhile?.push(update)
        })

      const keyOf = Effect.fn("Corpus.keyOf")(function* (contentHash: string, bytes: Uint8Array) {
        yield* listed
        const found = index.keyOf(contentHash)
        if (found !== undefined) return found
        const unread = index.unreadOfSize(bytes.length)
        const tagged = unread.filter(({ etag }) => MD5.test(etag))
        if (tagged.length > 0) {
          const md5 = new Bun.CryptoHasher("md5").update(bytes).digest("hex")
          const byTag = tagged.find(({ etag }) => etag === md5)
          if (byTag !== undefined) return byTag.key
        }
        // Each is read once.
        for (const object of unread.filter(({ etag }) => !MD5.test(etag)).slice(0, MOST_READ)) {
          // One that may not be read bars no other.
          const there = yield* orNone(store.get(object.key)).pipe(
            Effect.catchIf(
              ({ reason }) => reason === "denied",
              () => Effect.succeedNone
            )
          )
          if (Option.isNone(there)) continue
          const itsHash = sha256(there.value.bytes)
          read.see({ ...object, contentHash: itsHash })
          if (index.get(object.key) === object) index.set(object)
          if (itsHash === contentHash) return object.key
        }
        return undefined
      })

      const turns = new Map<string, { readonly turn: Semaphore.Semaphore; waiting: number }>()
      const inTurn =
        (contentOrKey: string) =>
        <A, E, R>(effect: Effect.Effect<A, E, R>) =>
          Effect.suspend(() => {
            const place = turns.get(contentOrKey) ?? { turn: Semaphore.makeUnsafe(1), waiting: 0 }
            turns.set(contentOrKey, place)
            place.waiting++
            return effect.pipe(
              place.turn.withPermit,
              Effect.ensuring(
                Effect.sync(() => {
                  if (--place.waiting === 0) turns.delete(contentOrKey)
                })
              )
            )
          })

      return Corpus.of({
        snapshot,
        others,
        news,
        forget,
        keyOf,
        inTurn,
        added: (object, contentHash) => {
          if (contentHash !== undefined) read.see({ ...object, contentHash })
          return change((index) => index.set(object))
        },
        removed: (keys) => {
          const gone = [...keys]
          return change((index) => {
            for (const key of gone) index.delete(key)
          })
        },
        skipped: (keys) =>
          Effect.sync(() => {
            for (const key of keys) {
              const object = index.get(key) ?? clips.get(key)
              if (object !== undefined) unusable.add(versionName(object))
            }
            learn()
          })
      })
    })
  ).pipe(Layer.provide(Embeddings.layer))
}
