import type { Embedder, ScoreLayer } from "../../embedder/embedder.ts"
import { Graph } from "../../embedder/onnx/graph.ts"
import { EMBEDDING_SIZE, SCORE_COUNT } from "../../embedder/yamnet/mobilenet.ts"
import type { Classifier } from "../classifier.ts"
import { scaledKernel } from "../features.ts"
import { addForward } from "../forward.ts"
import { tensorsOf } from "../network.ts"
import { CLIP_EPSILON } from "../standardise.ts"

/** `classifier.onnx`: `embedding` [n, 1024] to `probabilities` [n, classes]. */
export const classifierModel = (classifier: Classifier): Uint8Array => {
  const graph = new Graph("classifier")
  const embedding = graph.input("embedding", ["n", EMBEDDING_SIZE])
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
  { network, weights, scores }: Classifier,
  embedding: string,
  rows: number | "n"
) => {
  const constants = new Map(
    tensorsOf(network).map(({ name, shape }) => [name, graph.floats(weights[name]!, shape)] as const)
  )
  const clips = addStandardisation(graph, embedding)
  const features = scores === undefined ? clips : addScores(graph, clips, scores)
  const logits = addForward(graph, network, features, (name) => constants.get(name)!)
  graph.op("Softmax", [logits], { axis: 1 }, "probabilities")
  graph.output("probabilities", [rows, network.units.at(-1)!])
}

// As in `featuresOf`.
const addScores = (graph: Graph, clips: string, { kernel, bias }: ScoreLayer): string => {
  const zero = graph.op("ReduceMin", [clips], { axes: [1], keepdims: 1 })
  const shifted = graph.op("Sub", [clips, zero])
  const scaled = graph.floats(scaledKernel(kernel), [EMBEDDING_SIZE, SCORE_COUNT])
  return graph.op("Sigmoid", [graph.op("Gemm", [shifted, scaled, graph.floats(bias, [SCORE_COUNT])])])
}

// Spelt out, because ONNX's own LayerNormalization is too young for some devices' runtimes.
const addStandardisation = (graph: Graph, embedding: string): string => {
  const meanOf = (tensor: string) => graph.op("ReduceMean", [tensor], { axes: [1], keepdims: 1 })
  const centred = graph.op("Sub", [embedding, meanOf(embedding)])
  const variance = meanOf(graph.op("Mul", [centred, centred]))
  const deviation = graph.op("Sqrt", [graph.op("Add", [variance, graph.scalar(CLIP_EPSILON)])])
  return graph.op("Div", [centred, deviation])
}
