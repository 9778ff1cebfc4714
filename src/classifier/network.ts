import { EMBEDDING_SIZE } from "../embeddings/recording.ts"

/** The classifiers on offer: EcoSight's network, and one regularised linear layer for little data. */
export const HEADS = ["mlp", "linear"] as const
export type Head = (typeof HEADS)[number]

/**
 * A classifier over standardised embeddings: fully connected layers, softmax at the end.
 *
 * Each hidden layer is Dense, ReLU, batch normalisation, dropout; without hidden layers it is multinomial regression.
 */
export interface Network {
  readonly head: Head
  /** Units of every layer, from the embedding to the classes. */
  readonly units: ReadonlyArray<number>
  /** The share of units that training drops, for each hidden layer. */
  readonly dropout: ReadonlyArray<number>
  /** What the sum of squared kernels weighs in the loss (L2). */
  readonly decay: number
}

/** As in Keras' BatchNormalization. */
export const NORMALIZATION = { epsilon: 1e-3, momentum: 0.99 } as const

/** The network of a head for so many classes. */
export const networkOf = (head: Head, classes: number): Network =>
  head === "mlp"
    ? {
        head,
        units: [EMBEDDING_SIZE, 512, 256, 128, 64, classes],
        dropout: [0.5, 0.4, 0.3, 0.2],
        decay: 0
      }
    : { head, units: [EMBEDDING_SIZE, classes], dropout: [], decay: 0.01 }

/** What a tensor is to its layer. Mean and variance are tracked over batches, the others are trained. */
export type Kind = "kernel" | "bias" | "gamma" | "beta" | "mean" | "variance"

/** A tensor of a network: `kernel0` is the first layer's kernel, [inputs, outputs] as in Keras. */
export interface TensorSpec {
  readonly name: `${Kind}${number}`
  readonly kind: Kind
  readonly layer: number
  readonly shape: readonly [number] | readonly [number, number]
}

/** A network's tensors, layer by layer, in the order in which Keras stores those of a layer. */
export const tensorsOf = ({ units }: Pick<Network, "units">): ReadonlyArray<TensorSpec> =>
  units.slice(1).flatMap((outputs, layer): ReadonlyArray<TensorSpec> => {
    const vector = (kind: Kind): TensorSpec => ({ name: `${kind}${layer}`, kind, layer, shape: [outputs] })
    const dense: ReadonlyArray<TensorSpec> = [
      { name: `kernel${layer}`, kind: "kernel", layer, shape: [units[layer]!, outputs] },
      vector("bias")
    ]
    const isLast = layer === units.length - 2
    return isLast ? dense : [...dense, vector("gamma"), vector("beta"), vector("mean"), vector("variance")]
  })

/** Whether gradient descent changes a tensor. */
export const isTrained = ({ kind }: TensorSpec): boolean => kind !== "mean" && kind !== "variance"

/** The number of values in a tensor. */
export const sizeOf = ({ shape }: TensorSpec): number => shape.reduce((product: number, extent) => product * extent, 1)

/** The values of a network's tensors, row by row. */
export type Weights = Readonly<Record<TensorSpec["name"], Float32Array>>

/** Builds weights from the values of each tensor. */
export const weightsFrom = (network: Pick<Network, "units">, values: (tensor: TensorSpec) => Float32Array): Weights =>
  Object.fromEntries(tensorsOf(network).map((tensor) => [tensor.name, values(tensor)]))
