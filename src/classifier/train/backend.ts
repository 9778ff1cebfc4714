import { type Effect, Schema, type Scope } from "effect"
import type { DenseNetwork, Weights } from "../denseNetwork.ts"
import type { EpochRecord, Examples, Fit, LossAndHits, Task } from "./task.ts"

/** Training cannot start, or its backend failed. */
export class TrainingError extends Schema.TaggedError<TrainingError>()("TrainingError", {
  message: Schema.String
}) {}

/** One training, all but its loop. */
export interface Problem {
  readonly network: DenseNetwork
  readonly initial: Weights
  readonly training: Examples
  /** What the loss of each training sample weighs. */
  readonly sampleWeights: Float32Array
  /** May be empty. */
  readonly validation: Examples
}

/** A run of consecutive mini-batches; its chance is drawn beforehand, so that every backend does the same steps. */
export interface Pass {
  /** The training samples in the order of visits. */
  readonly order: Uint32Array
  /** Where in `order` each mini-batch begins, and where the last one ends. */
  readonly borders: Uint32Array
  /** For each visit, 1 for hidden units to keep and 0 for those to drop, layer after layer. */
  readonly kept: Uint8Array
  /** With mixup, for each visit the sample that it is mixed with, and its own share, from 0 to 1. */
  readonly mixed?: { readonly partners: Uint32Array; readonly shares: Float32Array }
  readonly learningRate: number
  /** The number of the first step since training began, from 1: Adam corrects its moments by it. */
  readonly firstStep: number
}

/** A network under training. */
export interface Trainer {
  readonly run: (pass: Pass) => Effect.Effect<LossAndHits, TrainingError>
  readonly validate: Effect.Effect<LossAndHits, TrainingError>
  /** The weights as they are now. */
  readonly weights: Effect.Effect<Weights, TrainingError>
}

/** Does a task; `onEpoch` runs after each epoch, or after all of them where it was done elsewhere. */
export type Train = (
  task: Task,
  onEpoch: (epoch: number, record: EpochRecord) => Effect.Effect<void>
) => Effect.Effect<Fit, TrainingError>

/** What carries out the steps. */
export interface Backend {
  readonly name: "native" | "webgpu"
  readonly open: (problem: Problem) => Effect.Effect<Trainer, TrainingError, Scope.Scope>
  /** Does tasks, several at once; absent where they are done by its own steps here, as `trainBy` does. */
  readonly train?: Train
}
