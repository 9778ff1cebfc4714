import { Duration, Effect, Schedule, Stream } from "effect"
import { Settings } from "../config.ts"
import { Embeddings } from "../embeddings/embeddings.ts"
import { makeRecipe } from "../embeddings/recipe.ts"
import { newRunId } from "../registry/runs.ts"
import { lastTrainingSet } from "../registry/trainingSet.ts"
import { planRun, type RetrainOptions, retrain } from "../retrain/retrain.ts"
import type { RunSummary } from "../retrain/summary.ts"
import { classOf } from "../store/keys.ts"
import type { ObjectInfo } from "../store/store.ts"
import { isStored, liveVersions } from "../stream/corpus.ts"
import { embedCorpus } from "../stream/embed.ts"
import type { YamnetWeights } from "../yamnet/weights.ts"
import type { Source } from "./source.ts"

export interface WatchOptions extends Omit<RetrainOptions, "minNewSamples"> {
  /** New recordings since the last training at which another begins. */
  readonly minNewSamples: number
  /** Told of each run that came to its end. */
  readonly onRun: (summary: RunSummary) => Effect.Effect<void>
}

/** After a failure of the store or the queue: a second, then twice as long each time, five minutes at most. */
const BACKOFF = Schedule.exponential("1 second").pipe(
  Schedule.modifyDelay(({ duration }) => Effect.succeed(Duration.min(duration, Duration.minutes(5)))),
  Schedule.jittered
)

/**
 * Embeds recordings as they land, one look after another, and trains at `minNewSamples` new ones; never ends.
 *
 * Looking, embedding and training take turns, so whatever lands during a training waits for its end, and many triggers
 * make one run. That another process trains is no error: its result is awaited. Where the store or the queue does not
 * answer, it is asked again, ever less often.
 */
export const watch = Effect.fn("watch")(function* (source: Source, weights: YamnetWeights, options: WatchOptions) {
  const settings = yield* Settings
  const embeddings = yield* Embeddings
  const recipe = makeRecipe({
    weightsHash: weights.hash,
    clipMaxSeconds: settings.clipMaxSeconds,
    augmentations: options.augmentations
  })
  let live = new Map<string, string>()
  /** Found, but not stored yet. */
  const pending = new Map<string, ObjectInfo>()
  const unusable = new Map<string, string>()
  let stored: Map<string, Set<string>> | undefined
  let trained: ReadonlyMap<string, string> | undefined
  /** New recordings at the last attempt that failed: the same again would fail again. */
  let failedAt = 0

  const embedPending = Effect.fnUntraced(function* (known: Map<string, Set<string>>) {
    for (const object of [...pending.values()]) {
      if (isStored(known, object) || unusable.get(object.key) === object.etag) pending.delete(object.key)
    }
    if (pending.size === 0) return
    const result = yield* embedCorpus({
      ...settings,
      // Here nothing is trained: that some cannot be used is for the run to judge.
      maxSkipped: 1,
      recipe,
      objects: Stream.fromIterable([...pending.values()]),
      stored: known,
      count: { recordings: pending.size, stored: 0, fresh: pending.size, classes: [] },
      augmentations: options.augmentations,
      audit: options.audit
    })
    for (const [key, etag] of result.live) {
      known.set(key, (known.get(key) ?? new Set()).add(etag))
      live.set(key, etag)
      pending.delete(key)
    }
    const unread = new Set(result.unread)
    for (const { key } of result.skipped) {
      if (unread.has(key)) continue
      unusable.set(key, pending.get(key)!.etag)
      pending.delete(key)
    }
    yield* embeddings.compact(recipe, liveVersions)
    yield* Effect.logInfo(`Embedded ${result.embedded} new ${result.embedded === 1 ? "recording" : "recordings"}.`)
  })

  const train = Effect.gen(function* () {
    const plan = yield* planRun(weights, options.augmentations)
    const { onRun, ...run } = options
    yield* Effect.flatMap(retrain(yield* newRunId, plan, weights, run), onRun)
    failedAt = 0
  })

  const trainIfDue = Effect.gen(function* () {
    const before = trained ?? (yield* lastTrainingSet)
    trained = before
    const fresh = [...live].filter(([key, etag]) => before.get(key) !== etag && unusable.get(key) !== etag).length
    const classes = new Set([...live.keys()].map(classOf))
    if (fresh < options.minNewSamples || fresh <= failedAt || classes.size < 2) return
    yield* Effect.logInfo(`${fresh} recordings are new since the last training.`)
    yield* train.pipe(
      Effect.catchTag("LeaseHeld", ({ message }) => Effect.logInfo(`${message} Waiting for its result.`)),
      Effect.catchIf(
        ({ _tag }) => _tag !== "StoreError",
        ({ message }) => {
          failedAt = fresh
          return Effect.logError(`The run failed: ${message} It is tried again when more recordings have come.`)
        }
      )
    )
    // Whoever trained may have embedded, too.
    trained = undefined
    stored = undefined
  })

  const look = Effect.gen(function* () {
    const known = stored ?? copyIndex(yield* embeddings.index(recipe))
    stored = known
    const { objects, whole, gone, acknowledge } = yield* source.next
    if (whole) {
      live = new Map()
      pending.clear()
    }
    for (const key of gone) {
      live.delete(key)
      pending.delete(key)
    }
    for (const object of objects) {
      live.set(object.key, object.etag)
      pending.set(object.key, object)
    }
    yield* embedPending(known)
    if (pending.size === 0) yield* acknowledge
    if (whole) trained = undefined
    yield* trainIfDue
  })

  return yield* look.pipe(
    Effect.tapError(({ message }) => Effect.logWarning(`${message} Trying again.`)),
    Effect.retry({ schedule: BACKOFF, while: ({ _tag }) => _tag === "StoreError" || _tag === "QueueError" }),
    Effect.forever
  )
})

const copyIndex = (index: ReadonlyMap<string, ReadonlySet<string>>): Map<string, Set<string>> =>
  new Map([...index].map(([key, etags]) => [key, new Set(etags)]))
