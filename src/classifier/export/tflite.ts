import { Effect, Schema } from "effect"
import manifest from "../../../package.json"
import type { Embedder } from "../../embedder/embedder.ts"
import type { FrontEnd, Vectors } from "../../embedder/frontEnd.ts"
import { TfliteGraph } from "../../embedder/tflite/graph.ts"
import type { ModelDescription } from "../../embedder/tflite/metadata.ts"
import { combine, fullyConnect, outputsFirst } from "../../embedder/tflite/operators.ts"
import type { Tensor } from "../../embedder/tflite/tensor.ts"
import { type Branch, branchesOf, type Classifier, placeSeen } from "../classifier.ts"
import { NORMALIZATION } from "../denseNetwork.ts"

/** Files for TensorFlow Lite, and what their network computes in. */
export const TFLITE_FILES = { "ecosight.tflite": "float32", "ecosight_int8.tflite": "int8" } as const

/** What a file is for a device that has little room. */
export const DeviceFacts = Schema.Struct({
  file: Schema.String,
  bytes: Schema.Int,
  /** What tensors take while one window is heard, in bytes. */
  arena: Schema.Int,
  /** How many there are of each operator. */
  operators: Schema.Record(Schema.String, Schema.Int)
})
export type DeviceFacts = typeof DeviceFacts.Type

/**
 * `ecosight.tflite` and `ecosight_int8.tflite`: `waveform` [1, samples], mono in [-1, 1], to `probabilities` [1, classes].
 *
 * One window long as they lie there; a program may ask for more samples, whole windows, each a hop after the one before.
 */
export const tfliteModels = Effect.fn("tfliteModels")(function* (
  classifier: Classifier,
  { addToTflite, frontEnd }: Required<Pick<Embedder, "addToTflite" | "frontEnd">>
) {
  return yield* Effect.forEach(Object.entries(TFLITE_FILES), ([file, precision]) =>
    Effect.gen(function* () {
      const graph = new TfliteGraph()
      const row = yield* addToTflite(graph, graph.input("waveform", [1, frontEnd.window], 1), precision)
      addClassifier(graph, classifier, frontEnd.vectors, row)
      const bytes = graph.model(describe(classifier, frontEnd))
      const facts: DeviceFacts = { file, bytes: bytes.length, arena: graph.arena, operators: graph.counts }
      return { file, bytes, facts }
    })
  )
})

/** What a file tells TensorFlow Lite's task library of itself. */
const describe = (classifier: Classifier, { sampleRate, hop, window }: FrontEnd): ModelDescription => ({
  name: "EcoSight",
  description: "Tells the sounds that labels.txt names apart.",
  version: manifest.version,
  input: {
    name: "waveform",
    description: `Mono sound in [-1, 1]: ${window} samples, or so many times ${hop} more; silence fills the last window.`,
    sampleRate
  },
  output: { name: "probabilities", description: "Of each class, together 1.", classes: classifier.classes }
})

/** All of a classifier after the embedder: a clip's row [1, rowSize] to `probabilities` [1, classes]. */
const addClassifier = (graph: TfliteGraph, classifier: Classifier, vectors: Vectors, row: Tensor): void => {
  const logits = branchesOf(classifier).map((branch) => addLogits(graph, branch, addSlice(graph, branch, vectors, row)))
  const sum = logits.reduce((total, own) => combine(graph, "ADD", total, own))
  graph.output(graph.op("SOFTMAX", [sum], sum.shape, { 0: { float: 1 } }, { name: "probabilities" }))
}

/** What a branch sees of a row. */
const addSlice = (graph: TfliteGraph, branch: Branch, vectors: Vectors, row: Tensor): Tensor => {
  const { from, to } = placeSeen(branch, vectors)
  if (to - from === row.shape[1]) return row
  const bounds = [
    [0, from],
    [0, to],
    [1, 1]
  ].map((each) => graph.integers(each))
  return graph.op("STRIDED_SLICE", [row, ...bounds], [row.shape[0]!, to - from], { 0: { int: 1 }, 1: { int: 1 } })
}

const addLogits = (graph: TfliteGraph, { features, network, weights }: Branch, seen: Tensor): Tensor => {
  const last = network.units.length - 2
  const dense = (x: Tensor, layer: number) => {
    const [inputs, outputs] = [network.units[layer]!, network.units[layer + 1]!]
    const kernel = graph.floats(outputsFirst(weights[`kernel${layer}`]!, outputs), [outputs, inputs])
    return fullyConnect(graph, x, kernel, graph.floats(weights[`bias${layer}`]!, [outputs]), layer === last ? 0 : 1)
  }
  let x = features.addToTflite(graph, seen)
  for (let layer = 0; layer < last; layer++) {
    x = dense(x, layer)
    const [gamma, beta] = [weights[`gamma${layer}`]!, weights[`beta${layer}`]!]
    const [mean, variance] = [weights[`mean${layer}`]!, weights[`variance${layer}`]!]
    const scale = gamma.map((value, at) => value / Math.sqrt(variance[at]! + NORMALIZATION.epsilon))
    const offset = beta.map((value, at) => value - mean[at]! * scale[at]!)
    x = combine(graph, "MUL", x, graph.floats(scale, [scale.length]))
    x = combine(graph, "ADD", x, graph.floats(offset, [offset.length]))
  }
  return dense(x, last)
}
