import { Effect } from "effect"
import { decisionThresholds, fitTemperature, foldTemperature, type Held, temper } from "../calibrate.ts"
import { type Branch, predict } from "../classifier.ts"
import { type Dataset, vectorsOf } from "../dataset.ts"
import type { Split } from "../split.ts"
import type { Backend } from "../train/backend.ts"
import type { EpochRecord } from "../train/task.ts"
import {
  descriptionsFor,
  type TrainedClassifier,
  type TrainingSettings,
  train,
  watchedRows,
  withoutOthers
} from "../train/train.ts"
import type { Trial } from "../trials.ts"
import { type OutOfFold, outOfFold } from "./outOfFold.ts"
import { type SearchLimits, searchHead } from "./search.ts"

/** Folds for calibrating a head that has no validation recordings. */
const FOLDS = 5

/** What a search tells of itself. */
export interface SearchProgress extends SearchLimits {
  readonly onTrial: (trial: Trial, spent: number) => Effect.Effect<void>
}

/**
 * Trains a classifier, after a search for its head where that is `auto`, and calibrates it on recordings that it was not
 * trained on: those of validation, or, where these train as well, every one by cross-validation among the training and
 * validation sources. The holdout has no part in it. A mixture is calibrated as a whole, and its first network by itself,
 * too.
 */
export const trainCalibrated = Effect.fn("trainCalibrated")(function* (
  dataset: Dataset,
  split: Split,
  given: TrainingSettings,
  limits: SearchProgress,
  backend: Backend
) {
  const inner = withoutHoldout(dataset, split)
  const quiet = { ...given, onEpoch: () => Effect.void }
  const found = given.head === "auto" ? yield* searchHead(inner, quiet, limits, backend, limits.onTrial) : undefined
  const settings = { ...given, ...found?.head }
  const stopsEarly = descriptionsFor(settings, dataset).every(({ earlyStopping }) => earlyStopping)
  const [classifier, folds] = yield* Effect.all(
    [
      train(dataset, split, settings, backend),
      stopsEarly ? Effect.undefined : crossValidated(inner, { ...quiet, ...found?.head }, backend)
    ],
    // The folds beside it, where the backend can.
    { concurrency: "unbounded" }
  )
  const alone = withoutOthers(classifier)
  const { curves, held, heldAlone } = folds ?? {
    curves: [],
    held: validated(classifier, dataset, split),
    heldAlone: alone && validated(alone, dataset, split)
  }
  const told = {
    ...(curves.length > 0 && {
      history: withCurves(classifier.history, curves),
      validatedBy: "cross-validation" as const
    }),
    ...(found && { search: found.search })
  }
  const calibrated: TrainedClassifier = {
    ...calibrate(classifier, held),
    ...told,
    ...(alone && heldAlone && { alone: { ...calibrate(alone, heldAlone), ...told } })
  }
  return calibrated
})

const calibrate = (classifier: TrainedClassifier, held: Held): TrainedClassifier => {
  const classes = classifier.classes.length
  const temperature = fitTemperature(held)
  const probabilities = temper(held.probabilities, classes, temperature)
  const cooled = (branch: Branch) => foldTemperature(branch.network, branch.weights, temperature)
  return {
    ...classifier,
    weights: cooled(classifier),
    ...(classifier.mixedWith && {
      mixedWith: classifier.mixedWith.map((branch) => ({ ...branch, weights: cooled(branch) }))
    }),
    calibration: {
      temperature,
      thresholds: decisionThresholds({ ...held, probabilities }, classes),
      recordings: held.labels.length
    }
  }
}

/** The recordings that a split does not hold out, as a data set of their own. */
export const withoutHoldout = ({ samples, labels, ...dataset }: Dataset, { subsets }: Split): Dataset => {
  const rows = samples.flatMap(({ group }, row) => (subsets.get(group) === "holdout" ? [] : [row]))
  return { ...dataset, samples: rows.map((row) => samples[row]!), labels: Int32Array.from(rows, (row) => labels[row]!) }
}

const validated = (classifier: TrainedClassifier, dataset: Dataset, { validation }: Split): Held => ({
  probabilities: predict(classifier, vectorsOf(dataset, validation)),
  labels: validation.map((row) => dataset.labels[row]!)
})

const crossValidated = Effect.fnUntraced(function* (dataset: Dataset, settings: TrainingSettings, backend: Backend) {
  const curves: Array<Curve> = []
  const alone = new Map<number, TrainedClassifier | undefined>()
  const plan = { folds: FOLDS, repeats: 1, seed: settings.seed }
  const result = yield* outOfFold(dataset, plan, (split, seed) =>
    train(dataset, split, { ...settings, seed, watchesHoldout: true }, backend).pipe(
      Effect.tap((classifier) =>
        Effect.sync(() => {
          // A head without early stopping is watched by what the fold holds out; one with is so by its validation.
          const { history, description } = classifier
          if (!description.earlyStopping) curves.push({ history, recordings: watchedRows(dataset, split).length })
          alone.set(seed, withoutOthers(classifier))
        })
      )
    )
  )
  const isMixture = [...alone.values()].some((classifier) => classifier !== undefined)
  // The same folds, and in each the first network that was trained there.
  const first = isMixture && (yield* outOfFold(dataset, plan, (_, seed) => Effect.succeed(alone.get(seed)!)))
  return { held: testedOf(dataset, result), heldAlone: first ? testedOf(dataset, first) : undefined, curves }
})

/** How one fold's training went, as its own held-out recordings saw it. */
interface Curve {
  readonly history: ReadonlyArray<EpochRecord>
  readonly recordings: number
}

/** A history with the validation figures of the folds' trainings, each weighing as many recordings as it was tested on. */
const withCurves = (history: ReadonlyArray<EpochRecord>, curves: ReadonlyArray<Curve>): ReadonlyArray<EpochRecord> => {
  const total = curves.reduce((sum, { recordings }) => sum + recordings, 0)
  const mean = (figure: "val_loss" | "val_accuracy", epoch: number) =>
    curves.reduce(
      (sum, { history, recordings }) => sum + history[Math.min(epoch, history.length - 1)]![figure]! * recordings,
      0
    ) / total
  return history.map((record, epoch) => ({
    ...record,
    val_loss: mean("val_loss", epoch),
    val_accuracy: mean("val_accuracy", epoch)
  }))
}

/** The first repeat's tested recordings, side by side. */
const testedOf = ({ classes, labels }: Dataset, { rows, probabilities: [first] }: OutOfFold): Held => {
  const tested = [...rows.keys()].filter((at) => !Number.isNaN(first![at * classes.length]!))
  const probabilities = new Float32Array(tested.length * classes.length)
  for (const [at, row] of tested.entries()) {
    probabilities.set(first!.subarray(row * classes.length, (row + 1) * classes.length), at * classes.length)
  }
  return { probabilities, labels: tested.map((at) => labels[rows[at]!]!) }
}
