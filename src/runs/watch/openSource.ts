import { isAbsolute } from "node:path"
import { Duration, Effect, Fiber, Option, Queue } from "effect"
import { Settings } from "../../config/settings.ts"
import type { ObjectInfo, Store, StoreError } from "../../store/store.ts"
import { queueSource } from "./queue.ts"
import {
  bucketSource,
  type Findings,
  folderSource,
  nobodyWaits,
  type Pace,
  type QueueError,
  type Source
} from "./source.ts"

/** Two looks a second apart tell a file that is still being written. */
const STILL = Duration.seconds(1)
/** A bucket that a queue tells of is listed whole once in so many intervals: 1,000 requests for a million keys. */
const LOOKS_PER_LISTING = 30
/** A message of a process that has died comes again after this. */
const HOLD = Duration.minutes(1)

/** Where news of this store's recordings comes from, as the settings have it: its folder, its queue, or its listings. */
export const openSource = Effect.fn("openSource")(function* ({ location }: Pick<Store["Service"], "location">) {
  const settings = yield* Settings
  const interval = Duration.seconds(settings.watchInterval)
  const pace: Pace = { interval, reconcile: Duration.times(interval, LOOKS_PER_LISTING), hold: HOLD, still: STILL }
  if (isAbsolute(location)) {
    if (Option.isSome(settings.queueUrl)) {
      yield* Effect.logWarning("SQS_QUEUE_URL is set, but the store is a folder: the folder itself is watched.")
    }
    return yield* folderSource(location, pace)
  }
  return yield* Option.match(settings.queueUrl, {
    onNone: () => Effect.succeed(bucketSource(pace)),
    onSome: (url) => queueSource(url, settings, pace)
  })
})

/** A source, and recordings that are known to have landed: those come at once, after the first findings, which are whole. */
export const withLanded = Effect.fn("withLanded")(function* (source: Source, landed: Queue.Dequeue<ObjectInfo>) {
  const scope = yield* Effect.scope
  let isFirst = true
  // It goes on while landed recordings are served: begun anew each time, it would never come to its end.
  let looking: Fiber.Fiber<Findings, StoreError | QueueError> | undefined
  const found = Effect.gen(function* () {
    looking ??= yield* Effect.forkIn(source.next, scope)
    const findings = yield* Fiber.join(looking).pipe(Effect.tapError(() => Effect.sync(() => (looking = undefined))))
    looking = undefined
    isFirst = false
    return findings
  })
  const known = Effect.map(
    Queue.takeAll(landed),
    (objects): Findings => ({ objects, whole: false, gone: [], acknowledge: nobodyWaits })
  )
  return { next: Effect.suspend(() => (isFirst ? found : Effect.raceFirst(found, known))) } satisfies Source
})
