import type { ScoreLayer } from "../embedder/embedder.ts"
import { EMBEDDING_SIZE, SCORE_COUNT } from "../embedder/yamnet/mobilenet.ts"

/**
 * A feature's deviation counts as at least this much (a clip's is 1).
 *
 * Most of YAMNet's outputs are zero in most clips, and after the clip's standardisation all that varies in them is the
 * clip's own mean (deviation 0.05 to 0.12 in half of the features of 116 real recordings). At full scale, those copies of
 * one number outvote the features that tell sounds apart: over 24 splits by source this floor raised macro-F1 from 0.40
 * to 0.47 (mlp) and from 0.49 to 0.53 (linear).
 */
export const SMALLEST_DEVIATION = 0.3

/** A classifier to be trained, but for the classes: what it sees, its layers, and how it is kept from learning by heart. */
export interface HeadDescription {
  /**
   * `embedding`: the clip's embedding, standardised. `scores`: YAMNet's own scores of AudioSet's 521 classes, computed
   * from it by a layer that is not trained (see `scoreFeatures`).
   */
  readonly input: "embedding" | "scores"
  /** Units of the hidden layers, none for multinomial regression, and the share of units that training drops in each. */
  readonly hidden: ReadonlyArray<number>
  readonly dropout: ReadonlyArray<number>
  /** What the sum of squared kernels weighs in the loss (L2). */
  readonly decay: number
  readonly learningRate: number
  /** Each feature is standardised, its deviation counting as at least this much; null leaves features as they are. */
  readonly smallestDeviation: number | null
  /** The share of a target's probability that is spread over all classes. */
  readonly labelSmoothing: number
  /** Samples are mixed with others, shares drawn from Beta(mixup, mixup); 0 leaves them as they are. */
  readonly mixup: number
  /** What a class's samples weigh: all classes the same, by the root of that, or each sample the same. */
  readonly balance: "balanced" | "root" | "none"
  /**
   * Whether training stops where the loss of validation recordings is lowest. Otherwise they train, too: for all epochs,
   * with a learning rate that falls to zero.
   */
  readonly earlyStopping: boolean
  /** Networks trained from different seeds, whose logits are averaged: one network in the end. */
  readonly members: number
}

const ECOSIGHT: HeadDescription = {
  input: "embedding",
  hidden: [512, 256, 128, 64],
  dropout: [0.5, 0.4, 0.3, 0.2],
  decay: 0,
  learningRate: 1e-3,
  smallestDeviation: SMALLEST_DEVIATION,
  labelSmoothing: 0,
  mixup: 0,
  balance: "balanced",
  earlyStopping: true,
  members: 1
}

/** The classifiers on offer: EcoSight's network, and two regularised linear layers for little data. */
export const HEADS = {
  mlp: ECOSIGHT,
  linear: { ...ECOSIGHT, hidden: [], dropout: [], decay: 0.1, learningRate: 0.01 },
  audioset: {
    ...ECOSIGHT,
    input: "scores",
    hidden: [],
    dropout: [],
    decay: 0.01,
    learningRate: 0.03,
    smallestDeviation: null,
    earlyStopping: false
  }
} as const satisfies Record<string, HeadDescription>
export type Head = keyof typeof HEADS
/** The head that is best where there is nothing else to go by; its scores need the whole YAMNet. */
export const defaultHead = ({ scores }: { readonly scores?: ScoreLayer }): Head =>
  scores === undefined ? "mlp" : "audioset"
export const HEAD_NAMES = Object.keys(HEADS) as ReadonlyArray<Head>

/**
 * A classifier over features: fully connected layers, softmax at the end.
 *
 * Each hidden layer is Dense, ReLU, batch normalisation, dropout; without hidden layers it is multinomial regression.
 */
export interface Network {
  /** Units of every layer, from the features to the classes. */
  readonly units: ReadonlyArray<number>
  /** The share of units that training drops, for each hidden layer. */
  readonly dropout: ReadonlyArray<number>
  /** What the sum of squared kernels weighs in the loss (L2). */
  readonly decay: number
  /** The learning rate that training begins with. */
  readonly learningRate: number
  readonly labelSmoothing: number
  readonly mixup: number
}

/** As in Keras' BatchNormalization. */
export const NORMALIZATION = { epsilon: 1e-3, momentum: 0.99 } as const

/**
 * How much of the tracked mean and variance a training step (from 1) replaces by its batch's.
 *
 * Keras replaces a hundredth from the start, so that its 0 and 1 of before training still weigh a third after 100 steps:
 * EcoSight's network on 100 recordings would stop early for it (macro-F1 0.26 instead of 0.39 over 20 splits). A plain
 * mean of the batches, until a hundredth is more than that takes, has no such memory.
 */
export const renewalAt = (step: number): number => Math.max(1 - NORMALIZATION.momentum, 1 / step)

/** The network of a head for so many classes. */
export const networkOf = (
  { input, hidden, dropout, decay, learningRate, labelSmoothing, mixup }: HeadDescription,
  classes: number
): Network => ({
  units: [input === "scores" ? SCORE_COUNT : EMBEDDING_SIZE, ...hidden, classes],
  dropout,
  decay,
  learningRate,
  labelSmoothing,
  mixup
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
