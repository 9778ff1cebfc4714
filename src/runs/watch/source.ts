import { watch } from "node:fs"
import { join } from "node:path"
import { Clock, Duration, Effect, Queue, Schema, Stream } from "effect"
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
  /** To be run when the embeddings of these objects are stored. */
  readonly acknowledge: Effect.Effect<void, QueueError>
}

/** Where news of recordings comes from. The first findings are whole; later ones come when there may be something. */
export interface Source {
  readonly next: Effect.Effect<Findings, StoreError | QueueError, Store>
}

export interface Pace {
  /** Between two looks. */
  readonly interval: Duration.Duration
  /** Between two listings of a whole bucket. */
  readonly reconcile: Duration.Duration
  /** For how long a file must not have changed. */
  readonly still: Duration.Duration
}

export const wholeListing = Effect.map(
  Stream.runCollect(recordings),
  (objects): Findings => ({ objects, whole: true, gone: [], acknowledge: Effect.void })
)

/**
 * A bucket, listed at an interval. In between whole listings, each class is listed from its last key onwards, which
 * finds what is named by time; names that sort earlier, changes and removals wait for the whole listing.
 */
export const bucketSource = ({ interval, reconcile }: Pace): Source => {
  const last = new Map<string, string>()
  let listedAt: number | undefined
  const remember = ({ key }: ObjectInfo) => {
    const className = classOf(key)
    if (className !== undefined) last.set(className, key)
  }
  const look = Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    if (listedAt === undefined || now - listedAt >= Duration.toMillis(reconcile)) {
      const found = yield* wholeListing
      listedAt = now
      found.objects.forEach(remember)
      return found
    }
    const store = yield* Store
    const lists = yield* Effect.forEach(
      [...last],
      ([className, key]) => Stream.runCollect(store.list(`${RECORDINGS_PREFIX}${className}/`, key)),
      { concurrency: 8 }
    )
    const objects = lists.flat().filter(isRecording)
    objects.forEach(remember)
    return { objects, whole: false, gone: [], acknowledge: Effect.void } satisfies Findings
  })
  return {
    next: Effect.suspend(() => (listedAt === undefined ? look : Effect.andThen(Effect.sleep(interval), look)))
  }
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
