import { Context, Effect, Exit, Layer, Pool, Schema, Stream } from "effect"
import type { FrontEndOrigin } from "../../embedder/frontEnd.ts"
import { programPath } from "../../processes/programPath.ts"
import { startWorker, type WorkerCrash } from "../../processes/startWorker.ts"
import { Ffmpeg } from "../../sound/decode/ffmpeg.ts"
import type { Index } from "../../sound/decode/mp4Layout.ts"
import type { ListenedEnd, ListenerReply, ListenerRequest } from "./listenerWorker.ts"
import type { PatchChunk } from "./windowCutter.ts"

const PROGRAM = programPath("./listenerWorker.ts", import.meta.url)

/** A recording that cannot be heard, or no further; `reason` is a sentence. */
export class ListenError extends Schema.TaggedError<ListenError>()("ListenError", { reason: Schema.String }) {}

/** What was heard of a recording with some more of its bytes. */
export interface HeardBytes {
  readonly chunks: ReadonlyArray<PatchChunk>
  /** Seconds of the recording so far. */
  readonly seconds: number
  /** With the last of them. */
  readonly end?: ListenedEnd
}

/** A block of bytes takes some 50 ms: one that takes this long hangs. */
const PATIENCE = "60 seconds"

/** Blocks in a worker's hands: while one is done, the next is there. */
const AHEAD = 2

/**
 * Workers that decode field recordings, one each at a time, and make their windows' patches.
 *
 * They run pure JavaScript and WebAssembly only. One that crashes or hangs on a recording is replaced, and that recording
 * alone is refused.
 */
export class Listeners extends Context.Service<
  Listeners,
  {
    /**
     * Hears a recording from window `first` on, of which all bytes come in order; they are transferred, and empty
     * afterwards. `size` is the file's, in bytes, `index` as `readIndex` finds it.
     */
    readonly hear: <E, R>(
      blocks: Stream.Stream<Uint8Array, E, R>,
      options: {
        readonly frontEnd: FrontEndOrigin
        readonly index: Index | undefined
        readonly size: number
        readonly first: number
      }
    ) => Stream.Stream<HeardBytes, E | ListenError, R>
  }
>()("ecosight/stream/Listeners") {
  /** @param maxWholeBytes that a recording may have which cannot be read piece by piece. */
  static readonly layer = ({ count, maxWholeBytes }: { readonly count: number; readonly maxWholeBytes: number }) =>
    Layer.effect(
      Listeners,
      Effect.gen(function* () {
        // None before the first recording: a scan that finds nothing new starts none.
        const pool = yield* Pool.makeWithTTL({ acquire: startListener, min: 0, max: count, timeToLive: "1 minute" })
        return Listeners.of({
          hear: (blocks, { frontEnd, index, size, first }) =>
            Stream.unwrap(
              Effect.gen(function* () {
                const listener = yield* Pool.get(pool)
                // One left alone in the middle would give its answers to the next recording.
                yield* Effect.addFinalizer((exit) =>
                  Exit.isSuccess(exit) ? Effect.void : Pool.invalidate(pool, listener)
                )
                yield* listener.ask({
                  open: {
                    origin: { module: frontEnd.module, settings: frontEnd.settings },
                    index,
                    size,
                    first,
                    maxWholeBytes,
                    ffmpeg: yield* Ffmpeg
                  }
                })
                return Stream.concat(
                  Stream.map(blocks, (bytes): ListenerRequest => ({ bytes })),
                  Stream.make<[ListenerRequest]>("end")
                ).pipe(Stream.mapEffect(listener.ask, { concurrency: AHEAD }))
              })
            )
        })
      })
    )
}

const crashed = ({ message }: WorkerCrash) =>
  Effect.andThen(
    Effect.logDebug(`The decoder crashed: ${message}`),
    Effect.fail(new ListenError({ reason: "The decoder crashed on it." }))
  )

const startListener = startWorker<ListenerRequest, ListenerReply>(PROGRAM).pipe(
  Effect.map(({ ask }) => ({
    ask: (request: ListenerRequest): Effect.Effect<HeardBytes, ListenError> =>
      ask(request, typeof request === "object" && "bytes" in request ? request.bytes : undefined).pipe(
        Effect.catch(crashed),
        Effect.flatMap((reply) => ("reason" in reply ? Effect.fail(new ListenError(reply)) : Effect.succeed(reply))),
        Effect.timeoutOrElse({
          duration: PATIENCE,
          orElse: () => Effect.fail(new ListenError({ reason: `Decoding took longer than ${PATIENCE}.` }))
        })
      )
  })),
  Effect.catchTag("WorkerCrash", crashed)
)
