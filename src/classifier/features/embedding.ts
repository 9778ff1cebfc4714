import type { Graph } from "../../embedder/onnx/graph.ts"
import type { TfliteGraph } from "../../embedder/tflite/graph.ts"
import { combine, map, reduce } from "../../embedder/tflite/operators.ts"
import type { Tensor } from "../../embedder/tflite/tensor.ts"
import type { KerasLayer } from "../export/kerasLayer.ts"
import type { FeatureKind } from "./features.ts"

/** As in the exported model's LayerNormalization. */
export const CLIP_EPSILON = 1e-6

/**
 * A clip's embedding at mean 0 and deviation 1.
 *
 * Doing it twice changes nothing that matters (epsilon aside), so callers may standardise, as EcoSight's API does, or not.
 */
export const standardise = (clip: Float32Array): Float32Array => {
  let sum = 0
  for (let i = 0; i < clip.length; i++) sum += clip[i]!
  const mean = sum / clip.length
  let squares = 0
  for (let i = 0; i < clip.length; i++) squares += (clip[i]! - mean) ** 2
  const scale = 1 / Math.sqrt(squares / clip.length + CLIP_EPSILON)
  const standardised = new Float32Array(clip.length)
  for (let i = 0; i < clip.length; i++) standardised[i] = (clip[i]! - mean) * scale
  return standardised
}

/** Spelt out, because ONNX's own LayerNormalization is too young for some devices' runtimes. */
export const addStandardisation = (graph: Graph, embedding: string): string => {
  const { centred, deviation } = addDeviation(graph, embedding)
  return graph.op("Div", [centred, deviation])
}

/** Vectors [n, inputs] less their means, and their deviations [n, 1]. */
export const addDeviation = (graph: Graph, vectors: string) => {
  const meanOf = (tensor: string) => graph.op("ReduceMean", [tensor], { axes: [1], keepdims: 1 })
  const centred = graph.op("Sub", [vectors, meanOf(vectors)])
  const variance = meanOf(graph.op("Mul", [centred, centred]))
  return { centred, deviation: graph.op("Sqrt", [graph.op("Add", [variance, graph.scalar(CLIP_EPSILON)])]) }
}

/** The same for TensorFlow Lite. */
export const addTfliteStandardisation = (graph: TfliteGraph, vectors: Tensor): Tensor => {
  const centred = combine(graph, "SUB", vectors, reduce(graph, "MEAN", vectors, 1))
  const variance = reduce(graph, "MEAN", combine(graph, "MUL", centred, centred), 1)
  return combine(
    graph,
    "DIV",
    centred,
    map(graph, "SQRT", combine(graph, "ADD", variance, graph.floats([CLIP_EPSILON], [1])))
  )
}

/** The same for Keras. */
export const standardisationLayer = (inputs: number): KerasLayer => ({
  className: "LayerNormalization",
  config: { axis: -1, epsilon: CLIP_EPSILON, center: false, scale: false },
  inputs: [inputs],
  tensors: []
})

/** The clip's embedding itself, standardised. */
export const embedding: FeatureKind = {
  title: "embeddings",
  make: (inputs) => ({
    inputs,
    width: inputs,
    layers: [],
    of: standardise,
    addTo: addStandardisation,
    addToTflite: addTfliteStandardisation,
    kerasLayers: [standardisationLayer(inputs)]
  }),
  drawn: { weight: 1, decay: [0.01, 10], smallestDeviation: [null, 0.1, 0.3, 1] }
}
