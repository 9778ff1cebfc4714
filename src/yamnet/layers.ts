import { Schema } from "effect"

/** A convolution whose batch normalisation is folded in; a ReLU follows it. */
export interface Layer {
  /** Height, width, input channel, output channel, as TensorFlow orders them; a depthwise kernel's last extent is 1. */
  readonly kernel: Float32Array
  readonly shape: Shape
  /** One per channel that comes out. */
  readonly bias: Float32Array
}

export type Shape = readonly [height: number, width: number, input: number, output: number]

/** YAMNet up to its embeddings: MobileNet v1 over a [96, 64] log-mel patch, "same" padding throughout. */
export interface Network {
  /** 3x3, stride 2. */
  readonly stem: Layer
  readonly separable: ReadonlyArray<{ readonly depthwise: Layer; readonly pointwise: Layer; readonly stride: 1 | 2 }>
}

/** Floats in one embedding. */
export const EMBEDDING_SIZE = 1024

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
export const toNetwork = (layers: ReadonlyArray<Layer>): Network => ({
  stem: layers[0]!,
  separable: SEPARABLE.map(([stride], index) => ({
    depthwise: layers[2 * index + 1]!,
    pointwise: layers[2 * index + 2]!,
    stride
  }))
})

/** The network's convolutions in the order of `LAYERS`. */
export const layersOf = ({ stem, separable }: Network): ReadonlyArray<Layer> => [
  stem,
  ...separable.flatMap(({ depthwise, pointwise }) => [depthwise, pointwise])
]

/** A file or an address that does not give YAMNet's weights; `message` completes "<place> ...". */
export class UnusableWeights extends Schema.TaggedError<UnusableWeights>()("UnusableWeights", {
  message: Schema.String
}) {}
