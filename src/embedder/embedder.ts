import type { Effect } from "effect"
import type { EngineError, Precision } from "./engine.ts"
import type { Description } from "./file/description.ts"
import type { FrontEnd } from "./frontEnd.ts"
import type { Graph } from "./onnx/graph.ts"
import type { TfliteGraph } from "./tflite/graph.ts"
import type { Tensor } from "./tflite/tensor.ts"
import type { Kernel } from "./webgpu/wgsl/kernel.ts"

/** A network that makes rows of patches, as `native/` and `webgpu/` run it. */
export interface Backbone {
  readonly frontEnd: FrontEnd
  /** The extents of a patch, whose product is `patchSize`. */
  readonly patchShape: ReadonlyArray<number>
  /**
   * An ONNX model for so many patches, from its one input [batch, ...patchShape] to `rows` [batch, rowSize], or to an output
   * of the name of each of the front-end's vectors.
   */
  readonly model: (batch: number) => Uint8Array
  /** How many patches the model takes at once; absent where that makes no difference. */
  readonly batch?: number
  /**
   * The same as kernels: each reads what the last one wrote that does not make rows, and those that do write a vector
   * each. Absent where WebGPU cannot run it.
   */
  readonly kernels?: (batch: number, precision: Precision) => ReadonlyArray<Kernel>
  /**
   * The rows that the network gave for known patches before it was rounded to eight bits, which `model` is held against;
   * absent where it was not.
   */
  readonly unrounded?: Effect.Effect<Float32Array, EngineError>
}

/**
 * An embedder's own last layer: the scores of the classes that it was trained on are
 * sigmoid(embedding * kernel + bias).
 */
export interface ScoreLayer {
  /** [floats of the first vector, classes] */
  readonly kernel: Float32Array
  readonly bias: Float32Array
  /** The numbers of the classes that tell of a sound, by a word for it: lower case, singular, without spaces. */
  readonly sounds?: Readonly<Record<string, ReadonlyArray<number>>>
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
  /** The same for TensorFlow Lite, of a waveform [1, samples] of whole patches; int8 is what the network computes in. */
  readonly addToTflite?: (
    graph: TfliteGraph,
    waveform: Tensor,
    precision: "float32" | "int8"
  ) => Effect.Effect<Tensor, EngineError>
  /** The file that it came in, where it is no embedder of this project's. */
  readonly file?: { readonly description: Description; readonly bytes: Uint8Array }
}

/** What a run leaves out for want of what the embedder lacks, a sentence each. */
export const leftOut = (embedder: Embedder): ReadonlyArray<string> => {
  const { name, frontEnd, scores, addTo, addToTflite, file } = embedder
  return [
    ...(scores === undefined ? [`The head audioset is not on offer: ${name} has no scores of its own.`] : []),
    ...(file !== undefined
      ? [`There is no ecosight.onnx, for devices: there, classifier.onnx runs behind the file of ${name}.`]
      : addTo === undefined
        ? [`There is no ecosight.onnx, for devices and for predictions over HTTP: ${name} cannot be one graph.`]
        : []),
    ...(addToTflite === undefined ? [`There is no ecosight.tflite: ${name} has no form for TensorFlow Lite.`] : []),
    ...(frontEnd.id === "yamnet"
      ? []
      : [
          `yamnet_classifier.keras takes ${Object.values(frontEnd.vectors)[0]} floats of ${name}: EcoSight's own API, which ` +
            "embeds by YAMNet, needs a model of YAMNet's."
        ]),
    ...licenceNote(embedder)
  ]
}

/** Whose an embedder is that came in a file, for every card of a model on it. */
export const licenceNote = ({ name, file }: Pick<Embedder, "name" | "file">): ReadonlyArray<string> =>
  file === undefined ? [] : [`${name} is not part of this project. Its licence: ${file.description.licence}.`]
