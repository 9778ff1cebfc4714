import { Effect } from "effect"
import type { ScoreLayer } from "../../embedder/embedder.ts"
import { SCORE_COUNT } from "../../embedder/yamnet/mobilenet.ts"
import { seededRandom } from "../../sound/random.ts"
import type { Calibration } from "../calibrate.ts"
import type { Classifier } from "../classifier.ts"
import { type Dataset, vectorsOf } from "../dataset.ts"
import { joinMembers } from "../ensemble.ts"
import { featuresOf } from "../features.ts"
import { initialWeights } from "../initial.ts"
import { HEADS, type Head, type HeadDescription, networkOf } from "../network.ts"
import type { Split } from "../split.ts"
import { featureScale, foldFeatureScale, standardiseFeatures } from "../standardise.ts"
import type { HeadSearch } from "../trials.ts"
import { type Backend, type Examples, TrainingError } from "./backend.ts"
import { type EpochRecord, type Fit, fit, SCHEDULE } from "./fit.ts"

export interface TrainingSettings {
  readonly head: Head | "auto"
  /** What `auto` came to; without it, the head's own. */
  readonly description?: HeadDescription
  /** YAMNet's last layer, for heads that see its scores. */
  readonly scores?: ScoreLayer | undefined
  /** At most so many passes over the training samples. */
  readonly epochs: number
  readonly batchSize: number
  /** The same seed, data and backend give the same weights. */
  readonly seed: number
  /** Called after each epoch, counted from 1. */
  readonly onEpoch?: (epoch: number, record: EpochRecord) => Effect.Effect<void>
}

/** A classifier and how it came about. */
export interface TrainedClassifier extends Classifier {
  /** Of an ensemble, the first member's. */
  readonly history: ReadonlyArray<EpochRecord>
  /** The epoch that the weights are of, from 1. */
  readonly bestEpoch: number
  readonly settings: Omit<TrainingSettings, "onEpoch" | "scores">
  readonly description: HeadDescription
  /** Where it has been calibrated. */
  readonly calibration?: Calibration
  /** How its head was found, with `auto`. */
  readonly search?: HeadSearch
  /** What training had to do without, a sentence each. */
  readonly notes: ReadonlyArray<string>
}

/**
 * Trains a classifier on the split's training samples.
 *
 * Embeddings are standardised per clip, then per feature by the training samples' means and deviations; the latter are
 * folded into the weights returned. Fails on settings out of range and where the split leaves fewer than two classes to
 * train.
 */
export const train = Effect.fn("Classifier.train")(function* (
  dataset: Dataset,
  split: Split,
  { onEpoch = () => Effect.void, scores, ...settings }: TrainingSettings,
  backend: Backend
) {
  const description: HeadDescription =
    settings.description ?? HEADS[settings.head === "auto" ? "linear" : settings.head]
  const rows = rowsFor(description, dataset, split)
  const counts = dataset.classes.map((_, label) => rows.training.filter((row) => dataset.labels[row] === label).length)
  const trained = counts.filter((count) => count > 0).length
  if (!Number.isInteger(settings.epochs) || settings.epochs < 1) {
    return yield* new TrainingError({ message: `Epochs must be a whole number from 1, not ${settings.epochs}.` })
  }
  if (!Number.isInteger(settings.batchSize) || settings.batchSize < 2) {
    return yield* new TrainingError({ message: `A batch needs at least 2 samples, not ${settings.batchSize}.` })
  }
  if (trained < 2) {
    return yield* new TrainingError({
      message: "The split leaves fewer than two classes to train: add recordings from more sources."
    })
  }
  if (description.input === "scores" && scores === undefined) {
    return yield* new TrainingError({
      message: "This head needs YAMNet's last layer, which these weights lack: take another head, or the whole YAMNet."
    })
  }
  const layer = description.input === "scores" ? scores : undefined
  const network = networkOf(description, dataset.classes.length)
  const training = examplesOf(dataset, rows.training, layer)
  const validation = examplesOf(dataset, rows.validation, layer)
  const { smallestDeviation } = description
  const scale =
    smallestDeviation === null ? undefined : featureScale(training.embeddings, network.units[0]!, smallestDeviation)
  if (scale !== undefined) {
    standardiseFeatures(training.embeddings, scale)
    standardiseFeatures(validation.embeddings, scale)
  }

  const members: Array<Fit> = []
  for (let member = 0; member < description.members; member++) {
    const random = seededRandom(settings.seed + MEMBER_SEED * member)
    members.push(
      yield* fit(
        backend,
        {
          network,
          initial: initialWeights(network, random),
          training,
          classWeights: classWeights(counts, trained, description.balance),
          validation
        },
        { ...SCHEDULE, epochs: settings.epochs, batchSize: settings.batchSize },
        random,
        member === 0 ? onEpoch : () => Effect.void
      ).pipe(Effect.scoped)
    )
  }

  const [{ history, bestEpoch }] = members as [Fit]
  const joined = joinMembers(
    network,
    members.map(({ weights }) => (scale === undefined ? weights : foldFeatureScale(network, weights, scale)))
  )
  const classifier: TrainedClassifier = {
    classes: dataset.classes,
    ...joined,
    ...(layer === undefined ? {} : { scores: layer }),
    history,
    bestEpoch,
    settings,
    description,
    notes:
      split.validation.length > 0
        ? []
        : [`There are no validation recordings: trained for all ${settings.epochs} epochs, without early stopping.`]
  }
  return classifier
})

// Far from the seeds that people and folds count up from.
const MEMBER_SEED = 0x9e3779b9

/** Without early stopping, validation's sources train as well, with all their variants. */
const rowsFor = ({ earlyStopping }: HeadDescription, { samples }: Dataset, split: Split) => {
  if (earlyStopping) return split
  const trains = (group: string) => (split.parts.get(group) ?? "holdout") !== "holdout"
  return { training: samples.flatMap(({ group }, row) => (trains(group) ? [row] : [])), validation: [] }
}

const examplesOf = (dataset: Dataset, rows: ReadonlyArray<number>, scores: ScoreLayer | undefined): Examples => ({
  embeddings: scores === undefined ? featuresOf(vectorsOf(dataset, rows), undefined) : scoresOf(dataset, rows, scores),
  labels: Int32Array.from(rows, (row) => dataset.labels[row]!)
})

/** Scores by embedding: cross-validation asks for the same ones in every fold, and they take longer than the training. */
const known = new WeakMap<ScoreLayer, WeakMap<Float32Array, Float32Array>>()

const scoresOf = ({ samples }: Dataset, rows: ReadonlyArray<number>, layer: ScoreLayer): Float32Array => {
  const own = known.get(layer) ?? new WeakMap<Float32Array, Float32Array>()
  known.set(layer, own)
  const features = new Float32Array(rows.length * SCORE_COUNT)
  for (const [at, row] of rows.entries()) {
    const { vector } = samples[row]!
    const scores = own.get(vector) ?? featuresOf(vector, layer)
    own.set(vector, scores)
    features.set(scores, at * SCORE_COUNT)
  }
  return features
}

// Balanced as in scikit-learn: every class weighs the same, and the mean weight of a sample is 1.
const classWeights = (
  counts: ReadonlyArray<number>,
  trained: number,
  balance: HeadDescription["balance"]
): Float32Array => {
  const total = counts.reduce((sum, count) => sum + count, 0)
  const power = { balanced: 1, root: 0.5, none: 0 }[balance]
  const weights = counts.map((count) => (count > 0 ? (total / (trained * count)) ** power : 0))
  const mean = weights.reduce((sum, weight, label) => sum + weight * counts[label]!, 0) / total
  return Float32Array.from(weights, (weight) => weight / mean)
}
