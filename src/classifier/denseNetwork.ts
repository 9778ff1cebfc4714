import type { Discriminant, HeadDescription } from "./heads/head.ts"

/**
 * A classifier over features: fully connected layers, softmax at the end.
 *
 * Each hidden layer is Dense, ReLU, batch normalisation, dropout; without hidden layers it is multinomial regression.
 */
export interface DenseNetwork {
  /** Units of every layer, from the features to the classes. */
  readonly units: ReadonlyArray<number>
  /** The share of units that training drops, for each hidden layer. */
  readonly dropout: ReadonlyArray<number>
  /** What the sum of squared kernels weighs in the loss (L2). */
  readonly decay: number
  /** What finds its weights: see a head's description. */
  readonly optimizer: HeadDescription["optimizer"]
  /** The learning rate that Adam begins with. */
  readonly learningRate: number
  readonly labelSmoothing: number
  readonly mixup: number
  /** Where it is a linear discriminant. */
  readonly discriminant?: Discriminant
}

/** As in Keras' BatchNormalization. */
export const NORMALIZATION = { epsilon: 1e-3, momentum: 0.99 } as const

/**
 * How much of the tracked mean and variance a training step (from 1) replaces by its batch's.
 *
 * Keras replaces a hundredth from the start, so that its 0 and 1 of before training still weigh a third after 100 steps,
 * and few recordings stop early for it (docs/decisions/heads.md). A plain mean of the batches, until a hundredth is more
 * than that takes, has no such memory.
 */
export const renewalAt = (step: number): number => Math.max(1 - NORMALIZATION.momentum, 1 / step)

/** The network of a head, for so many features and classes. */
export const networkOf = (
  { hidden, dropout, decay, optimizer, learningRate, labelSmoothing, mixup, discriminant }: HeadDescription,
  features: number,
  classes: number
): DenseNetwork => ({
  units: [features, ...hidden, classes],
  dropout,
  decay,
  optimizer,
  learningRate,
  labelSmoothing,
  mixup,
  ...(discriminant && { discriminant })
})

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
export const tensorsOf = ({ units }: Pick<DenseNetwork, "units">): ReadonlyArray<TensorSpec> =>
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
export const weightsFrom = (
  network: Pick<DenseNetwork, "units">,
  values: (tensor: TensorSpec) => Float32Array
): Weights => Object.fromEntries(tensorsOf(network).map((tensor) => [tensor.name, values(tensor)]))
