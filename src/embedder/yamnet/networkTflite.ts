import { cosTurn, sinTurn } from "../../sound/trigonometry.ts"
import type { Convolution } from "../convolution.ts"
import type { TfliteGraph } from "../tflite/graph.ts"
import {
  combine,
  concatenate,
  convolve,
  convolveDepthwise,
  fullyConnect,
  map,
  outputsFirst,
  pool,
  reduce,
  reshape,
  slide,
  trim
} from "../tflite/operators.ts"
import type { Quantization, Tensor } from "../tflite/tensor.ts"
import {
  BINS,
  FFT_LENGTH,
  HOP,
  hannWindow,
  LOG_OFFSET,
  MEL_BANDS,
  melMatrix,
  PATCH_FRAMES,
  PATCH_HOP_FRAMES,
  PATCH_SIZE,
  WINDOW
} from "./logMel.ts"
import type { Mobilenet } from "./mobilenet.ts"
import { SILENCE } from "./pooling.ts"
import type { QuantisedMobilenet } from "./quantise.ts"

/** Bins that a mel band takes anything of. */
const heardBins = (mel: Float32Array): ReadonlyArray<number> =>
  Array.from({ length: BINS }, (_, bin) => bin).filter((bin) =>
    mel.subarray(bin * MEL_BANDS, (bin + 1) * MEL_BANDS).some((weight) => weight > 0)
  )

/** A part of the windowed discrete Fourier transform as kernels over samples, [bins, 1, 400, 1]. */
const addFourier = (
  graph: TfliteGraph,
  samples: Tensor,
  bins: ReadonlyArray<number>,
  wave: (turns: number) => number
) => {
  const window = hannWindow()
  const turn = Float64Array.from({ length: FFT_LENGTH }, (_, at) => wave(at / FFT_LENGTH))
  const kernels = new Float32Array(bins.length * WINDOW)
  for (const [at, bin] of bins.entries()) {
    for (let n = 0; n < WINDOW; n++) kernels[at * WINDOW + n] = window[n]! * turn[(bin * n) % FFT_LENGTH]!
  }
  const bias = graph.floats(new Float32Array(bins.length), [bins.length])
  const part = slide(graph, samples, graph.floats(kernels, [bins.length, 1, WINDOW, 1]), bias, HOP)
  return combine(graph, "MUL", part, part)
}

/**
 * Adds YAMNet's front-end, from a waveform [1, samples] of whole patches to log-mel patches [n, 96, 64, 1], and what each
 * of these counts for, [n, 1], by its energy.
 *
 * The Fourier transform is convolutions, of which every runtime has kernels; the transform that TensorFlow Lite has is
 * unknown to microcontrollers.
 */
export const addTfliteFrontEnd = (graph: TfliteGraph, waveform: Tensor) => {
  const mel = melMatrix()
  const bins = heardBins(mel)
  const samples = reshape(graph, waveform, [1, 1, waveform.shape[1]!, 1], 2)
  const real = addFourier(graph, samples, bins, cosTurn)
  const imaginary = addFourier(graph, samples, bins, sinTurn)
  const magnitudes = map(graph, "SQRT", combine(graph, "ADD", real, imaginary))
  const frames = reshape(graph, magnitudes, [magnitudes.shape[2]!, bins.length], 0)
  const weights = Float32Array.from({ length: MEL_BANDS * bins.length }, (_, at) => {
    return mel[bins[at % bins.length]! * MEL_BANDS + Math.floor(at / bins.length)]!
  })
  // The offset of the logarithm is the bias.
  const offset = graph.floats(new Float32Array(MEL_BANDS).fill(LOG_OFFSET), [MEL_BANDS])
  const bands = fullyConnect(graph, frames, graph.floats(weights, [MEL_BANDS, bins.length]), offset)
  // A patch is two blocks of 48 frames, the second of which begins the next patch.
  const blocks = reshape(graph, bands, [bands.shape[0]! / PATCH_HOP_FRAMES, PATCH_HOP_FRAMES, MEL_BANDS], 0)
  const patches = concatenate(graph, [trim(graph, blocks, 0, 1), trim(graph, blocks, 1, 0)], 1)
  const count = patches.shape[0]!
  const magnitude = combine(
    graph,
    "SUB",
    reshape(graph, patches, [count, PATCH_SIZE], 0),
    graph.floats([LOG_OFFSET], [1])
  )
  const energy = reduce(graph, "SUM", combine(graph, "MUL", magnitude, magnitude), 1)
  const energies = combine(graph, "ADD", energy, graph.floats([SILENCE], [1]))
  return {
    patches: reshape(graph, map(graph, "LOG", patches), [count, PATCH_FRAMES, MEL_BANDS, 1], 0),
    weights: combine(graph, "DIV", energies, reduce(graph, "SUM", energies, 0))
  }
}

/** What makes a layer of the network, in floats or in whole numbers: its place among `layersOf` comes first. */
export interface LayerWriter {
  readonly layer: (at: number, x: Tensor, layer: Convolution, stride: 1 | 2, depthwise: boolean) => Tensor
  /** A layer's activations as floats. */
  readonly leave: (at: number, x: Tensor) => Tensor
}

export const floatLayers = (graph: TfliteGraph): LayerWriter => ({
  layer: (_, x, { kernel, shape: [height, width, input, output], bias }, stride, depthwise) => {
    const added = graph.floats(bias, [bias.length])
    if (depthwise) return convolveDepthwise(graph, x, graph.floats(kernel, [1, height, width, input]), added, stride)
    const weights = graph.floats(outputsFirst(kernel, output), [output, height, width, input])
    return convolve(graph, x, weights, added, stride)
  },
  leave: (_, x) => x
})

/** Features are 0 to 255 steps, which whole numbers from -128 to 127 stand for. */
const stepsOf = (scale: number): Quantization => ({ scales: [scale], zeroPoint: -128 })

/** The same layers, the first ones in floats and the others in whole numbers; what leaves the network is floats. */
export const int8Layers = (graph: TfliteGraph, { first, scale, rest, divisors }: QuantisedMobilenet): LayerWriter => {
  const { layer: addFloats } = floatLayers(graph)
  const addIntegers = (at: number, x: Tensor, stride: 1 | 2, depthwise: boolean): Tensor => {
    const { kernel, shape, scales, bias, scale: step } = rest[at]!
    const [height, width, inputs] = shape
    const [taken] = x.quantization!.scales
    const added = graph.integers(bias, { scales: [...scales].map((own) => own * taken!), zeroPoint: 0, axis: 0 })
    const by = (axis: number): Quantization => ({ scales: [...scales], zeroPoint: 0, axis })
    if (depthwise) {
      const weights = graph.bytes(channelsLast(kernel, inputs), [1, height, width, inputs], by(3))
      return convolveDepthwise(graph, x, weights, added, stride, stepsOf(step))
    }
    const weights = graph.bytes(kernel, [bias.length, height, width, inputs], by(0))
    return convolve(graph, x, weights, added, stride, stepsOf(step))
  }
  return {
    layer: (at, x, _, stride, depthwise) => {
      if (at >= first.length) return addIntegers(at - first.length, x, stride, depthwise)
      const features = addFloats(at, x, first[at]!, stride, depthwise)
      if (at < first.length - 1) return features
      return graph.op("QUANTIZE", [features], features.shape, {}, { type: "int8", quantization: stepsOf(scale) })
    },
    leave: (at, x) => {
      const restore = graph.floats(divisors[at]!, [x.shape[3]!])
      return combine(graph, "MUL", graph.op("DEQUANTIZE", [x], x.shape), restore)
    }
  }
}

/** A depthwise kernel [channels, 1, height, width] as [height, width, channels]. */
const channelsLast = (kernel: Int8Array, channels: number): Int8Array => {
  const area = kernel.length / channels
  return kernel.map((_, at) => kernel[(at % channels) * area + Math.floor(at / channels)]!)
}

/** Adds YAMNet from log-mel patches [n, 96, 64, 1] to rows [n, rowSize]: embeddings, then the taps' vectors. */
export const addTfliteNetwork = (
  graph: TfliteGraph,
  patches: Tensor,
  { stem, separable }: Mobilenet,
  { layer, leave }: LayerWriter,
  taps: ReadonlyArray<number>
): Tensor => {
  const vectors = new Map<number, Tensor>()
  const flat = (x: Tensor) => reshape(graph, x, [x.shape[0]!, x.shape[3]!], 0)
  let x = layer(0, patches, stem, 2, false)
  for (const [index, { depthwise, pointwise, stride }] of separable.entries()) {
    x = layer(2 * index + 1, x, depthwise, stride, true)
    x = layer(2 * index + 2, x, pointwise, 1, false)
    if (!taps.includes(index + 2)) continue
    const [, height, width] = x.shape
    const tapped = leave(2 * index + 2, x)
    const overFrequencies = pool(graph, "AVERAGE_POOL_2D", tapped, [1, width!])
    vectors.set(index + 2, flat(pool(graph, "MAX_POOL_2D", overFrequencies, [height!, 1])))
  }
  const last = leave(2 * separable.length, x)
  const embedding = flat(pool(graph, "AVERAGE_POOL_2D", last, [last.shape[1]!, last.shape[2]!]))
  return concatenate(graph, [embedding, ...taps.map((tap) => vectors.get(tap)!)], 1)
}

/** Adds a clip's row [1, rowSize]: the mean of its patches' by what they count for. */
export const addTflitePooling = (graph: TfliteGraph, rows: Tensor, weights: Tensor): Tensor =>
  reduce(graph, "SUM", combine(graph, "MUL", rows, weights), 0)
