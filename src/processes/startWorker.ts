import { Effect, Schema } from "effect"

/** A Worker has ended on its own; `message` is the engine's word on why. */
export class WorkerCrash extends Schema.TaggedError<WorkerCrash>()("WorkerCrash", { message: Schema.String }) {}

/** A Worker that has loaded. */
export interface RunningWorker<Request, Reply> {
  /** Sends a request, and with it the bytes that it names, where they are all of their buffer: they are empty afterwards. */
  readonly ask: (request: Request, bytes?: Uint8Array) => Effect.Effect<Reply, WorkerCrash>
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
  let crash: WorkerCrash | undefined
  worker.onmessage = ({ data }: MessageEvent<Reply>) => waiting.shift()?.(Effect.succeed(data))
  worker.onerror = ({ message }) => {
    crash = new WorkerCrash({ message })
    for (const answer of waiting.splice(0)) answer(Effect.fail(crash))
  }
  /** Requests and answers are told apart by their order alone: what is sent waits from that moment on. */
  const answered = (send: () => void) =>
    Effect.callback<Reply, WorkerCrash>((answer) => {
      if (crash !== undefined) return answer(Effect.fail(crash))
      waiting.push(answer)
      send()
    })
  yield* answered(() => {})
  return {
    ask: (request: Request, bytes?: Uint8Array) =>
      answered(() => {
        const isWhole = bytes !== undefined && bytes.byteLength === bytes.buffer.byteLength
        worker.postMessage(request, isWhole ? [bytes.buffer as ArrayBuffer] : [])
      })
  } satisfies RunningWorker<Request, Reply>
})
