import { Clock, Context, Effect, Layer, Semaphore } from "effect"
import { ShardId, Sharding } from "effect/cluster"
import type { Payload } from "../../processes/protocol.ts"
import type { ProcessError } from "../../processes/requests.ts"
import type { RunEvent } from "../../stream/events.ts"
import { STAGES } from "../../stream/stages.ts"
import type { RunSummary } from "../summary.ts"
import { EMBED_GROUP, LANES } from "./connections.ts"
import { EngineProcess } from "./engineProcess.ts"
import {
  type EngineProtocol,
  type HearResult,
  type Shard,
  type ShardOutcome,
  type ShardTally,
  type ShardTask,
  shardName
} from "./engineProtocol.ts"
import type { WorkerState } from "./roster.ts"
import { ShardEntity, ShardFailed } from "./shardEntity.ts"

/** Milliseconds over which clips are counted for the rate. */
const WINDOW = 30_000
/** A draining worker finishes what it has; what takes longer than this is left to the others. */
const PATIENCE = "5 minutes"

/** How far a shard is. */
interface Progress {
  readonly done: number
  readonly heard?: ShardTally
}

/** What a worker does: at most `capacity` shards at once, and the finishing of runs, in its engine process. */
export class Workplace extends Context.Service<
  Workplace,
  {
    readonly embed: (task: ShardTask) => Effect.Effect<ShardOutcome, ShardFailed>
    readonly hear: (task: Shard) => Effect.Effect<HearResult, ShardFailed>
    readonly finish: (
      request: Payload<typeof EngineProtocol, "finish">,
      heard: (event: RunEvent) => void
    ) => Effect.Effect<RunSummary, ProcessError>
    readonly state: () => WorkerState
    /** Takes nothing new, and waits until what it has is done. */
    readonly drain: Effect.Effect<void>
  }
>()("ecosight/runs/cluster/Workplace") {
  static readonly layer = (address: string, capacity: number) =>
    Layer.effect(
      Workplace,
      Effect.gen(function* () {
        const process = yield* EngineProcess
        const sharding = yield* Sharding.Sharding
        const places = yield* Semaphore.make(capacity)
        const current = new Map<Shard, Progress>()
        const counted: Array<number> = []
        const began = yield* Clock.currentTimeMillis
        let done = 0
        let isDraining = false
        let stage: string | null = null

        const embed = Effect.fn("Workplace.embed")(function* (task: ShardTask) {
          const started = yield* Clock.currentTimeMillis
          const progress = { done: 0 }
          const result = yield* process
            .ask("embed", task, (event) => {
              if (event.stage !== "stream" && event.stage !== "skip") return
              progress.done++
              done++
              counted.push(Date.now())
            })
            .pipe(underWay(task, progress))
          const seconds = ((yield* Clock.currentTimeMillis) - started) / 1000
          return { ...result, worker: address, seconds } satisfies ShardOutcome
        })

        const hear = Effect.fn("Workplace.hear")(function* (task: Shard) {
          const progress = { done: 0 }
          return yield* process
            .ask("hear", task, (heard) => void Object.assign(progress, { done: heard.recordings, heard }))
            .pipe(underWay(task, progress))
        })

        /** From asking to the answer, the shard is among the current ones. */
        const underWay =
          (task: Shard, progress: Progress) =>
          <A>(asked: Effect.Effect<A, ProcessError>) =>
            Effect.acquireUseRelease(
              Effect.sync(() => current.set(task, progress)),
              () => Effect.mapError(asked, (error) => failureOf(address, error)),
              () => Effect.sync(() => current.delete(task))
            )
        /** As soon as there is a place; one that may end the process beside nothing else. */
        const inPlace = ({ alone }: Shard) => places.withPermits(alone ? capacity : 1)

        const state = (): WorkerState => {
          const now = Date.now()
          while (counted.length > 0 && counted[0]! < now - WINDOW) counted.shift()
          return {
            status: isDraining ? "draining" : "ready",
            done,
            rate: (1000 * counted.length) / Math.max(1000, Math.min(WINDOW, now - began)),
            shards: [...current].map(([shard, progress]) => ({
              runId: shard.runId,
              name: shardName(shard),
              ...progress,
              total: shard.to - shard.from
            })),
            stage,
            lanes: Array.from({ length: LANES }, (_, i) => i + 1).filter((lane) =>
              sharding.hasShardId(ShardId.make(EMBED_GROUP, lane))
            )
          }
        }

        return Workplace.of({
          embed: (task) => inPlace(task)(embed(task)),
          hear: (task) => inPlace(task)(hear(task)),
          finish: (request, heard) =>
            Effect.acquireUseRelease(
              Effect.sync(() => {
                stage = STAGES.train.title
              }),
              () => process.ask("finish", request, heard),
              () =>
                Effect.sync(() => {
                  stage = null
                })
            ),
          state,
          drain: Effect.suspend(() => {
            isDraining = true
            return places.withPermits(capacity)(Effect.void)
          }).pipe(Effect.timeout(PATIENCE), Effect.ignore)
        })
      })
    )

  /** Takes shards from the cluster. */
  static readonly shards = ShardEntity.toLayer(
    Effect.map(Workplace, ({ embed, hear }) =>
      ShardEntity.of({ embed: ({ payload }) => embed(payload), hear: ({ payload }) => hear(payload) })
    ),
    { maxIdleTime: "5 seconds", concurrency: "unbounded" }
  )
}

const failureOf = (worker: string, error: ProcessError): ShardFailed => {
  const { message } = error
  const tag = error._tag === "RequestFailed" ? error.tag : error._tag
  const reason = tag === "StoreError" ? "store" : tag === "RecipeMismatch" ? "refused" : "died"
  return new ShardFailed({ reason, worker, message })
}
