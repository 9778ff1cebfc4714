import { Effect, Pool } from "effect"
import { programPath } from "../../processes/programPath.ts"
import { PartError } from "../parts.ts"
import type { PartReply, PartRequest } from "./partWorker.ts"

/**
 * Reads parts in a Worker, one at a time, so that one is decompressed while the windows of another are scored. It takes the
 * part's bytes away. Fails as `decodeWindowPart` does.
 */
export const makePartDecoder = Effect.gen(function* () {
  // None before the first part: who reads an index alone starts none.
  const pool = yield* Pool.makeWithTTL({ acquire: startWorker, min: 0, max: 1, timeToLive: "1 minute" })
  return (request: PartRequest) =>
    Effect.scoped(
      Effect.gen(function* () {
        const worker = yield* Pool.get(pool)
        // One that was left alone would give its answer to the next request.
        const reply = yield* ask(worker, request).pipe(Effect.onInterrupt(() => Pool.invalidate(pool, worker)))
        if ("message" in reply) return yield* new PartError({ part: request.part, message: reply.message })
        return reply.segments
      })
    )
})

const startWorker = Effect.acquireRelease(
  Effect.sync(() => new Worker(programPath("./partWorker.ts", import.meta.url))),
  (worker) => Effect.sync(() => worker.terminate())
)

const ask = (worker: Worker, request: PartRequest) =>
  Effect.callback<PartReply>((resume) => {
    worker.onmessage = ({ data }: MessageEvent<PartReply>) => resume(Effect.succeed(data))
    worker.onerror = ({ message }) => resume(Effect.die(new Error(`The reader of parts crashed: ${message}`)))
    const { bytes } = request
    const isWhole = bytes.byteLength === bytes.buffer.byteLength
    worker.postMessage(request, isWhole ? [bytes.buffer as ArrayBuffer] : [])
  })

export type PartDecoder = Effect.Success<typeof makePartDecoder>
