import { Schema } from "effect"
import type { Convolution, Shape } from "../convolution.ts"
import type { ScoreLayer } from "../embedder.ts"
import type { Vectors } from "../frontEnd.ts"
import { SOUNDS } from "./sounds.ts"

/** YAMNet up to its embeddings: MobileNet v1 over a [96, 64] log-mel patch, "same" padding throughout. */
export interface Mobilenet {
  /** 3x3, stride 2. */
  readonly stem: Convolution
  readonly separable: ReadonlyArray<{
    readonly depthwise: Convolution
    readonly pointwise: Convolution
    readonly stride: 1 | 2
  }>
  /** Absent where a file holds the embeddings' part alone. */
  readonly scores?: ScoreLayer
}

/** Floats in one embedding. */
export const EMBEDDING_SIZE = 1024
/** Classes of AudioSet that YAMNet tells apart. */
export const SCORE_COUNT = 521

// Stride and filters of the separable layers 2 to 14 (YAMNet's published layer table).
const SEPARABLE: ReadonlyArray<readonly [stride: 1 | 2, filters: number]> = [
  [1, 64],
  [2, 128],
  [1, 128],
  [2, 256],
  [1, 256],
  [2, 512],
  [1, 512],
  [1, 512],
  [1, 512],
  [1, 512],
  [1, 512],
  [2, 1024],
  [1, EMBEDDING_SIZE]
]
const STEM_FILTERS = 32

/**
 * Layers whose activations join the embedding in a row: after the ReLU, as means over a patch's frequencies at the moment
 * when these are highest. Numbered as YAMNet does: the stem is 1, the separable layers are 2 to 14. Later ones are added last, since
 * models of before take the first numbers of a row.
 */
export const TAPS: ReadonlyArray<number> = [8, 4]

/** What the vector of a layer is called: how it is pooled is part of the name, so that no part mixes two ways of it. */
export const tapName = (layer: number): string => `layer${layer}max`

/** The vectors of a row with these taps, in order, and how many floats each has: the embedding, then `layer8max` and so on. */
export const vectorSizes = (taps: ReadonlyArray<number>): Vectors => ({
  embedding: EMBEDDING_SIZE,
  ...Object.fromEntries(taps.map((layer) => [tapName(layer), SEPARABLE[layer - 2]![1]]))
})

/** How many channels a kernel of this shape gives out: a depthwise one as many as it takes in. */
export const channels = (shape: Shape): number => (shape[3] === 1 ? shape[2] : shape[3])

/** The 27 convolutions in order, each by the name that every conversion of YAMNet keeps somewhere in its own. */
export const LAYERS: ReadonlyArray<{ readonly path: string; readonly shape: Shape }> = [
  { path: "layer1/conv", shape: [3, 3, 1, STEM_FILTERS] },
  ...SEPARABLE.flatMap(([, filters], index) => {
    const input = SEPARABLE[index - 1]?.[1] ?? STEM_FILTERS
    return [
      { path: `layer${index + 2}/depthwise_conv`, shape: [3, 3, input, 1] as const },
      { path: `layer${index + 2}/pointwise_conv`, shape: [1, 1, input, filters] as const }
    ]
  })
]

/** The network made of the given convolutions, which are in the order of `LAYERS`. */
export const toNetwork = (layers: ReadonlyArray<Convolution>, scores?: ScoreLayer): Mobilenet => ({
  stem: layers[0]!,
  separable: SEPARABLE.map(([stride], index) => ({
    depthwise: layers[2 * index + 1]!,
    pointwise: layers[2 * index + 2]!,
    stride
  })),
  ...(scores === undefined ? {} : { scores })
})

/**
 * Picks the last layer out of a file's weights: conversions name it in many ways, but nothing else has its shape.
 * Undefined where the file has none, or more than one such pair.
 */
export const pickScores = (
  weights: Iterable<{ readonly shape: ReadonlyArray<number>; readonly values: Float32Array }>
): ScoreLayer | undefined => {
  const all = [...weights]
  const kernels = all.filter(({ shape }) => `${shape}` === `${EMBEDDING_SIZE},${SCORE_COUNT}`)
  const biases = all.filter(({ shape }) => `${shape}` === `${SCORE_COUNT}`)
  if (kernels.length !== 1 || biases.length !== 1) return undefined
  return { kernel: kernels[0]!.values, bias: biases[0]!.values, sounds: SOUNDS }
}

/** The network's convolutions in the order of `LAYERS`. */
export const layersOf = ({ stem, separable }: Mobilenet): ReadonlyArray<Convolution> => [
  stem,
  ...separable.flatMap(({ depthwise, pointwise }) => [depthwise, pointwise])
]

/** A file or an address that does not give YAMNet's weights; `message` completes "<place> ...". */
export class UnusableWeights extends Schema.TaggedError<UnusableWeights>()("UnusableWeights", {
  message: Schema.String
}) {}
