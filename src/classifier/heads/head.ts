import type { FeatureName } from "../features/kinds.ts"

/**
 * A feature's deviation counts as at least this much (a clip's is 1) where a head has its features standardised. Most of
 * YAMNet's outputs hardly vary but for the clip's own mean; at full scale, those copies of one number would outvote the
 * features that tell sounds apart (docs/decisions/heads.md).
 */
const SMALLEST_DEVIATION = 0.3

/** How a linear discriminant is made. */
export interface Discriminant {
  /** How far the covariance within classes is shrunk towards a multiple of the identity: above 0, and 1 at most. */
  readonly shrinkage: number
  /**
   * What its logits are multiplied by. Of few sources and many features it is far too sure; calibration makes up for
   * that, but the members of a mixture must be about as sure as each other.
   */
  readonly sharpness: number
}

/** A classifier to be trained, but for the classes: what it sees, its layers, and how it is kept from learning by heart. */
export interface HeadDescription {
  /** What it sees of a recording's vector. */
  readonly input: FeatureName
  /** Units of each hidden layer, none for multinomial regression. */
  readonly hidden: ReadonlyArray<number>
  /** The share of units that training drops in each of them: as many numbers. */
  readonly dropout: ReadonlyArray<number>
  /** What the sum of squared kernels, less the prior's, weighs in the loss (L2). */
  readonly decay: number
  /**
   * What a class's own feature counts for before anything is learnt, where its features have one for classes of such names;
   * null to begin with nothing. Only L-BFGS begins elsewhere than at zero (docs/decisions/heads.md).
   */
  readonly prior: number | null
  /**
   * How the least loss is looked for: by `adam`, mini-batch after mini-batch, or by `lbfgs`, over all samples at once, an epoch
   * being a step. A regression has one least loss, which `lbfgs` finds in some twenty epochs and without chance; it takes no
   * hidden layers, no mixing and no early stopping (docs/decisions/heads.md).
   */
  readonly optimizer: "adam" | "lbfgs"
  /** Adam's, at the beginning. */
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
   * What a source weighs among those of its class: as much as any other, by the root of its samples, or by how many they
   * are. Two hundred recordings of one engine are one opinion of engines.
   */
  readonly sources: "same" | "root" | "by samples"
  /**
   * What all variants of a recording weigh together, its original weighing 1; null where each weighs as much as the
   * original. Variants' patches all count the same, so that they teach a head what a plain mean looks like
   * (docs/decisions/heads.md).
   */
  readonly variants: number | null
  /**
   * Whether training stops where the loss of validation recordings is lowest. Otherwise they train, too: for all epochs,
   * with a learning rate that falls to zero.
   */
  readonly earlyStopping: boolean
  /**
   * A linear discriminant instead of a regression; null for none. It is computed of the same weighted samples in one step,
   * has no hidden layers, and heeds nothing that says how a descent goes (docs/decisions/heads.md).
   */
  readonly discriminant: Discriminant | null
  /** Networks trained from different seeds, whose logits are averaged: one network in the end. */
  readonly members: number
  /** What its log probabilities weigh among those of a mixture. */
  readonly share: number
}

/** A head on offer. */
export interface Head {
  /** What it is, after its name and without a comma: for `--help`. */
  readonly about: string
  readonly description: HeadDescription
  /**
   * Further classifiers that it is mixed with, each trained by itself: the answer is by the mean of all their log
   * probabilities, by their shares. The first description must see the embedding alone, for without the others it is what the `.keras` file
   * holds.
   */
  readonly mixedWith?: ReadonlyArray<HeadDescription>
}

/** All that is trained for a head, the first by itself being the `.keras` file's. */
export const descriptionsOf = ({
  description,
  mixedWith = []
}: Pick<Head, "description" | "mixedWith">): ReadonlyArray<HeadDescription> => [description, ...mixedWith]

/** Multinomial regression, not regularised: what a head changes of it is what makes it one. */
export const REGRESSION: HeadDescription = {
  input: "embedding",
  hidden: [],
  dropout: [],
  decay: 0,
  prior: null,
  optimizer: "adam",
  learningRate: 0.01,
  smallestDeviation: SMALLEST_DEVIATION,
  labelSmoothing: 0,
  mixup: 0,
  balance: "balanced",
  sources: "by samples",
  variants: null,
  earlyStopping: true,
  discriminant: null,
  members: 1,
  share: 1
}
