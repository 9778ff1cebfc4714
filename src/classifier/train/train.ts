import { Effect } from "effect"
import { type Calibration, foldTemperature } from "../calibrate.ts"
import type { Branch, Classifier } from "../classifier.ts"
import { type Dataset, vectorIn } from "../dataset.ts"
import { networkOf } from "../denseNetwork.ts"
import { joinMembers } from "../ensemble.ts"
import { featureScale, foldFeatureScale, standardiseFeatures } from "../featureScale.ts"
import type { EmbedderLayers, FeatureKind, Features } from "../features/features.ts"
import { FEATURES, hasFeatures, vectorSeen } from "../features/kinds.ts"
import { descriptionsOf, type HeadDescription } from "../heads/head.ts"
import { defaultHead, HEADS, type HeadName } from "../heads/heads.ts"
import type { Split } from "../split.ts"
import type { HeadSearch } from "../trials.ts"
import { type Backend, TrainingError } from "./backend.ts"
import { ofSources } from "./discriminant.ts"
import { SCHEDULE, trainBy } from "./fit.ts"
import { trainingNotes } from "./notes.ts"
import { weightsOf } from "./sampleWeights.ts"
import type { EpochRecord, Examples, Fit } from "./task.ts"

export interface TrainingSettings extends Pick<EmbedderLayers, "scores"> {
  readonly head: HeadName | "auto"
  /** What `auto` came to; without it, the head's own, or the default one's. */
  readonly description?: HeadDescription
  readonly mixedWith?: ReadonlyArray<HeadDescription>
  /** At most so many passes over the training samples. */
  readonly epochs: number
  readonly batchSize: number
  /** The same seed, data and backend give the same weights. */
  readonly seed: number
  /** Whether a head that does not stop early is scored after each epoch on what the split holds out, for the record. */
  readonly watchesHoldout?: boolean
  /** Called after each epoch, counted from 1, of so many at most. */
  readonly onEpoch?: (epoch: number, record: EpochRecord, most: number) => Effect.Effect<void>
}

/** A classifier and how it came about. */
export interface TrainedClassifier extends Classifier {
  /** Of an ensemble, the first member's; of a mixture, the first network's. */
  readonly history: ReadonlyArray<EpochRecord>
  /** The epoch that the weights are of, from 1. */
  readonly bestEpoch: number
  /** Whose the validation figures of the history are: the classifier's own, or by cross-validation, of others trained like it. */
  readonly validatedBy?: "validation recordings" | "cross-validation"
  readonly settings: Omit<TrainingSettings, "onEpoch" | "scores">
  /** Of the first of its networks. */
  readonly description: HeadDescription
  /** Of all of them. */
  readonly descriptions: ReadonlyArray<HeadDescription>
  /** Where it has been calibrated. */
  readonly calibration?: Calibration
  /** How its head was found, with `auto`. */
  readonly search?: HeadSearch
  /** Where it is a mixture, the first of its networks by itself, calibrated by itself: the `.keras` file's. */
  readonly alone?: TrainedClassifier
  /** What training had to do without, a sentence each. */
  readonly notes: ReadonlyArray<string>
}

/**
 * Trains a classifier on the split's training samples: a network for each of the head's descriptions.
 *
 * Features are computed, then standardised by the training samples' means and deviations where the head wants that; the
 * latter are folded into the weights returned. Fails on settings out of range, without what the head's features need, and
 * where the split leaves fewer than two classes to train.
 */
export const train = Effect.fn("Classifier.train")(function* (
  dataset: Dataset,
  split: Split,
  { onEpoch = () => Effect.void, scores, ...settings }: TrainingSettings,
  backend: Backend
) {
  const embedder: EmbedderLayers = { scores, vectors: dataset.vectors }
  const descriptions = descriptionsFor({ scores, ...settings }, dataset)
  const branches = yield* Effect.forEach(descriptions, (own, at) =>
    trainBranch(dataset, split, { ...settings, ...(at === 0 && { onEpoch }) }, own, embedder, backend)
  )
  const shares = sharesOf(descriptions)
  const [first, ...others] = branches.map(({ branch, ...fit }, at) => ({
    ...fit,
    branch: { ...branch, weights: foldTemperature(branch.network, branch.weights, 1 / shares[at]!) }
  })) as [Trained, ...Array<Trained>]
  const neverEnded = split.validation.length === 0 && first.branch.network.optimizer !== "lbfgs"
  const classifier: TrainedClassifier = {
    classes: dataset.classes,
    vectors: dataset.vectors,
    ...first.branch,
    ...(others.length > 0 && { mixedWith: others.map(({ branch }) => branch) }),
    history: first.history,
    bestEpoch: first.bestEpoch,
    ...(first.isValidated && { validatedBy: "validation recordings" as const }),
    settings,
    description: descriptions[0]!,
    descriptions,
    notes: trainingNotes(dataset, { scores }, descriptions, neverEnded ? first.history.length : undefined)
  }
  return classifier
})

/** What these settings train, the head's own descriptions unless they bring others. */
export const descriptionsFor = (
  { head, scores, description, mixedWith }: Pick<TrainingSettings, "head" | "scores" | "description" | "mixedWith">,
  { vectors }: Pick<Dataset, "vectors">
): ReadonlyArray<HeadDescription> => {
  if (description !== undefined) return descriptionsOf({ description, ...(mixedWith && { mixedWith }) })
  return descriptionsOf(HEADS[head === "auto" ? defaultHead({ scores, vectors }) : head])
}

/** The first of a classifier's networks by itself, as it would be without the others; undefined where it has none. */
export const withoutOthers = ({ mixedWith, ...first }: TrainedClassifier): TrainedClassifier | undefined =>
  mixedWith && {
    ...first,
    weights: foldTemperature(first.network, first.weights, sharesOf(first.descriptions)[0]!),
    descriptions: [first.description]
  }

/** What each of a mixture's networks weighs: together 1. */
const sharesOf = (descriptions: ReadonlyArray<HeadDescription>): ReadonlyArray<number> => {
  const total = descriptions.reduce((sum, { share }) => sum + share, 0)
  return descriptions.map(({ share }) => share / total)
}

type Trained = Effect.Success<ReturnType<typeof trainBranch>>

const trainBranch = Effect.fnUntraced(function* (
  dataset: Dataset,
  split: Split,
  { onEpoch = () => Effect.void, ...settings }: TrainingSettings,
  description: HeadDescription,
  embedder: EmbedderLayers,
  backend: Backend
) {
  const rows = rowsFor(description, dataset, split, settings.watchesHoldout)
  const counts = dataset.classes.map((_, label) => rows.training.filter((row) => dataset.labels[row] === label).length)
  const problem = problemWith(settings, description, embedder, counts)
  if (problem !== undefined) return yield* new TrainingError({ message: problem })
  const vector = vectorSeen(description.input, dataset.vectors)
  const features = FEATURES[description.input].make(dataset.vectors[vector]!, embedder, dataset.classes)
  const { discriminant } = description
  const sources = new Set(rows.training.map((row) => dataset.samples[row]!.group)).size
  const network = networkOf(
    { ...description, discriminant: discriminant && ofSources(discriminant, sources) },
    features.width,
    dataset.classes.length
  )
  const training = examplesOf(dataset, rows.training, vector, features)
  const validation = examplesOf(dataset, rows.validation, vector, features)
  const { smallestDeviation } = description
  const scale =
    smallestDeviation === null ? undefined : featureScale(training.embeddings, features.width, smallestDeviation)
  if (scale !== undefined) {
    standardiseFeatures(training.embeddings, scale)
    standardiseFeatures(validation.embeddings, scale)
  }

  const sampleWeights = weightsOf(
    rows.training.map((row) => ({ ...dataset.samples[row]!, label: dataset.labels[row]! })),
    description
  )

  const prior = description.prior === null ? undefined : features.priorKernel?.(description.prior)
  const task = { network, training, sampleWeights, validation, ...(prior && { prior }) }
  const epochs = mostEpochs(description, settings, rows.training.length)
  const schedule = { ...SCHEDULE, epochs, batchSize: settings.batchSize, onlyWatched: !description.earlyStopping }
  const one = backend.train ?? trainBy(backend)
  const members = yield* Effect.forEach(Array.from({ length: description.members }).keys(), (member) =>
    one({ ...task, schedule, seed: settings.seed + MEMBER_SEED * member }, (epoch, record) =>
      member === 0 ? onEpoch(epoch, record, epochs) : Effect.void
    )
  )
  const [{ history, bestEpoch }] = members as [Fit, ...Array<Fit>]
  const joined = joinMembers(
    network,
    members.map(({ weights }) => (scale === undefined ? weights : foldFeatureScale(network, weights, scale)))
  )
  const branch: Branch = { vector, features, ...joined }
  return { branch, history, bestEpoch, isValidated: validation.labels.length > 0 }
})

// Far from the seeds that people and folds count up from.
const MEMBER_SEED = 0x9e3779b9

/** Steps after which a head that does not stop early gains nothing more, and epochs that it takes at least. */
const ENOUGH = { steps: 2000, epochs: 15 } as const

/** Of many samples fewer epochs make as many steps (docs/decisions/heads.md). */
const mostEpochs = (
  { earlyStopping, optimizer }: HeadDescription,
  { epochs, batchSize }: Pick<TrainingSettings, "epochs" | "batchSize">,
  samples: number
): number =>
  earlyStopping || optimizer === "lbfgs"
    ? epochs
    : Math.min(epochs, Math.max(ENOUGH.epochs, Math.ceil((ENOUGH.steps * batchSize) / Math.max(1, samples))))

/** Why nothing can be trained, in a sentence. */
const problemWith = (
  { epochs, batchSize }: Pick<TrainingSettings, "epochs" | "batchSize">,
  { input, hidden, dropout, prior, optimizer, smallestDeviation, mixup, earlyStopping }: HeadDescription,
  embedder: EmbedderLayers,
  counts: ReadonlyArray<number>
): string | undefined => {
  if (!Number.isInteger(epochs) || epochs < 1) return `Epochs must be a whole number from 1, not ${epochs}.`
  if (!Number.isInteger(batchSize) || batchSize < 2) return `A batch needs at least 2 samples, not ${batchSize}.`
  if (counts.filter((count) => count > 0).length < 2) {
    return "The split leaves fewer than two classes to train: add recordings from more sources."
  }
  if (dropout.length !== hidden.length) {
    return `A head with ${hidden.length} hidden layers needs as many shares of dropout, not ${dropout.length}.`
  }
  if (optimizer === "lbfgs" && (hidden.length > 0 || mixup > 0 || earlyStopping)) {
    return "A head trained by L-BFGS takes no hidden layers, no mixing and no early stopping: train it by Adam."
  }
  if (prior !== null && (optimizer !== "lbfgs" || smallestDeviation !== null)) {
    return "A head that begins with a prior is trained by L-BFGS on features as they are."
  }
  if (hasFeatures(input, embedder)) return undefined
  const { needs }: FeatureKind = FEATURES[input]
  return `This head needs ${needs!.name}, which these weights lack: take another head, or the whole YAMNet.`
}

/** Without early stopping, validation's sources train as well, with all their variants. */
const rowsFor = ({ earlyStopping }: HeadDescription, dataset: Dataset, split: Split, watchesHoldout = false) => {
  if (earlyStopping) return split
  return { training: rowsBesideHoldout(dataset, split), validation: watchesHoldout ? watchedRows(dataset, split) : [] }
}

const rowsBesideHoldout = ({ samples }: Dataset, { subsets }: Split): ReadonlyArray<number> =>
  samples.flatMap(({ group }, row) => ((subsets.get(group) ?? "holdout") === "holdout" ? [] : [row]))

/** The rows that a split holds out and whose class is trained: what a head is scored on where it watches the holdout. */
export const watchedRows = (dataset: Dataset, split: Split): ReadonlyArray<number> => {
  const trained = new Set(rowsBesideHoldout(dataset, split).map((row) => dataset.labels[row]))
  return split.holdout.filter((row) => trained.has(dataset.labels[row]))
}

const examplesOf = (
  { vectors, samples, labels }: Dataset,
  rows: ReadonlyArray<number>,
  vector: string,
  { of, width }: Features
): Examples => {
  const embeddings = new Float32Array(rows.length * width)
  for (const [at, row] of rows.entries())
    embeddings.set(of(vectorIn(vectors, samples[row]!.vector, vector)), at * width)
  return { embeddings, labels: Int32Array.from(rows, (row) => labels[row]!) }
}
