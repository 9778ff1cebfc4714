import type { Embedder } from "../../embedder/embedder.ts"
import { rowSize, type Vectors } from "../../embedder/frontEnd.ts"
import { Graph } from "../../embedder/onnx/graph.ts"
import { type Branch, branchesOf, type Classifier, placeSeen } from "../classifier.ts"
import { tensorsOf } from "../denseNetwork.ts"
import { addForward } from "../forward.ts"

/** `classifier.onnx`: `embedding`, rows [n, rowSize] of these vectors, to `probabilities` [n, classes]. */
export const classifierModel = (classifier: Classifier, vectors: Vectors): Uint8Array => {
  const graph = new Graph("classifier")
  const rows = graph.input("embedding", ["n", rowSize({ vectors })])
  addProbabilities(graph, classifier, vectors, rows, "n")
  return graph.model()
}

/**
 * `ecosight.onnx`: `waveform` [samples], 16 kHz mono in [-1, 1], to `probabilities` [1, classes].
 *
 * The embedder, front-end and pooling included, and the classifier in one file, for a device.
 */
export const edgeModel = (
  classifier: Classifier,
  { addTo, frontEnd }: Required<Pick<Embedder, "addTo" | "frontEnd">>
): Uint8Array => {
  const graph = new Graph("ecosight")
  const row = addTo(graph, graph.input("waveform", ["samples"]))
  addProbabilities(graph, classifier, frontEnd.vectors, row, 1)
  return graph.model()
}

const addProbabilities = (
  graph: Graph,
  classifier: Classifier,
  vectors: Vectors,
  rows: string,
  count: number | "n"
) => {
  const logits = branchesOf(classifier).map((branch) => addLogits(graph, branch, vectors, rows))
  graph.op("Softmax", [logits.length === 1 ? logits[0]! : graph.op("Sum", logits)], { axis: 1 }, "probabilities")
  graph.output("probabilities", [count, classifier.network.units.at(-1)!])
}

const addLogits = (graph: Graph, branch: Branch, vectors: Vectors, rows: string): string => {
  const { features, network, weights } = branch
  const { from, to } = placeSeen(branch, vectors)
  const bounds = [[from], [to], [1]]
  const isAll = to - from === rowSize({ vectors })
  const vector = isAll ? rows : graph.op("Slice", [rows, ...bounds.map((bound) => graph.integers(bound))])
  const constants = new Map(
    tensorsOf(network).map(({ name, shape }) => [name, graph.floats(weights[name]!, shape)] as const)
  )
  return addForward(graph, network, features.addTo(graph, vector), (name) => constants.get(name)!)
}
