import type { ScoreLayer } from "../../embedder/embedder.ts"
import type { Vectors } from "../../embedder/frontEnd.ts"
import type { Graph } from "../../embedder/onnx/graph.ts"
import type { TfliteGraph } from "../../embedder/tflite/graph.ts"
import type { Tensor } from "../../embedder/tflite/tensor.ts"
import type { KerasLayer } from "../export/kerasLayer.ts"

/**
 * What a head sees of one of a recording's vectors: it is computed, not learnt; of the embedding, the same whether or not
 * the caller has standardised it, as EcoSight's API does.
 */
export interface Features {
  /** Values in that vector. */
  readonly inputs: number
  /** Values that the head sees. */
  readonly width: number
  /** Units of the dense layers that compute them, for the metadata; none where it takes no such layer. */
  readonly layers: ReadonlyArray<number>
  /** Those of one vector, which stays as it is; what comes out may be kept, and must stay as it is, too. */
  readonly of: (vector: Float32Array) => Float32Array
  /**
   * The kernel [width, classes] of a regression by what is known of the classes before anything is learnt, `weight` being
   * what a class's own feature counts for. Absent where nothing is.
   */
  readonly priorKernel?: (weight: number) => Float32Array
  /** Adds the same to a graph: vectors [n, inputs] to features [n, width]. */
  readonly addTo: (graph: Graph, vectors: string) => string
  /**
   * The same of vectors' codes (uint8 [n, inputs]), each of which has a range [n, 2]: its least value, and what a step of
   * its codes is worth. Without it codes are taken for vectors, as features that are the same of a standardised vector may.
   */
  readonly addCodedTo?: (graph: Graph, codes: string, ranges: () => string) => string
  /** The same for TensorFlow Lite. */
  readonly addToTflite: (graph: TfliteGraph, vectors: Tensor) => Tensor
  /**
   * The same for Keras, of layers that 2.15 and 3 both have; the first of them takes the model's input. None where a
   * `.keras` file, whose callers may standardise clips, could not have them.
   */
  readonly kerasLayers: ReadonlyArray<KerasLayer>
}

/** Layers of an embedder that features may need beside its vectors. */
export interface EmbedderLayers {
  readonly scores?: ScoreLayer | undefined
  /** What its rows are made of, where that is more than the embedding. */
  readonly vectors?: Vectors | undefined
}

/** A kind of features, before it is known what embedder they are of. */
export interface FeatureKind {
  /** How a model's metadata names them. */
  readonly title: string
  /** Which vector of a row they are of; the embedding unless given. */
  readonly vector?: string
  /** What they need of the embedder beside its embedding, and its name. */
  readonly needs?: { readonly of: (embedder: EmbedderLayers) => unknown; readonly name: string }
  /** Those of vectors of so many values, by an embedder that has what they need, for classes of these names. */
  readonly make: (inputs: number, embedder: EmbedderLayers, classes: ReadonlyArray<string>) => Features
  /** What a search for a head draws from where a head sees these, and how often it has one see them. */
  readonly drawn: {
    readonly weight: number
    readonly decay: readonly [least: number, most: number]
    readonly smallestDeviation: ReadonlyArray<number | null>
  }
}
