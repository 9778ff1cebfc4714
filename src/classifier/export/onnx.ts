import type { Embedder } from "../../embedder/embedder.ts"
import { rowSize, type Vectors } from "../../embedder/frontEnd.ts"
import { ElementType, Graph } from "../../embedder/onnx/graph.ts"
import { type Branch, branchesOf, type Classifier, placeSeen, vectorsSeen } from "../classifier.ts"
import { tensorsOf } from "../denseNetwork.ts"
import { addForward } from "../forward.ts"

/** `classifier.onnx`: `embedding`, rows [n, rowSize] of these vectors, to `probabilities` [n, classes]. */
export const classifierModel = (classifier: Classifier, vectors: Vectors): Uint8Array => {
  const graph = new Graph("classifier")
  const rows = graph.input("embedding", ["n", rowSize({ vectors })])
  addProbabilities(graph, classifier, "n", (branch) => addFeatures(graph, branch, vectors, rows))
  return graph.model()
}

/** The inputs of `field.onnx`; the second one where a network sees how strong a vector is. */
export const FIELD_INPUTS = { codes: "codes", ranges: "ranges" } as const

/**
 * `field.onnx`: windows as a scan stores them to `probabilities` [n, classes], by their vectors up to the last one that
 * the classifier sees. `codes` [numbers, n], uint8, has the first numbers of all of them, then all their second ones;
 * `ranges` [n, 2 * vectors] has the least value of each window's vectors and what a step of its codes is worth.
 */
export const fieldModel = (classifier: Classifier, given: Vectors): Uint8Array => {
  const graph = new Graph("field")
  const vectors = vectorsSeen(classifier, given)
  const codes = graph.input(FIELD_INPUTS.codes, [rowSize({ vectors }), "n"], ElementType.uint8)
  const names = Object.keys(vectors)
  let ranges: string | undefined
  const rangesOf = (vector: string) => {
    ranges ??= graph.input(FIELD_INPUTS.ranges, ["n", 2 * names.length])
    const from = 2 * names.indexOf(vector)
    return graph.op("Slice", [ranges, ...[from, from + 2, 1].map((bound) => graph.integers([bound]))])
  }
  addProbabilities(graph, classifier, "n", (branch) => {
    const seen = graph.op("Transpose", [addSlice(graph, branch, vectors, codes, 0)], { perm: [1, 0] })
    const { addCodedTo, addTo } = branch.features
    return (
      addCodedTo?.(graph, seen, () => rangesOf(branch.vector ?? names[0]!)) ??
      addTo(graph, graph.op("Cast", [seen], { to: ElementType.float32 }))
    )
  })
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
  addProbabilities(graph, classifier, 1, (branch) => addFeatures(graph, branch, frontEnd.vectors, row))
  return graph.model()
}

const addProbabilities = (
  graph: Graph,
  classifier: Classifier,
  count: number | "n",
  featuresFor: (branch: Branch) => string
) => {
  const logits = branchesOf(classifier).map((branch) => addLogits(graph, branch, featuresFor(branch)))
  graph.op("Softmax", [logits.length === 1 ? logits[0]! : graph.op("Sum", logits)], { axis: 1 }, "probabilities")
  graph.output("probabilities", [count, classifier.network.units.at(-1)!])
}

const addFeatures = (graph: Graph, branch: Branch, vectors: Vectors, rows: string): string =>
  branch.features.addTo(graph, addSlice(graph, branch, vectors, rows, 1))

/** What a branch sees of a tensor whose axis is rows' numbers. */
const addSlice = (graph: Graph, branch: Branch, vectors: Vectors, tensor: string, axis: 0 | 1): string => {
  const { from, to } = placeSeen(branch, vectors)
  if (to - from === rowSize({ vectors })) return tensor
  return graph.op("Slice", [tensor, ...[from, to, axis].map((bound) => graph.integers([bound]))])
}

const addLogits = (graph: Graph, { network, weights }: Branch, features: string): string => {
  const constants = new Map(
    tensorsOf(network).map(({ name, shape }) => [name, graph.floats(weights[name]!, shape)] as const)
  )
  return addForward(graph, network, features, (name) => constants.get(name)!)
}
