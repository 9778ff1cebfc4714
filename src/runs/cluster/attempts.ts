import { Effect, Schedule, Schema } from "effect"
import { halves, type ShardRange } from "./cutShards.ts"
import type { ShardFailed } from "./shardEntity.ts"

// What becomes of a shard that a worker fails over: it is tried again elsewhere and alone, then split.

/** The cluster cannot do what is asked; `message` says why, and what is stored is kept. */
export class ClusterFailed extends Schema.TaggedError<ClusterFailed>()("ClusterFailed", { message: Schema.String }) {}

/** A store that does not answer is tried again for about two minutes, as a stream here does within a request. */
const STORE_RETRIES = { schedule: Schedule.spaced("10 seconds"), times: 12 }
/** Tries of a whole shard, and of a single recording, before it counts as the cause of its failures. */
const TRIES = 2

/** How a shard is given to a worker. */
export interface Attempt {
  readonly alone: boolean
  readonly attempt: number
  /** Addresses of the workers that it has died on. */
  readonly avoid: ReadonlySet<string>
}

/** Has a shard done, up to `tries` times, on another worker and alone after the first. */
export const attemptShard = <A, R>(
  tries: number,
  isSuspect: boolean,
  give: (how: Attempt) => Effect.Effect<A, ShardFailed, R>
) =>
  Effect.suspend(() => {
    const avoid = new Set<string>()
    let attempt = 0
    return Effect.suspend(() => give({ alone: isSuspect || attempt > 0, attempt: attempt++, avoid })).pipe(
      Effect.retry({ ...STORE_RETRIES, while: ({ reason }) => reason === "store" }),
      Effect.tapError(({ worker }) => Effect.sync(() => avoid.add(worker))),
      Effect.retry({ times: tries - 1, while: ({ reason }) => reason === "died" })
    )
  })

/**
 * Has a range of recordings done. One that workers die over is tried again, elsewhere and alone, then split; a single
 * recording that still fails is given to `leaveOut`, with the reason.
 */
export const workOff = <A, E1, R1, E2, R2>({
  attempt,
  take,
  leaveOut
}: {
  readonly attempt: (range: ShardRange, tries: number, isSuspect: boolean) => Effect.Effect<A, ShardFailed, R1>
  readonly take: (outcome: A, range: ShardRange) => Effect.Effect<void, E1>
  readonly leaveOut: (range: ShardRange, why: string) => Effect.Effect<void, E2, R2>
}) => {
  const work: (range: ShardRange, isSuspect: boolean) => Effect.Effect<void, ClusterFailed | E1 | E2, R1 | R2> =
    Effect.fnUntraced(function* (range, isSuspect) {
      const isSingle = range.to - range.from === 1
      // Once it is known that something in it fails, halves are tried once, and only the last one more often.
      const result = yield* Effect.result(attempt(range, isSuspect && !isSingle ? 1 : TRIES, isSuspect))
      if (result._tag === "Success") return yield* take(result.success, range)
      const { reason, message } = result.failure
      if (reason !== "died") return yield* new ClusterFailed({ message })
      if (isSingle) return yield* leaveOut(range, `each time, ${message.charAt(0).toLowerCase()}${message.slice(1)}`)
      return yield* Effect.forEach(halves(range), (half) => work(half, true), { discard: true })
    })
  return (range: ShardRange) => work(range, false)
}
