import { Effect, Pool } from "effect"
import { programPath } from "../../processes/programPath.ts"
import { startWorker } from "../../processes/startWorker.ts"
import { PartError } from "../parts.ts"
import type { PartReply, PartRequest } from "./partWorker.ts"

const PROGRAM = programPath("./partWorker.ts", import.meta.url)

/**
 * Reads parts in a Worker, one at a time, so that one is decompressed while the windows of another are scored. It takes the
 * part's bytes away. Fails as `decodeWindowPart` does.
 */
export const makePartDecoder = Effect.gen(function* () {
  // None before the first part: who reads an index alone starts none.
  const acquire = startWorker<PartRequest, PartReply>(PROGRAM)
  const pool = yield* Pool.makeWithTTL({ acquire, min: 0, max: 1, timeToLive: "1 minute" })
  return (request: PartRequest) =>
    Effect.scoped(
      Effect.gen(function* () {
        const worker = yield* Pool.get(pool)
        // One that is left alone is still at work on what nobody waits for.
        const reply = yield* worker
          .ask(request, request.bytes)
          .pipe(Effect.onInterrupt(() => Pool.invalidate(pool, worker)))
        if ("message" in reply) return yield* new PartError({ part: request.part, message: reply.message })
        return reply.segments
      })
    ).pipe(
      Effect.catchTag("WorkerCrash", ({ message }) => Effect.die(new Error(`The reader of parts crashed: ${message}`)))
    )
})

export type PartDecoder = Effect.Success<typeof makePartDecoder>
