import { cosTurn, sinTurn } from "../../sound/trigonometry.ts"
import type { Convolution } from "../convolution.ts"
import type { Graph } from "../onnx/graph.ts"
import {
  BINS,
  FFT_LENGTH,
  FIRST_PATCH,
  HOP,
  hannWindow,
  LOG_OFFSET,
  MEL_BANDS,
  melMatrix,
  PATCH_FRAMES,
  PATCH_HOP,
  PATCH_HOP_FRAMES,
  WINDOW
} from "./logMel.ts"
import { type Mobilenet, TAPS } from "./mobilenet.ts"

/** A kernel in the order of ONNX: [output, input / group, height, width]. */
const toOnnxKernel = ({ kernel, shape: [height, width, input, output] }: Convolution): Float32Array => {
  const area = height * width
  const turned = new Float32Array(kernel.length)
  for (let place = 0, from = 0; place < area; place++) {
    for (let i = 0; i < input; i++) {
      for (let o = 0; o < output; o++) turned[(o * input + i) * area + place] = kernel[from++]!
    }
  }
  return turned
}

/** Adds a convolution and its ReLU in float32. */
export const addConvolution = (
  graph: Graph,
  features: string,
  layer: Convolution,
  stride: 1 | 2,
  depthwise: boolean
): string => {
  const [height, width, input, output] = layer.shape
  const kernel = graph.floats(toOnnxKernel(layer), [depthwise ? input : output, depthwise ? 1 : input, height, width])
  const bias = graph.floats(layer.bias, [layer.bias.length])
  const convolved = graph.op("Conv", [features, kernel, bias], {
    auto_pad: "SAME_UPPER",
    group: depthwise ? input : 1,
    strides: [stride, stride]
  })
  return graph.op("Relu", [convolved])
}

// Not by reductions: averages and maxima over windows stay in onnxruntime's blocked order of channels.
const addLoudest = (graph: Graph, features: string, width: number): string =>
  graph.op("GlobalMaxPool", [graph.op("AveragePool", [features], { kernel_shape: [1, width] })])

/** Adds the 27 convolutions to log-mel patches [n, 96, 64], and returns the names of what each gives, after its ReLU. */
export const addLayers = (graph: Graph, patches: string, { stem, separable }: Mobilenet): ReadonlyArray<string> => {
  const unsqueezed = graph.op("Unsqueeze", [patches, graph.integers([1])])
  const features = [addConvolution(graph, unsqueezed, stem, 2, false)]
  for (const { depthwise, pointwise, stride } of separable) {
    const own = addConvolution(graph, features.at(-1)!, depthwise, stride, true)
    features.push(own, addConvolution(graph, own, pointwise, 1, false))
  }
  return features
}

/**
 * Adds the last convolution, its ReLU and the mean over each patch, of so many patches side by side as of one: it sees six
 * places of each, so that its four megabytes of weights would be read once for every six.
 */
const addLastTogether = (graph: Graph, features: string, layer: Convolution, size: Size, batch: number): string => {
  const [height, width] = size
  const beside = graph.op("Reshape", [
    graph.op("Transpose", [features], { perm: [1, 0, 2, 3] }),
    graph.integers([1, layer.shape[2], batch * height, width])
  ])
  const convolved = addConvolution(graph, beside, layer, 1, false)
  const means = graph.op("AveragePool", [convolved], { kernel_shape: size, strides: size })
  return graph.op("Transpose", [means], { perm: [2, 1, 0, 3] })
}

/** Height and width of features. */
type Size = readonly [height: number, width: number]

/**
 * Adds YAMNet from log-mel patches [n, 96, 64] to rows, embeddings and then the taps' vectors, and returns the name of
 * the latter. Where n is known, it may be said as `batch`: the rows are the same, and made faster.
 *
 * Channels come before height and width: from that order onnxruntime rewrites the whole network into its blocked
 * convolutions.
 */
export const addNetwork = (
  graph: Graph,
  patches: string,
  network: Mobilenet,
  { taps = TAPS, batch }: { readonly taps?: ReadonlyArray<number>; readonly batch?: number | undefined } = {}
): string => {
  const { separable } = network
  const last = separable.at(-1)!
  const isTogether = batch !== undefined && !taps.includes(separable.length + 1)
  const features = addLayers(graph, patches, isTogether ? { ...network, separable: separable.slice(0, -1) } : network)
  const pooled = new Map<number, string>()
  let size: Size = [PATCH_FRAMES / 2, MEL_BANDS / 2]
  for (const [index, { stride }] of separable.entries()) {
    size = [size[0] / stride, size[1] / stride]
    if (taps.includes(index + 2)) pooled.set(index + 2, addLoudest(graph, features[2 * index + 2]!, size[1]))
  }
  const seen = features.at(-1)!
  const embedding = isTogether
    ? addLastTogether(
        graph,
        addConvolution(graph, seen, last.depthwise, last.stride, true),
        last.pointwise,
        size,
        batch
      )
    : graph.op("GlobalAveragePool", [seen])
  const vectors = [embedding, ...taps.map((layer) => pooled.get(layer)!)]
  return graph.op("Flatten", [taps.length === 0 ? embedding : graph.op("Concat", vectors, { axis: 1 })])
}

// Rows of the windowed discrete Fourier transform as kernels over samples, [2 * 257, 1, 400]: real, then imaginary.
const fourierKernels = (): Float32Array => {
  const window = hannWindow()
  const kernels = new Float32Array(2 * BINS * WINDOW)
  for (let bin = 0; bin < BINS; bin++) {
    for (let n = 0; n < WINDOW; n++) {
      const turns = ((bin * n) % FFT_LENGTH) / FFT_LENGTH
      kernels[bin * WINDOW + n] = window[n]! * cosTurn(turns)
      kernels[(BINS + bin) * WINDOW + n] = -window[n]! * sinTurn(turns)
    }
  }
  return kernels
}

// Zeros after the waveform to a whole number of patches, in the graph because the length is known only when it runs.
const addPadding = (graph: Graph, waveform: string): string => {
  const firstPatch = graph.integers([FIRST_PATCH])
  const hop = graph.integers([PATCH_HOP])
  const length = graph.op("Shape", [waveform])
  const beyond = graph.op("Sub", [graph.op("Max", [length, firstPatch]), firstPatch])
  const hops = graph.op("Div", [graph.op("Add", [beyond, graph.integers([PATCH_HOP - 1])]), hop])
  const target = graph.op("Add", [firstPatch, graph.op("Mul", [hops, hop])])
  const pads = graph.op("Concat", [graph.integers([0]), graph.op("Sub", [target, length])], { axis: 0 })
  return graph.op("Pad", [waveform, pads])
}

/**
 * Adds YAMNet's front-end from a 16 kHz waveform [samples] to log-mel patches [n, 96, 64], the padded tail included,
 * and returns the name of the latter.
 *
 * The Fourier transform is a convolution, so one ordinary `.onnx` file runs wherever convolutions do. It is for
 * devices: here `logMelPatches` gives the same for less.
 */
export const addFrontEnd = (graph: Graph, waveform: string): string => {
  const padded = graph.op("Unsqueeze", [addPadding(graph, waveform), graph.integers([0, 1])])
  const kernels = graph.floats(fourierKernels(), [2 * BINS, 1, WINDOW])
  const spectrum = graph.op("Conv", [padded, kernels], { strides: [HOP] })
  const parts = graph.op("Reshape", [spectrum, graph.integers([2, BINS, -1])])
  const magnitudes = graph.op("ReduceL2", [parts], { axes: [0], keepdims: 0 })
  const frames = graph.op("Transpose", [magnitudes], { perm: [1, 0] })
  const mel = graph.op("MatMul", [frames, graph.floats(melMatrix(), [BINS, MEL_BANDS])])
  const logMel = graph.op("Log", [graph.op("Add", [mel, graph.scalar(LOG_OFFSET)])])
  // A patch is two blocks of 48 frames, the second of which begins the next patch.
  const blocks = graph.op("Reshape", [logMel, graph.integers([-1, PATCH_HOP_FRAMES, MEL_BANDS])])
  const first = graph.op("Slice", [blocks, graph.integers([0]), graph.integers([-1]), graph.integers([0])])
  const second = graph.op("Slice", [blocks, graph.integers([1]), graph.integers([2 ** 31]), graph.integers([0])])
  return graph.op("Concat", [first, second], { axis: 1 })
}
