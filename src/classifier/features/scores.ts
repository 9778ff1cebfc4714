import type { ScoreLayer } from "../../embedder/embedder.ts"
import { ElementType, type Graph } from "../../embedder/onnx/graph.ts"
import type { TfliteGraph } from "../../embedder/tflite/graph.ts"
import { combine, fullyConnect, map, outputsFirst, reduce } from "../../embedder/tflite/operators.ts"
import type { Tensor } from "../../embedder/tflite/tensor.ts"
import { kernels, Room } from "../../sound/kernels/kernels.ts"
import type { KerasLayer } from "../export/kerasLayer.ts"
import {
  addDeviation,
  addStandardisation,
  addTfliteStandardisation,
  standardisationLayer,
  standardise
} from "./embedding.ts"
import type { FeatureKind, Features } from "./features.ts"

/**
 * What a standardised clip is multiplied by before YAMNet's last layer: half of an embedding's usual deviation, which is
 * lost to callers that standardise clips themselves. All of it saturates the scores of a loud, clear sound
 * (docs/decisions/heads.md).
 */
export const SCORE_SCALE = 0.115

/**
 * YAMNet's own scores of AudioSet's classes, by its last layer, which is not trained further. YAMNet has learnt from two
 * million recordings which features make a class, which few recordings of one's own cannot tell.
 *
 * An embedding's features are never below zero, and in a clip of some seconds most are zero; so the lowest value of a
 * standardised clip is where zero was, and shifting by it gives the embedding back, but for its scale: the caller may
 * standardise clips, or not.
 */
export const scores: FeatureKind = {
  title: "scores",
  needs: { of: (embedder) => embedder.scores, name: "YAMNet's last layer" },
  make: (_, embedder) => scoresBy(embedder.scores!),
  drawn: { weight: 2, decay: [0.001, 0.1], smallestDeviation: [null, null, 0.1, 0.3] }
}

const known = new WeakMap<ScoreLayer, Features>()

const scoresBy = (layer: ScoreLayer): Features => {
  const made = known.get(layer) ?? makeScores(layer)
  known.set(layer, made)
  return made
}

const makeScores = (layer: ScoreLayer): Features => {
  const width = layer.bias.length
  const inputs = layer.kernel.length / width
  const scaled = layer.kernel.map((weight) => weight * SCORE_SCALE)
  // Cross-validation asks for the same vectors' in every fold, and they take longer than the training.
  const computed = new WeakMap<Float32Array, Float32Array>()
  let score: ReturnType<typeof scoring> | undefined
  return {
    inputs,
    width,
    layers: [width],
    of: (vector) => {
      score ??= scoring(layer)
      const own = computed.get(vector) ?? score(standardise(vector))
      computed.set(vector, own)
      return own
    },
    addTo: (graph, vectors) => addScores(graph, addStandardisation(graph, vectors), scaled, layer.bias),
    addToTflite: (graph, vectors) => addTfliteScores(graph, vectors, scaled, layer.bias),
    addCodedTo: (graph, codes) => addCodedScores(graph, codes, scaled, layer.bias),
    kerasLayers: [standardisationLayer(inputs), ...scoreLayers(inputs, scaled, layer.bias)]
  }
}

/** Computes the scores of standardised clips by a layer, whose kernel stays where the kernels reach it as long as the program. */
const scoring = ({ kernel, bias }: ScoreLayer): ((clip: Float32Array) => Float32Array) => {
  const placed = new Room().place(kernel)
  return (clip) => {
    let zero = Number.POSITIVE_INFINITY
    for (let feature = 0; feature < clip.length; feature++) zero = Math.min(zero, clip[feature]!)
    const values = new Float64Array(clip.length)
    const nonZero = new Uint32Array(clip.length)
    let seen = 0
    for (let feature = 0; feature < clip.length; feature++) {
      const value = (clip[feature]! - zero) * SCORE_SCALE
      if (value === 0) continue
      values[seen] = value
      nonZero[seen++] = feature
    }
    using room = new Room()
    const sums = room.record(bias, [])
    kernels.addRows(placed, bias.length, room.record([], nonZero), room.record(values, []), seen, sums)
    const logits = new Float64Array(kernels.memory.buffer, sums, bias.length)
    const own = new Float32Array(bias.length)
    for (let score = 0; score < own.length; score++) own[score] = 1 / (1 + Math.exp(-logits[score]!))
    return own
  }
}

const addScores = (graph: Graph, clips: string, kernel: Float32Array, bias: Float32Array): string => {
  const zero = graph.op("ReduceMin", [clips], { axes: [1], keepdims: 1 })
  const shifted = graph.op("Sub", [clips, zero])
  const scaled = graph.floats(kernel, [kernel.length / bias.length, bias.length])
  return graph.op("Sigmoid", [graph.op("Gemm", [shifted, scaled, graph.floats(bias, [bias.length])])])
}

const addTfliteScores = (graph: TfliteGraph, vectors: Tensor, kernel: Float32Array, bias: Float32Array): Tensor => {
  const clips = addTfliteStandardisation(graph, vectors)
  const shifted = combine(graph, "SUB", clips, reduce(graph, "REDUCE_MIN", clips, 1))
  const [width, inputs] = [bias.length, kernel.length / bias.length]
  const weights = graph.floats(outputsFirst(kernel, width), [width, inputs])
  return map(graph, "LOGISTIC", fullyConnect(graph, shifted, weights, graph.floats(bias, [width])))
}

/** Scores of vectors' codes, the lowest of which is 0. */
const addCodedScores = (graph: Graph, codes: string, kernel: Float32Array, bias: Float32Array): string => {
  const product = addCodedProduct(graph, codes, kernel, bias.length)
  const { deviation } = addDeviation(graph, graph.op("Cast", [codes], { to: ElementType.float32 }))
  const logits = graph.op("Div", [product, deviation])
  return graph.op("Sigmoid", [graph.op("Add", [logits, graph.floats(bias, [bias.length])])])
}

/**
 * Codes [n, inputs] times a kernel [inputs, width]: by whole numbers, of which processors multiply several times as many at
 * once, and whose sums are the same in any order.
 */
export const addCodedProduct = (graph: Graph, codes: string, kernel: Float32Array, width: number): string => {
  const { coarse, fine, scales } = splitKernel(kernel, width)
  const productWith = (part: Int8Array) => {
    const product = graph.op("MatMulInteger", [codes, graph.bytes(part, [part.length / width, width])])
    return graph.op("Cast", [product], { to: ElementType.float32 })
  }
  const sum = graph.op("Add", [graph.op("Mul", [productWith(coarse), graph.scalar(FINE_STEPS)]), productWith(fine)])
  return graph.op("Mul", [sum, graph.floats(scales, [width])])
}

/** What either part of a weight is at most: two products of larger ones are more than some processors add up. */
const MOST = 63
const FINE_STEPS = 2 * MOST + 1

/** A kernel [inputs * width] as (FINE_STEPS * coarse + fine) * scales, a scale for each column. */
const splitKernel = (kernel: Float32Array, width: number) => {
  const scales = new Float32Array(width)
  for (let row = 0; row < kernel.length; row += width) {
    for (let at = 0; at < width; at++) {
      scales[at] = Math.max(scales[at]!, Math.abs(kernel[row + at]!) / (FINE_STEPS * MOST + MOST))
    }
  }
  const coarse = new Int8Array(kernel.length)
  const fine = new Int8Array(kernel.length)
  for (let row = 0; row < kernel.length; row += width) {
    for (let at = 0; at < width; at++) {
      const whole = Math.round(kernel[row + at]! / (scales[at]! || 1))
      coarse[row + at] = Math.round(whole / FINE_STEPS)
      fine[row + at] = whole - FINE_STEPS * coarse[row + at]!
    }
  }
  return { coarse, fine, scales }
}

/**
 * The lowest value is taken off each clip as the highest of its negative is added, because Keras has no layer for a
 * minimum.
 */
const scoreLayers = (inputs: number, kernel: Float32Array, bias: Float32Array): ReadonlyArray<KerasLayer> => {
  const plain = (className: string, config: KerasLayer["config"], shape: ReadonlyArray<number>): KerasLayer => {
    return { className, config, inputs: shape, tensors: [] }
  }
  return [
    plain("Rescaling", { scale: -1, offset: 0 }, [inputs]),
    plain("Reshape", { target_shape: [inputs, 1] }, [inputs]),
    plain("GlobalMaxPooling1D", { data_format: "channels_last", keepdims: false }, [inputs, 1]),
    { ...plain("Add", {}, []), from: [0, 3] },
    {
      ...plain("Dense", { units: bias.length, activation: "sigmoid", use_bias: true, trainable: false }, [inputs]),
      tensors: [
        { values: kernel, shape: [inputs, bias.length] },
        { values: bias, shape: [bias.length] }
      ]
    }
  ]
}
