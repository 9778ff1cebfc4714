import { Clock, Effect } from "effect"
import type { Dataset } from "../../classifier/dataset.ts"
import { trainCalibrated } from "../../classifier/evaluation/calibrated.ts"
import { type CrossValidation, type OutOfFold, outOfFold } from "../../classifier/evaluation/outOfFold.ts"
import type { Split } from "../../classifier/split.ts"
import type { Backend } from "../../classifier/train/backend.ts"
import type { TrainedClassifier } from "../../classifier/train/train.ts"
import type { Embedder } from "../../embedder/embedder.ts"
import type { TrainedHead } from "../field/evaluateField.ts"
import type { ComparedHead, EvaluateOptions } from "./options.ts"

/** A head, what was trained for each cut, and what that made of what the cut left out. */
export interface TestedHead extends TrainedHead {
  readonly head: ComparedHead
  readonly seconds: number
  readonly result: OutOfFold
}

/** Trains a head as a run trains and exports it, calibrated; auto looks anew each time, without what the split holds out. */
export const trainerOf = (
  head: ComparedHead,
  { scores }: Pick<Embedder, "scores">,
  { epochs, batchSize, search }: EvaluateOptions,
  backend: Backend
) => {
  const limits = { ...search, onTrial: () => Effect.void }
  return (dataset: Dataset, split: Split, seed: number) =>
    trainCalibrated(dataset, split, { head, epochs, batchSize, scores, seed }, limits, backend)
}

/** Tests a head on what each cut leaves out. */
export const testHead = Effect.fn("testHead")(function* (
  head: ComparedHead,
  train: ReturnType<typeof trainerOf>,
  dataset: Dataset,
  plan: CrossValidation,
  onCut: (done: number, total: number) => Effect.Effect<void>
) {
  const began = yield* Clock.currentTimeMillis
  const classifiers = new Map<Split, TrainedClassifier>()
  const trainCut = (split: Split, seed: number) =>
    Effect.tap(train(dataset, split, seed), (classifier) => Effect.sync(() => classifiers.set(split, classifier)))
  const result = yield* outOfFold(dataset, plan, trainCut, onCut)
  const seconds = ((yield* Clock.currentTimeMillis) - began) / 1000
  return { head, classifiers, seconds, result } satisfies TestedHead
})
