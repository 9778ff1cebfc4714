import { Effect, Schema } from "effect"

/**
 * A Worker has ended before it answered; `message` is the engine's word on why. `isCulprit` is whether this is what it was
 * at: what waited behind it, or came later, may be asked of another.
 */
export class WorkerCrash extends Schema.TaggedError<WorkerCrash>()("WorkerCrash", {
  message: Schema.String,
  isCulprit: Schema.Boolean
}) {}

/** A Worker that has loaded. */
export interface RunningWorker<Request, Reply> {
  /** Sends a request, and with it the bytes that it names, where they are all of their buffer: they are empty afterwards. */
  readonly ask: (request: Request, bytes?: Uint8Array) => Effect.Effect<Reply, WorkerCrash>
  /** Ends it, whatever it is at: nothing that it was asked is answered. */
  readonly stop: Effect.Effect<void>
}

/**
 * Starts a Worker by its program's path; it ends with the scope. It must say `"ready"` once it has loaded, and then answer each
 * request with one message, in their order.
 */
export const startWorker = Effect.fnUntraced(function* <Request, Reply>(path: string) {
  const worker = yield* Effect.acquireRelease(
    Effect.sync(() => new Worker(path)),
    (worker) => Effect.sync(() => worker.terminate())
  )
  const waiting: Array<(answer: Effect.Effect<Reply, WorkerCrash>) => void> = []
  let over: WorkerCrash | undefined
  const end = (message: string) => {
    over ??= new WorkerCrash({ message, isCulprit: false })
    for (const answer of waiting.splice(0)) answer(Effect.fail(over))
  }
  worker.onmessage = ({ data }: MessageEvent<Reply>) => waiting.shift()?.(Effect.succeed(data))
  worker.onerror = ({ message }) => {
    waiting.shift()?.(Effect.fail(new WorkerCrash({ message, isCulprit: true })))
    end(message)
  }
  /** Requests and answers are told apart by their order alone: what is sent waits from that moment on. */
  const answered = (send: () => void) =>
    Effect.callback<Reply, WorkerCrash>((answer) => {
      if (over !== undefined) return answer(Effect.fail(over))
      waiting.push(answer)
      send()
    })
  yield* answered(() => {})
  return {
    ask: (request: Request, bytes?: Uint8Array) =>
      answered(() => {
        const isWhole = bytes !== undefined && bytes.byteLength === bytes.buffer.byteLength
        worker.postMessage(request, isWhole ? [bytes.buffer as ArrayBuffer] : [])
      }),
    stop: Effect.sync(() => {
      worker.terminate()
      end("it was stopped")
    })
  } satisfies RunningWorker<Request, Reply>
})
