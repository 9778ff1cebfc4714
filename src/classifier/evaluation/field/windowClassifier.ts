import { Effect } from "effect"
import { type InferenceSession, Tensor } from "onnxruntime-common"
import { EngineError } from "../../../embedder/engine.ts"
import { openSession } from "../../../embedder/onnx/session.ts"
import { type CodedVectors, decodeVectors, vectorsIn } from "../../../embeddings/scans/coding.ts"
import type { Lasting } from "../../events/confirmed.ts"
import { FIELD_INPUTS } from "../../export/onnx.ts"
import type { KeptWindows } from "../../site/keptWindows.ts"

/** What gives windows, as a scan stores them, the probabilities of the classes. */
export interface WindowClassifier {
  readonly classes: ReadonlyArray<string>
  /** Any number of windows to probabilities [count * classes]. */
  readonly score: (windows: CodedVectors) => Effect.Effect<Float32Array, EngineError>
  /** What it learns a site's sound by, where it can. */
  readonly kept?: KeptWindows | undefined
  /** How long its classes' events last, where that is known. */
  readonly lasting?: Lasting | undefined
}

/**
 * A model as a version holds it, `field.onnx` or `classifier.onnx`, for windows whose vectors have these sizes. It may take
 * fewer numbers than a window has: an embedder that has come to give more vectors still gives the old ones first. Windows may
 * have fewer vectors, the first ones, as long as these are what it takes.
 */
export const openWindowClassifier = Effect.fnUntraced(function* (
  model: Uint8Array,
  classes: ReadonlyArray<string>,
  sizes: ReadonlyArray<number>
) {
  // On one thread: what is added up in which order does not depend on the machine.
  const session = yield* openSession(
    model,
    1,
    (cause) => new EngineError({ message: `The classifier cannot be run: ${cause}` })
  )
  const inputs = numbersTaken(session)
  const feed = (windows: CodedVectors, name: string): Tensor => {
    if (name === FIELD_INPUTS.codes) return codesOf(windows, inputs)
    const own = sizes.slice(0, vectorsIn(windows))
    return name === FIELD_INPUTS.ranges ? rangesOf(windows, own, inputs) : rowsOf(windows, own, inputs)
  }
  const score = (windows: CodedVectors) =>
    Effect.tryPromise({
      try: async () => {
        const outputs = await session.run(
          Object.fromEntries(session.inputNames.map((name) => [name, feed(windows, name)]))
        )
        return outputs[session.outputNames[0]!]!.data as Float32Array
      },
      catch: (cause) => new EngineError({ message: `The classifier failed on windows: ${cause}` })
    })
  /** `inputs`: the numbers of a window that it takes, the first ones. */
  return { classes, score, inputs } satisfies WindowClassifier & { readonly inputs: number }
})

/** Of a window: codes are numbers by windows, rows are windows by numbers. */
const numbersTaken = ({ inputMetadata }: Pick<InferenceSession, "inputMetadata">): number => {
  const shapes = new Map(inputMetadata.map((input) => [input.name, input.isTensor ? input.shape : []] as const))
  return Number(shapes.get(FIELD_INPUTS.codes)?.[0] ?? shapes.get(inputMetadata[0]!.name)![1])
}

const codesOf = ({ count, codes }: CodedVectors, inputs: number): Tensor =>
  new Tensor("uint8", codes.subarray(0, inputs * count), [inputs, count])

/** Of as many vectors as these numbers make. */
const rangesOf = ({ count, ranges }: CodedVectors, sizes: ReadonlyArray<number>, inputs: number): Tensor => {
  let [own, numbers] = [0, 0]
  while (numbers < inputs) numbers += sizes[own++]!
  return new Tensor("float32", firstColumns(ranges, 2 * sizes.length, 2 * own), [count, 2 * own])
}

const rowsOf = (windows: CodedVectors, sizes: ReadonlyArray<number>, inputs: number): Tensor => {
  const { count } = windows
  const size = sizes.reduce((sum, own) => sum + own, 0)
  const rows = new Float32Array(count * size)
  decodeVectors(windows, sizes, 0, count, rows)
  return new Tensor("float32", firstColumns(rows, size, inputs), [count, inputs])
}

/** Of rows of `size` the first `inputs`. */
const firstColumns = (rows: Float32Array, size: number, inputs: number): Float32Array => {
  if (inputs === size) return rows
  const taken = new Float32Array((rows.length / size) * inputs)
  for (let row = 0; row * size < rows.length; row++) {
    taken.set(rows.subarray(row * size, row * size + inputs), row * inputs)
  }
  return taken
}
