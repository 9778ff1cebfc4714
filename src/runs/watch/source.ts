import { watch } from "node:fs"
import { join } from "node:path"
import { Clock, Duration, Effect, Queue, Schema, Stream } from "effect"
import { counted } from "../../config/inWords.ts"
import { classOf, isRecording, RECORDINGS_PREFIX } from "../../store/keys.ts"
import { type ObjectInfo, Store, type StoreError } from "../../store/store.ts"
import { recordings } from "../../stream/recordings.ts"

/** The queue did not answer as it should. */
export class QueueError extends Schema.TaggedError<QueueError>()("QueueError", { message: Schema.String }) {}

/** What a look at the store found. */
export interface Findings {
  /** All recordings there are where `whole`, else those that may be new. */
  readonly objects: ReadonlyArray<ObjectInfo>
  readonly whole: boolean
  /** Recordings that were there before and no longer are, where not `whole`. */
  readonly gone: ReadonlyArray<string>
  /** To be run once what can be stored of these objects is, with those that are still to be. */
  readonly acknowledge: (isPending: (key: string) => boolean) => Effect.Effect<void, QueueError>
}

/** Where news of recordings comes from. The first findings are whole; later ones come when there may be something. */
export interface Source {
  readonly next: Effect.Effect<Findings, StoreError | QueueError, Store>
}

export interface Pace {
  /** Between two looks. */
  readonly interval: Duration.Duration
  /** Between two listings of a whole bucket that a queue tells of. */
  readonly reconcile: Duration.Duration
  /** For how long a queue keeps a message from others, once it is received or asked to; whole seconds. */
  readonly hold: Duration.Duration
  /** For how long a file must not have changed. */
  readonly still: Duration.Duration
}

/** Where nobody waits to hear that it is stored. */
export const nobodyWaits = () => Effect.void

export const wholeListing = Effect.map(
  Stream.runCollect(recordings),
  (objects): Findings => ({ objects, whole: true, gone: [], acknowledge: nobodyWaits })
)

/** Keys that a request lists. */
const PAGE = 1_000
/** Requests of whole listings that a look costs on average. */
const PAGES_A_LOOK = 10

/**
 * A bucket, listed at an interval: whole, as long as that is ten requests. A larger one is listed whole so rarely that it
 * comes to ten requests a look. In between, it is listed from each class's last key to the next class, a request each,
 * which finds new classes and what is named by time; other names, changes and removals wait for the whole listing.
 */
export const bucketSource = ({ interval }: Pick<Pace, "interval">): Source => {
  const last = new Map<string, string>()
  /** Looks until the next whole listing. */
  let untilWhole = 0
  let rhythm = 1
  const remember = ({ key }: ObjectInfo) => {
    const className = classOf(key)
    if (className !== undefined) last.set(className, key)
  }
  const lookAtAll = Effect.gen(function* () {
    const found = yield* wholeListing
    last.clear()
    found.objects.forEach(remember)
    const before = rhythm
    rhythm = looksPerListing(found.objects.length, last.size)
    untilWhole = rhythm - 1
    if (rhythm > before) {
      yield* Effect.logInfo(
        `${counted(found.objects.length, "recording")}: new classes and names that sort last are found every ${Duration.format(interval)}, other names, changes and removals every ${Duration.format(Duration.times(interval, rhythm))}. SQS_QUEUE_URL finds all at once.`
      )
    }
    return found
  })
  const lookAtEnds = Effect.gen(function* () {
    const store = yield* Store
    const known = new Set(last.keys())
    // Also before the first class.
    const starts = [[undefined, undefined], ...last] as ReadonlyArray<readonly [string?, string?]>
    const lists = yield* Effect.forEach(
      starts,
      ([ownClass, from]) =>
        store.list(RECORDINGS_PREFIX, from).pipe(
          Stream.takeWhile(({ key }) => {
            const className = classOf(key)
            return className === undefined || className === ownClass || !known.has(className)
          }),
          Stream.runCollect
        ),
      { concurrency: 8 }
    )
    untilWhole--
    const objects = lists.flat().filter(isRecording)
    objects.forEach(remember)
    return { objects, whole: false, gone: [], acknowledge: nobodyWaits } satisfies Findings
  })
  let isFirst = true
  return {
    next: Effect.suspend(() => (isFirst ? Effect.void : Effect.sleep(interval))).pipe(
      Effect.andThen(Effect.suspend(() => (untilWhole === 0 ? lookAtAll : lookAtEnds))),
      Effect.tap(() => Effect.sync(() => (isFirst = false)))
    )
  }
}

/** In how many looks a bucket of so many recordings and classes is listed whole once. */
export const looksPerListing = (recordings: number, classes: number): number => {
  const pages = Math.ceil(recordings / PAGE)
  // With very many classes, the whole listing costs no more than their ends.
  return pages <= Math.max(PAGES_A_LOOK, classes) ? 1 : Math.ceil(pages / PAGES_A_LOOK)
}

/**
 * A folder, watched, and listed at an interval in case the system does not tell. A file counts once size and times have
 * been the same for a while, so that one being copied in is left until it is whole.
 */
export const folderSource = Effect.fn("folderSource")(function* (root: string, { interval, still }: Pace) {
  const changes = yield* Queue.sliding<void>(1)
  yield* Effect.acquireRelease(
    Effect.sync(() => startWatching(join(root, RECORDINGS_PREFIX), () => Queue.offerUnsafe(changes, undefined))),
    (watcher) => Effect.sync(() => watcher?.close())
  )
  const seen = new Map<string, { readonly etag: string; readonly since: number }>()
  let pending = 0

  const look = Effect.gen(function* () {
    const found = yield* wholeListing
    const now = yield* Clock.currentTimeMillis
    const first = seen.size === 0
    const settled = found.objects.filter(({ key, etag }) => {
      const known = seen.get(key)
      // What was there before anyone watched is taken as whole if it was not touched lately.
      if (known?.etag !== etag) seen.set(key, { etag, since: first && !isRecent(etag, now, still) ? 0 : now })
      return now - seen.get(key)!.since >= Duration.toMillis(still)
    })
    pending = found.objects.length - settled.length
    const there = new Set(found.objects.map(({ key }) => key))
    for (const key of seen.keys()) if (!there.has(key)) seen.delete(key)
    return { ...found, objects: settled }
  })

  let looked = false
  const wait = Effect.suspend(() => {
    if (!looked) return Effect.void
    const longest = pending > 0 ? Duration.min(still, interval) : interval
    return Effect.asVoid(Effect.timeoutOption(Queue.take(changes), longest))
  })
  return {
    next: wait.pipe(
      Effect.andThen(look),
      Effect.tap(() => Effect.sync(() => (looked = true)))
    )
  } satisfies Source
})

// A folder's ETag is its file's size, time of modification and time of change, in nanoseconds, in base 36.
const isRecent = (etag: string, now: number, still: Duration.Duration): boolean => {
  const times = etag
    .split("-")
    .slice(1)
    .map((part) => Number.parseInt(part, 36) / 1e6)
  return !(now - Math.max(...times) >= Duration.toMillis(still))
}

// Not every file system can be watched: the interval remains.
const startWatching = (folder: string, changed: () => void) => {
  try {
    const watcher = watch(folder, { recursive: true, persistent: false }, changed)
    watcher.on("error", () => watcher.close())
    return watcher
  } catch {
    return undefined
  }
}
