import { Schema } from "effect"
import type { Protocol } from "../../processes/protocol.ts"

// One training of one network as data, so that another process can do it.

const Floats = Schema.instanceOf(Float32Array<ArrayBufferLike>)

/** Samples as a backend sees them. */
const Examples = Schema.Struct({
  /** What the network sees, [n * inputs] row by row. */
  embeddings: Floats,
  /** The number of each sample's class. */
  labels: Schema.instanceOf(Int32Array<ArrayBufferLike>)
})
export type Examples = typeof Examples.Type

/** How long and in what steps to train. */
export const Schedule = Schema.Struct({
  /** At most so many passes over the training samples. */
  epochs: Schema.Int,
  batchSize: Schema.Int,
  /** Stop after so many epochs without a lower validation loss. */
  patience: Schema.Int,
  /** Halve the learning rate after so many. */
  flatEpochs: Schema.Int,
  /** Whether validation samples are scored for the record only: training then goes as without them. */
  onlyWatched: Schema.optionalKey(Schema.Boolean)
})
export type Schedule = typeof Schedule.Type

/** A network, the samples that it learns from, and the seed of all that is drawn. */
export const Task = Schema.Struct({
  network: Schema.Struct({
    units: Schema.Array(Schema.Int),
    dropout: Schema.Array(Schema.Finite),
    decay: Schema.Finite,
    optimizer: Schema.Literals(["adam", "lbfgs"]),
    learningRate: Schema.Finite,
    labelSmoothing: Schema.Finite,
    mixup: Schema.Finite,
    discriminant: Schema.optionalKey(Schema.Struct({ shrinkage: Schema.Finite, sharpness: Schema.Finite }))
  }),
  training: Examples,
  /** What the loss of each training sample weighs. */
  sampleWeights: Floats,
  /** A kernel [inputs, classes] that L-BFGS starts from and that decay goes towards: zero unless given. */
  prior: Schema.optionalKey(Floats),
  /** What L-BFGS takes for the decay of each class, where it is not the network's for all. */
  decays: Schema.optionalKey(Floats),
  /** May be empty. */
  validation: Examples,
  schedule: Schedule,
  seed: Schema.Finite
})
export type Task = typeof Task.Type

/** One epoch in figures, by Keras' names. The losses are mean cross-entropies: weighted in training only. */
export const EpochRecord = Schema.Struct({
  loss: Schema.Finite,
  accuracy: Schema.Finite,
  /** Without validation samples there is none. */
  val_loss: Schema.UndefinedOr(Schema.Finite),
  val_accuracy: Schema.UndefinedOr(Schema.Finite),
  /** The learning rate of this epoch. */
  lr: Schema.Finite
})
export type EpochRecord = typeof EpochRecord.Type

/** Sums over samples; the loss is the cross-entropy alone, without decay, weighted in training only. */
export interface LossAndHits {
  readonly loss: number
  readonly hits: number
}

/** An epoch's record from the sums over so many training samples, and, where there are any, over so many of validation. */
export const recordOf = (
  trained: LossAndHits,
  samples: number,
  validated: LossAndHits | undefined,
  watched: number,
  lr: number
): EpochRecord => ({
  loss: trained.loss / samples,
  accuracy: trained.hits / samples,
  val_loss: validated && validated.loss / watched,
  val_accuracy: validated && validated.hits / watched,
  lr
})

/** A finished training. */
export const Fit = Schema.Struct({
  weights: Schema.Record(Schema.String, Floats),
  history: Schema.Array(EpochRecord),
  /** The epoch that the weights are of, from 1. */
  bestEpoch: Schema.Int
})
export type Fit = typeof Fit.Type

/** A process that does one task after another. */
export const Training = {
  name: "trainer",
  about: Schema.Void,
  calls: { train: { payload: Task, event: Schema.Never, answer: Fit } },
  inTurn: true
} satisfies Protocol
