import { Context, Effect, Layer, Pool, Result, Schema, type Scope, Semaphore } from "effect"
import type { FrontEndOrigin } from "../embedder/frontEnd.ts"
import { programPath } from "../processes/programPath.ts"
import { type RunningWorker, startWorker, WorkerCrash } from "../processes/startWorker.ts"
import type { GrowingRequest, Progress } from "./growingRecording.ts"
import type { PreparedRecording, PrepareSettings } from "./prepare.ts"
import type { CopiesPlace, WorkerReply, WorkerRequest } from "./preparerWorker.ts"

const PROGRAM = programPath("./preparerWorker.ts", import.meta.url)

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
 * Recordings in the hands of a worker that is the only one: while it does one, the next is there. The engine holds the
 * thread that hands them out, where it has no processes of its own; of several workers another is at work meanwhile.
 */
const AHEAD = 2

/** A recording in a worker's hands. */
export interface Growing {
  /** Takes the bytes that follow over, and says how far it is; from a multiple of `GRAIN_BYTES` on. */
  readonly push: (bytes: Uint8Array) => Effect.Effect<Progress, PrepareError>
  /** What came of it, once no more bytes will come. */
  readonly end: Effect.Effect<
    { readonly contentHash: string; readonly outcome: Result.Result<PreparedRecording, PrepareError> },
    PrepareError
  >
}

/**
 * Workers that decode and augment, one recording each at a time.
 *
 * They run pure JavaScript and WebAssembly only (native add-ons have crashed Bun when a Worker ends). One that crashes
 * or hangs on a recording is replaced, and that recording alone is refused: what waited behind it is given to another.
 */
export class Preparers extends Context.Service<
  Preparers,
  {
    /**
     * Prepares the bytes whose hex SHA-256 is `contentHash`. Audit copies that could be written to their place are not
     * returned.
     */
    readonly prepare: (
      bytes: Uint8Array,
      contentHash: string,
      frontEnd: FrontEndOrigin,
      settings: PrepareSettings,
      copies?: CopiesPlace
    ) => Effect.Effect<PreparedRecording, PrepareError>
    /** Begins a recording whose bytes come in parts; a worker is its own until the scope ends. */
    readonly begin: (
      request: GrowingRequest,
      frontEnd: FrontEndOrigin
    ) => Effect.Effect<Growing, PrepareError, Scope.Scope>
    /** Starts a worker ahead of the first recording. */
    readonly start: Effect.Effect<void>
    /** Ends the workers; further recordings start others. */
    readonly rest: Effect.Effect<void>
  }
>()("ecosight/stream/Preparers") {
  static readonly layer = (count: number) =>
    Layer.effect(
      Preparers,
      Effect.gen(function* () {
        // None before the first recording: a run that finds nothing new starts none.
        const alive = new Set<Preparer>()
        const pool = yield* Pool.makeWithTTL({
          acquire: startPreparer(alive),
          min: 0,
          max: count,
          concurrency: count === 1 ? AHEAD : 1,
          timeToLive: "1 minute"
        })
        const places = yield* Semaphore.make(Math.max(count, AHEAD))
        // One that comes in parts has its worker to itself: its parts cannot be asked of another.
        const whole = count === 1 ? AHEAD : 1

        const askPatiently = (worker: Preparer, request: WorkerRequest) =>
          worker.ask(request, partOf(request)).pipe(
            // A worker left alone is still at work on what nobody waits for.
            Effect.onInterrupt(() => Effect.andThen(worker.stop, Pool.invalidate(pool, worker))),
            Effect.timeoutOrElse({
              duration: PATIENCE,
              orElse: () =>
                Effect.fail(new PrepareError({ reason: `Decoding took longer than ${PATIENCE}.`, isLasting: false }))
            }),
            Effect.tapErrorTag("WorkerCrash", () => Pool.invalidate(pool, worker))
          )

        const prepare = Effect.fn("Preparers.prepare")(function* (
          bytes: Uint8Array,
          contentHash: string,
          { module, settings: made }: FrontEndOrigin,
          settings: PrepareSettings,
          copies?: CopiesPlace
        ) {
          const place = copies && { copies }
          // Copied, and not transferred: they may be needed again.
          const request = { bytes, contentHash, origin: { module, settings: made }, settings, ...place }
          const { outcome } = yield* Pool.use(pool, (worker) =>
            Effect.flatMap(askPatiently(worker, request), outcomeOf)
          ).pipe(
            Effect.retry({ while: (error) => error instanceof WorkerCrash && !error.isCulprit }),
            places.withPermit
          )
          return yield* Effect.fromResult(outcome)
        }, mendable)

        const begin = Effect.fn("Preparers.begin")(function* (
          request: GrowingRequest,
          { module, settings }: FrontEndOrigin
        ) {
          yield* Effect.acquireRelease(places.take(whole), () => places.release(whole))
          const worker = yield* Pool.get(pool)
          yield* askPatiently(worker, { open: { ...request, origin: { module, settings } } })
          return {
            push: (bytes) => mendable(Effect.flatMap(askPatiently(worker, { more: ownBuffer(bytes) }), progressOf)),
            end: mendable(Effect.flatMap(askPatiently(worker, "end"), outcomeOf))
          } satisfies Growing
        }, mendable)

        return Preparers.of({
          prepare,
          begin,
          // One that crashes does so again, on a recording.
          start: Effect.ignore(Effect.scoped(Pool.get(pool))),
          rest: Effect.suspend(() =>
            Effect.forEach(alive, (worker) => Pool.invalidate(pool, worker), { discard: true })
          )
        })
      })
    )
}

const ownBuffer = (bytes: Uint8Array): Uint8Array =>
  bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice()

/** A crash says nothing of the bytes that lasts, and what the engine says of it is for those who mend the decoder. */
const mendable = <A, E, R>(self: Effect.Effect<A, E | WorkerCrash, R>) =>
  self.pipe(
    Effect.catchIf(
      (error) => error instanceof WorkerCrash,
      ({ message }) =>
        Effect.andThen(
          Effect.logDebug(`The decoder crashed: ${message}`),
          Effect.fail(new PrepareError({ reason: "The decoder crashed on it.", isLasting: false }))
        )
    )
  )

const refused = (reason: string) => new PrepareError({ reason, isLasting: true })

const mistaken = Effect.die(new Error("a worker answers what it was not asked"))

/** What a worker was asked for, where it does not say why it cannot. */
const progressOf = (reply: WorkerReply) => {
  if ("progress" in reply) return Effect.succeed(reply.progress)
  return "reason" in reply ? Effect.fail(refused(reply.reason)) : mistaken
}

const outcomeOf = (reply: WorkerReply): Growing["end"] => {
  if ("prepared" in reply) {
    return Effect.succeed({ contentHash: reply.contentHash, outcome: Result.succeed(reply.prepared) })
  }
  if ("progress" in reply) return mistaken
  const error = refused(reply.reason)
  return reply.contentHash === undefined
    ? Effect.fail(error)
    : Effect.succeed({ contentHash: reply.contentHash, outcome: Result.fail(error) })
}

type Preparer = RunningWorker<WorkerRequest, WorkerReply>

/** A worker that has loaded; it is in `alive` until it ends. */
const startPreparer = (alive: Set<Preparer>) =>
  startWorker<WorkerRequest, WorkerReply>(PROGRAM).pipe(
    Effect.tap((worker) =>
      Effect.acquireRelease(
        Effect.sync(() => alive.add(worker)),
        () => Effect.sync(() => alive.delete(worker))
      )
    )
  )

const partOf = (request: WorkerRequest): Uint8Array | undefined =>
  typeof request === "object" && "more" in request ? request.more : undefined
