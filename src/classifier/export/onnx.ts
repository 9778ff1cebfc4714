import type { Embedder } from "../../embedder/embedder.ts"
import { Graph } from "../../embedder/onnx/graph.ts"
import type { Classifier } from "../classifier.ts"
import { tensorsOf } from "../denseNetwork.ts"
import { addForward } from "../forward.ts"

/** `classifier.onnx`: `embedding` [n, inputs] to `probabilities` [n, classes]. */
export const classifierModel = (classifier: Classifier): Uint8Array => {
  const graph = new Graph("classifier")
  const embedding = graph.input("embedding", ["n", classifier.features.inputs])
  addProbabilities(graph, classifier, embedding, "n")
  return graph.model()
}

/**
 * `ecosight.onnx`: `waveform` [samples], 16 kHz mono in [-1, 1], to `probabilities` [1, classes].
 *
 * The embedder, front-end and pooling included, and the classifier in one file, for a device.
 */
export const edgeModel = (classifier: Classifier, addEmbedder: NonNullable<Embedder["addTo"]>): Uint8Array => {
  const graph = new Graph("ecosight")
  addProbabilities(graph, classifier, addEmbedder(graph, graph.input("waveform", ["samples"])), 1)
  return graph.model()
}

const addProbabilities = (
  graph: Graph,
  { features, network, weights }: Classifier,
  embedding: string,
  rows: number | "n"
) => {
  const constants = new Map(
    tensorsOf(network).map(({ name, shape }) => [name, graph.floats(weights[name]!, shape)] as const)
  )
  const logits = addForward(graph, network, features.addTo(graph, embedding), (name) => constants.get(name)!)
  graph.op("Softmax", [logits], { axis: 1 }, "probabilities")
  graph.output("probabilities", [rows, network.units.at(-1)!])
}
