import { Effect, type Scope } from "effect"
import { Tensor } from "onnxruntime-common"
import { EngineError } from "../../../embedder/engine.ts"
import { openSession } from "../../../embedder/onnx/session.ts"

/** What gives a window's row of the embedder the probabilities of the classes. */
export interface WindowClassifier {
  readonly classes: ReadonlyArray<string>
  /** Rows [n * rowSize] to probabilities [n * classes]. */
  readonly score: (rows: Float32Array, count: number) => Effect.Effect<Float32Array, EngineError>
}

/** A model as a version holds it, `field.onnx` or `classifier.onnx`: rows in, probabilities out. */
export const openWindowClassifier = (
  model: Uint8Array,
  classes: ReadonlyArray<string>
): Effect.Effect<WindowClassifier, EngineError, Scope.Scope> =>
  openSession(model, 1, (cause) => new EngineError({ message: `The classifier cannot be run: ${cause}` })).pipe(
    Effect.map((session) => ({
      classes,
      score: (rows, count) =>
        Effect.tryPromise({
          try: async () => {
            const input = new Tensor("float32", rows, [count, rows.length / count])
            const outputs = await session.run({ [session.inputNames[0]!]: input })
            return (outputs[session.outputNames[0]!]!.data as Float32Array).slice()
          },
          catch: (cause) => new EngineError({ message: `The classifier failed on windows: ${cause}` })
        })
    }))
  )
