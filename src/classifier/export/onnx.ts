import { Graph } from "../../embedder/onnx/graph.ts"
import type { Network as Yamnet } from "../../embedder/yamnet/layers.ts"
import { addFrontEnd, addNetwork } from "../../embedder/yamnet/networkGraph.ts"
import { addPooling } from "../../embedder/yamnet/pooling.ts"
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
 * Front-end, YAMNet, the pooling of patches and the classifier in one file, for a device.
 */
export const edgeModel = (classifier: Classifier, yamnet: Yamnet): Uint8Array => {
  const graph = new Graph("ecosight")
  const patches = addFrontEnd(graph, graph.input("waveform", ["samples"]))
  const embeddings = addNetwork(graph, patches, yamnet)
  addProbabilities(graph, classifier, addPooling(graph, patches, embeddings), 1)
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
