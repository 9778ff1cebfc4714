import { Effect, type Scope } from "effect"
import type { InferenceSession } from "onnxruntime-node"
import { loadOnnxruntime } from "./runtime.ts"

/**
 * An onnxruntime session for a model, on so many threads, released with the scope; `fail` says what a failure means.
 *
 * Waiting threads sleep. Spinning is no faster alone and, beside workers that decode, much slower.
 */
export const openSession = <E>(
  model: Uint8Array,
  threads: number,
  fail: (cause: unknown) => E
): Effect.Effect<InferenceSession, E, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.tryPromise({
      try: async () => {
        const { InferenceSession } = await loadOnnxruntime()
        return InferenceSession.create(model, {
          intraOpNumThreads: threads,
          interOpNumThreads: 1,
          logSeverityLevel: 3,
          extra: { session: { intra_op: { allow_spinning: "0" } } }
        })
      },
      catch: fail
    }),
    (session) => Effect.promise(() => session.release())
  )
