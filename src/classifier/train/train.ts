import { Effect } from "effect"
import { seededRandom } from "../../random.ts"
import { EMBEDDING_SIZE } from "../../yamnet/layers.ts"
import type { Classifier } from "../classifier.ts"
import { type Dataset, vectorsOf } from "../dataset.ts"
import { initialWeights } from "../initial.ts"
import { type Head, networkOf } from "../network.ts"
import type { Split } from "../split.ts"
import { featureScale, foldFeatureScale, standardiseClips, standardiseFeatures } from "../standardise.ts"
import { type Backend, type Examples, TrainingError } from "./backend.ts"
import { type EpochRecord, fit, SCHEDULE } from "./fit.ts"

export interface TrainingSettings {
  readonly head: Head
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
  readonly history: ReadonlyArray<EpochRecord>
  /** The epoch that the weights are of, from 1. */
  readonly bestEpoch: number
  readonly settings: Omit<TrainingSettings, "onEpoch">
  /** What training had to do without, a sentence each. */
  readonly notes: ReadonlyArray<string>
}

/**
 * Trains a classifier on the split's training samples, classes balanced by weight.
 *
 * Embeddings are standardised per clip, then per feature by the training samples' means and deviations; the latter are
 * folded into the weights returned. Fails on settings out of range and where the split leaves fewer than two classes to
 * train.
 */
export const train = Effect.fn("Classifier.train")(function* (
  dataset: Dataset,
  split: Split,
  { onEpoch = () => Effect.void, ...settings }: TrainingSettings,
  backend: Backend
) {
  const counts = dataset.classes.map((_, label) => split.training.filter((row) => dataset.labels[row] === label).length)
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
  const network = networkOf(settings.head, dataset.classes.length)
  const random = seededRandom(settings.seed)
  const training = examplesOf(dataset, split.training)
  const validation = examplesOf(dataset, split.validation)
  const scale = featureScale(training.embeddings, EMBEDDING_SIZE)
  standardiseFeatures(training.embeddings, scale)
  standardiseFeatures(validation.embeddings, scale)

  const { weights, history, bestEpoch } = yield* fit(
    backend,
    {
      network,
      initial: initialWeights(network, random),
      training,
      classWeights: balancedWeights(counts, trained),
      validation
    },
    { ...SCHEDULE, epochs: settings.epochs, batchSize: settings.batchSize },
    random,
    onEpoch
  ).pipe(Effect.scoped)

  const classifier: TrainedClassifier = {
    classes: dataset.classes,
    network,
    weights: foldFeatureScale(network, weights, scale),
    history,
    bestEpoch,
    settings,
    notes:
      split.validation.length > 0
        ? []
        : [`There are no validation recordings: trained for all ${settings.epochs} epochs, without early stopping.`]
  }
  return classifier
})

const examplesOf = (dataset: Dataset, rows: ReadonlyArray<number>): Examples => {
  const embeddings = vectorsOf(dataset, rows)
  standardiseClips(embeddings, EMBEDDING_SIZE)
  return { embeddings, labels: Int32Array.from(rows, (row) => dataset.labels[row]!) }
}

// Balanced as in scikit-learn: every class weighs the same, and the mean weight of a sample is 1.
const balancedWeights = (counts: ReadonlyArray<number>, trained: number): Float32Array => {
  const total = counts.reduce((sum, count) => sum + count, 0)
  return Float32Array.from(counts, (count) => (count > 0 ? total / (trained * count) : 0))
}
