import { Context, Effect, Layer, Pool, Schema } from "effect"
import type { FrontEndOrigin } from "../embedder/frontEnd.ts"
import { programPath } from "../processes/programPath.ts"
import type { PreparedRecording, PrepareSettings } from "./prepare.ts"
import type { WorkerReply, WorkerRequest } from "./preparerWorker.ts"

/**
 * A recording that cannot be decoded; `reason` is a sentence for the run record. `isLasting`: the same bytes would be
 * refused again.
 */
export class PrepareError extends Schema.TaggedError<PrepareError>()("PrepareError", {
  reason: Schema.String,
  isLasting: Schema.Boolean
}) {}

/** The slowest real decoding seen takes 0.1 s: one that takes this long hangs. */
const PATIENCE = "60 seconds"

/**
 * Workers that decode and augment, one recording each at a time.
 *
 * They run pure JavaScript and WebAssembly only (native add-ons have crashed Bun when a Worker ends). One that crashes
 * or hangs on a recording is replaced, and that recording alone is refused.
 */
export class Preparers extends Context.Service<
  Preparers,
  {
    /** Takes the bytes, whose hex SHA-256 is `contentHash`, over: they are transferred, and empty afterwards. */
    readonly prepare: (
      bytes: Uint8Array,
      contentHash: string,
      frontEnd: FrontEndOrigin,
      settings: PrepareSettings
    ) => Effect.Effect<PreparedRecording, PrepareError>
  }
>()("ecosight/stream/Preparers") {
  static readonly layer = (count: number) =>
    Layer.effect(
      Preparers,
      Effect.gen(function* () {
        // None before the first recording: a run that finds nothing new starts none.
        const pool = yield* Pool.makeWithTTL({ acquire: startWorker, min: 0, max: count, timeToLive: "1 minute" })

        const prepare = Effect.fn("Preparers.prepare")(function* (
          bytes: Uint8Array,
          contentHash: string,
          { module, settings: made }: FrontEndOrigin,
          settings: PrepareSettings
        ) {
          const whole = bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice()
          return yield* Pool.use(pool, (worker) =>
            ask(worker, { bytes: whole, contentHash, origin: { module, settings: made }, settings }).pipe(
              // A worker left alone in the middle would give its answer to the next recording.
              Effect.onInterrupt(() => Pool.invalidate(pool, worker)),
              Effect.timeoutOrElse({
                duration: PATIENCE,
                orElse: () =>
                  Effect.fail(new PrepareError({ reason: `Decoding took longer than ${PATIENCE}.`, isLasting: false }))
              }),
              Effect.tapErrorTag("WorkerCrash", () => Pool.invalidate(pool, worker))
            )
          ).pipe(
            Effect.catchTag("WorkerCrash", ({ reason }) => Effect.fail(new PrepareError({ reason, isLasting: false })))
          )
        })

        return Preparers.of({ prepare })
      })
    )
}

class WorkerCrash extends Schema.TaggedError<WorkerCrash>()("WorkerCrash", { reason: Schema.String }) {}

const startWorker = Effect.acquireRelease(
  Effect.sync(() => new Worker(programPath("./preparerWorker.ts", import.meta.url))),
  (worker) => Effect.sync(() => worker.terminate())
).pipe(Effect.tap((worker) => listen(worker, (reply) => (reply === "ready" ? Effect.void : undefined))))

const ask = (worker: Worker, request: WorkerRequest) =>
  Effect.suspend(() => {
    worker.postMessage(request, [request.bytes.buffer as ArrayBuffer])
    return listen<PreparedRecording, PrepareError>(worker, (reply) => {
      if (reply === "ready") return undefined
      return "prepared" in reply
        ? Effect.succeed(reply.prepared)
        : Effect.fail(new PrepareError({ ...reply, isLasting: true }))
    })
  })

/** Waits for the first message that means something to `interpret`, or for the worker's end. */
const listen = <A, E>(worker: Worker, interpret: (reply: WorkerReply) => Effect.Effect<A, E> | undefined) =>
  Effect.callback<A, E | WorkerCrash>((resume) => {
    worker.onmessage = ({ data }: MessageEvent<WorkerReply>) => {
      const outcome = interpret(data)
      if (outcome !== undefined) resume(outcome)
    }
    worker.onerror = ({ message }) =>
      resume(Effect.fail(new WorkerCrash({ reason: `The decoder crashed: ${message}.` })))
  })
