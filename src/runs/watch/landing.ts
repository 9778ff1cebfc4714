import { Duration, Effect, Schedule, Stream } from "effect"
import { counted } from "../../config/inWords.ts"
import { Settings } from "../../config/settings.ts"
import type { Embedder } from "../../embedder/embedder.ts"
import { Embeddings } from "../../embeddings/embeddings.ts"
import { makeRecipe } from "../../embeddings/recipe.ts"
import type { KnownRecordings } from "../../embeddings/sighting.ts"
import { runningRun } from "../../registry/lease.ts"
import { classOf, spanOf } from "../../store/keys.ts"
import type { ObjectInfo } from "../../store/store.ts"
import { embedCorpus } from "../../stream/embed.ts"
import { liveVersions } from "../../stream/recordings.ts"
import { makeAnnotatedWatch } from "./annotatedWatch.ts"
import type { Source } from "./source.ts"

export interface LandingOptions {
  /** Variants of each recording, beside the original. */
  readonly augmentations: number
  readonly audit: boolean
}

/** After a failure of the store or the queue: a second, then twice as long each time, five minutes at most. */
const BACKOFF = Schedule.exponential("1 second").pipe(
  Schedule.modifyDelay(({ duration }) => Effect.succeed(Duration.min(duration, Duration.minutes(5)))),
  Schedule.jittered
)

/** Asks a store or a queue that does not answer again, ever less often, and says so. */
export const untilItAnswers = <A, E extends { readonly _tag: string; readonly message: string }, R>(
  effect: Effect.Effect<A, E, R>
) =>
  effect.pipe(
    Effect.tapError(({ message }) => Effect.logWarning(`${message} Trying again.`)),
    Effect.retry({ schedule: BACKOFF, while: ({ _tag }) => _tag === "StoreError" || _tag === "QueueError" })
  )

/**
 * Follows a store's recordings and embeds them as they land.
 *
 * While a run is under way, whoever started it, what lands waits: the run embeds what was there when it began, and two
 * would do the same work.
 */
export const makeLanding = Effect.fn("makeLanding")(function* (
  source: Source,
  embedder: Embedder,
  { augmentations, audit }: LandingOptions
) {
  const settings = yield* Settings
  const embeddings = yield* Embeddings
  const recipe = makeRecipe(embedder, { ...settings, augmentations })
  const annotated = makeAnnotatedWatch()
  /** The content of recordings, where it is known. */
  let live = new Map<string, string | undefined>()
  /** Found, but not stored yet. */
  const pending = new Map<string, ObjectInfo>()
  const unusable = new Map<string, string>()
  let stored: KnownRecordings | undefined

  const embedPending = Effect.fnUntraced(function* (known: KnownRecordings) {
    for (const object of [...pending.values()]) {
      const contentHash = known.storedContentOf(object)
      if (contentHash !== undefined) live.set(object.key, contentHash)
      if (contentHash !== undefined || unusable.get(object.key) === object.etag) pending.delete(object.key)
    }
    if (pending.size === 0) return
    if ((yield* runningRun) !== undefined) {
      stored = undefined
      return
    }
    const result = yield* embedCorpus({
      ...settings,
      // Here nothing is trained: that some cannot be used is for the run to judge.
      maxSkipped: 1,
      recipe,
      objects: Stream.fromIterable([...pending.values()]),
      known,
      count: { recordings: pending.size, stored: 0, fresh: pending.size, classes: [], others: 0 },
      augmentations,
      audit
    })
    for (const [key, contentHash] of result.live) {
      live.set(key, contentHash)
      pending.delete(key)
    }
    const unread = new Set(result.unread)
    for (const { key } of result.skipped) {
      if (unread.has(key)) continue
      unusable.set(key, pending.get(key)!.etag)
      pending.delete(key)
    }
    yield* embeddings.compact(recipe, liveVersions)
    // Those that cannot be used have been told of already.
    if (result.embedded === 0) return
    yield* Effect.logInfo(`Embedded ${counted(result.embedded, "new recording")}.`)
  })

  /** What tables of annotations cut out of field recordings lands as recordings do. */
  const landAnnotated = Effect.fnUntraced(function* (known: KnownRecordings) {
    const recordings = [...live.keys()].filter((key) => spanOf(key) === undefined)
    const clips = yield* annotated.look(recordings.flatMap((key) => classOf(key) ?? []))
    const there = new Set(clips.map(({ key }) => key))
    for (const key of live.keys()) {
      if (spanOf(key) === undefined || there.has(key)) continue
      live.delete(key)
      pending.delete(key)
    }
    for (const clip of clips) {
      live.set(clip.key, known.contentOf(clip))
      pending.set(clip.key, clip)
    }
  })

  const look = Effect.gen(function* () {
    const known = stored ?? (yield* embeddings.index(recipe))
    stored = known
    const found = yield* source.next
    if (found.whole) {
      live = new Map()
      pending.clear()
    }
    for (const key of found.gone) {
      live.delete(key)
      pending.delete(key)
    }
    for (const object of found.objects) {
      live.set(object.key, known.contentOf(object))
      pending.set(object.key, object)
    }
    yield* landAnnotated(known)
    yield* embedPending(known)
    yield* found.acknowledge((key) => pending.has(key))
    return found
  }).pipe(untilItAnswers)

  return {
    /** Waits until there may be something new, embeds it and what is newly annotated, and says what was found. */
    look,
    /** The recordings and annotated clips, key to content where that is known, without those that cannot be used. */
    recordings: (): ReadonlyMap<string, string | undefined> =>
      new Map([...live].filter(([key]) => !unusable.has(key) || pending.has(key))),
    /** Reads anew what is stored: another process has embedded, too. */
    forgetStored: Effect.sync(() => {
      stored = undefined
    })
  }
})
