import type { Precision } from "./engine.ts"
import type { FrontEnd } from "./frontEnd.ts"
import type { Graph } from "./onnx/graph.ts"
import type { Kernel } from "./webgpu/wgsl/kernel.ts"

/** A network that makes rows of patches, as `native/` and `webgpu/` run it. */
export interface Backbone {
  readonly frontEnd: FrontEnd
  /** The extents of a patch, whose product is `patchSize`. */
  readonly patchShape: ReadonlyArray<number>
  /** An ONNX model for so many patches: `patches` [batch, ...patchShape] to `rows` [batch, rowSize]. */
  readonly model: (batch: number) => Uint8Array
  /**
   * The same as kernels: each reads what the last one wrote that does not make rows, and those that do write a vector
   * each. Absent where WebGPU cannot run it.
   */
  readonly kernels?: (batch: number, precision: Precision) => ReadonlyArray<Kernel>
  /** The network before it was rounded to eight bits, which `model` is held against; absent where it was not. */
  readonly unrounded?: Backbone
}

/**
 * An embedder's own last layer: the scores of the classes that it was trained on are
 * sigmoid(embedding * kernel + bias).
 */
export interface ScoreLayer {
  /** [floats of the first vector, classes] */
  readonly kernel: Float32Array
  readonly bias: Float32Array
}

/** What makes vectors of sound: a front-end, and a network with its weights. `engineLayer` runs it. */
export interface Embedder extends Backbone {
  /** What records call it: its id, or "untrained" for random weights that stand in for a demonstration. */
  readonly name: string
  /** SHA-256 over the weights, in hexadecimal. */
  readonly hash: string
  /** Where the weights were found, for people. */
  readonly source: string
  /** Absent where it has none: then no head sees its scores. */
  readonly scores?: ScoreLayer
  /**
   * Adds all of it to a graph, from a waveform [samples] to a clip's row [1, rowSize], and returns the name of the latter.
   * Absent where it cannot be one graph: then no model for devices is exported.
   */
  readonly addTo?: (graph: Graph, waveform: string) => string
}

/** What a run leaves out for want of what the embedder lacks, a sentence each. */
export const leftOut = ({ name, scores, addTo }: Embedder): ReadonlyArray<string> => [
  ...(scores === undefined ? [`The head audioset is not on offer: ${name} has no scores of its own.`] : []),
  ...(addTo === undefined
    ? [`There is no ecosight.onnx, for devices and for predictions over HTTP: ${name} cannot be one graph.`]
    : [])
]
