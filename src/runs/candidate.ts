import { DateTime, Effect, Option } from "effect"
import type { Dataset } from "../classifier/dataset.ts"
import { trainCalibrated } from "../classifier/evaluation/calibrated.ts"
import { SEARCH, type SearchLimits } from "../classifier/evaluation/search.ts"
import { exportArtifacts } from "../classifier/export/artifacts.ts"
import { RetrainingLog } from "../classifier/export/metadata.ts"
import type { TrainingRun } from "../classifier/export/trainingRun.ts"
import { defaultHead, type HeadName } from "../classifier/heads/heads.ts"
import { checkLabels } from "../classifier/neighbours/consistency.ts"
import type { Split } from "../classifier/split.ts"
import type { Backend } from "../classifier/train/backend.ts"
import { nativeBackend } from "../classifier/train/nativeBackend.ts"
import { sideBySide } from "../classifier/train/sideBySide.ts"
import type { TrainedClassifier } from "../classifier/train/train.ts"
import { webgpuBackend } from "../classifier/train/webgpuBackend.ts"
import { Settings } from "../config/settings.ts"
import type { Embedder } from "../embedder/embedder.ts"
import { Engine } from "../embedder/engine.ts"
import { openTensorflow } from "../embedder/webgpu/tensorflow.ts"
import { Embeddings } from "../embeddings/embeddings.ts"
import type { Recipe } from "../embeddings/recipe.ts"
import { type Decision, decide, type Incumbent, type Promotion } from "../registry/gate.ts"
import { encodeHeldOut } from "../registry/heldOut.ts"
import { keepEmbedder } from "../registry/keptEmbedder.ts"
import { requireLease } from "../registry/lease.ts"
import { type Promoted, readPointer } from "../registry/pointer.ts"
import { compareWithPromoted, type Recall } from "../registry/promoted.ts"
import { type Artifacts, promoteVersion, writeVersion } from "../registry/publish.ts"
import { newSince, type TrainingSet } from "../registry/trainingSet.ts"
import { HELD_OUT_FILE, readVersionDocument, TRAINING_SET_FILE } from "../registry/versionFiles.ts"
import { CURRENT_KEY, modelKey } from "../store/keys.ts"
import { readOrSetAside } from "../store/setAside.ts"
import { RunEvents } from "../stream/events.ts"
import type { FieldJudgement } from "./field/judgeField.ts"
import { recall } from "./recall.ts"

// A run's candidate: trained, held against the promoted model, written, and promoted where it is not worse.

/** How to train. */
export interface CandidateOptions {
  readonly epochs: number
  readonly batchSize: number
  /** `default` is the best one that the weights allow; `auto` looks for a better one. */
  readonly head: HeadName | "default" | "auto"
  /** How long `auto` looks. */
  readonly search?: SearchLimits
  readonly seed: number
}

/** The engine that embeds and trains, and why it is this one, with all that went wrong on the way. */
export const engineAtWork = Effect.gen(function* () {
  const { name, adapter, why, faults } = yield* Engine
  return { name, adapter, why: [why, ...(yield* faults)].join(" ") }
})

/** With as many recordings, trainings are worth a second process, which takes 0.6 s of a core to start. */
const MANY = 300

/**
 * What trains on so many recordings, as long as the scope: the processor, also beside a card, for which a classifier is too
 * small (docs/decisions/webgpu-and-wgsl.md). TensorFlow.js does on the card that embeds, where the settings ask for it.
 */
export const backendOf = Effect.fnUntraced(function* ({ name }: Pick<Engine["Service"], "name">, recordings: number) {
  const { trainer } = yield* Settings
  return trainer === "webgpu" && name === "webgpu"
    ? webgpuBackend(yield* openTensorflow)
    : yield* sideBySide(nativeBackend, { ahead: recordings >= MANY })
})

/** Trains the candidate, after a search for its head where one is asked for, and calibrates it. */
export const trainCandidate = Effect.fn("trainCandidate")(function* (
  embedder: Embedder,
  dataset: Dataset,
  split: Split,
  options: CandidateOptions,
  backend: Backend
) {
  const emit = yield* RunEvents
  const limits = options.search ?? SEARCH
  return yield* trainCalibrated(
    dataset,
    split,
    {
      ...options,
      head:
        options.head === "default" ? defaultHead({ scores: embedder.scores, vectors: dataset.vectors }) : options.head,
      scores: embedder.scores,
      onEpoch: (epoch, { loss, val_loss }, most) =>
        emit({ stage: "train", done: epoch, total: most, loss, validationLoss: val_loss ?? null })
    },
    {
      ...limits,
      onTrial: ({ number, name, loss }, spent) =>
        emit({ stage: "search", done: Math.round(spent), total: limits.seconds, heads: number + 1, name, loss })
    },
    backend
  )
})

/** A candidate, and what it is judged by. */
export interface Contender {
  /** The promoted model's, as it was read before. */
  readonly pointer: Option.Option<Promoted>
  readonly classifier: TrainedClassifier
  readonly dataset: Dataset
  readonly recipe: Recipe
  /** Rows of recordings held out that the promoted model was not trained on either: both are tested on them. */
  readonly rows: ReadonlyArray<number>
  /** The content of every recording: key to hex SHA-256. */
  readonly live: ReadonlyMap<string, string>
  /** The same of what the promoted model was trained from; empty where that is not known. */
  readonly before: TrainingSet
  /** What the promoted model's classes are called now, where that is something else. */
  readonly renamed: ReadonlyMap<string, string>
  /** Classes that lost most of their recordings to others with the same bytes. */
  readonly contradicted: ReadonlyArray<string>
  /** What it hears in the field. */
  readonly field: FieldJudgement
  /** Whether it may take the place of a model that hears by another embedder, each judged by its own vectors. */
  readonly migrates: boolean
}

/** Holds the candidate against the promoted model and new labels against old ones, and decides what to do with it. */
export const judgeCandidate = Effect.fn("judgeCandidate")(function* (
  { pointer, classifier, dataset, recipe, rows, live, before, renamed, contradicted, field, migrates }: Contender,
  promotion: Promotion
) {
  const { gateTolerance, gateClassTolerance } = yield* Settings
  const embeddings = yield* Embeddings
  const fromStore: Recall = (own, keys) => Effect.provideService(recall(own, keys, live), Embeddings, embeddings)
  const { served, keras } = yield* compareWithPromoted(pointer, {
    classifier,
    dataset,
    recipe,
    rows,
    renamed,
    recall: migrates ? fromStore : undefined
  })
  const incumbent = served.kind === "compared" && field.difference ? { ...served, field: field.difference } : served
  const labels = yield* checkNewLabels(before, dataset, live)
  const tolerances = { macroF1: gateTolerance, recall: gateClassTolerance }
  return {
    comparison: comparisonOf(served),
    keras: keras && comparisonOf(keras),
    labels,
    intended: decide(promotion, incumbent, tolerances, labels, contradicted, keras)
  }
})

const comparisonOf = (incumbent: Incumbent) =>
  incumbent.kind === "compared" ? { promotedRun: incumbent.runId, ...incumbent.comparison } : undefined

/** How well the labels of what is new since the promoted model go with the others; undefined where nothing is. */
const checkNewLabels = Effect.fnUntraced(function* (
  before: TrainingSet,
  dataset: Dataset,
  live: ReadonlyMap<string, string>
) {
  if (before.size === 0) return undefined
  const isNewContent = newSince(before)
  const isNew = (key: string) => isNewContent(key, live.get(key))
  return dataset.samples.some(({ key }) => isNew(key)) ? yield* checkLabels(dataset, isNew) : undefined
})

/**
 * Writes the candidate's version, and returns its files and their keys. `trainingSet` is `live` as a file: the recordings (key to content) that
 * it was made from.
 */
export const writeCandidate = Effect.fn("writeCandidate")(function* (
  candidate: Omit<TrainingRun, "date" | "modelPath">,
  live: TrainingSet,
  trainingSet: Uint8Array
) {
  const artifacts = yield* exportArtifacts(
    {
      ...candidate,
      date: DateTime.toDateUtc(yield* DateTime.now),
      modelPath: modelKey("yamnet_classifier.keras")
    },
    yield* previousLog
  )
  yield* keepEmbedder(candidate.embedder)
  const { dataset, split } = candidate
  const heldOut = split.holdout.map((row) => live.get(dataset.samples[row]!.key)!)
  const files = new Map([...artifacts, [HELD_OUT_FILE, encodeHeldOut(heldOut)], [TRAINING_SET_FILE, trainingSet]])
  return { files, keys: yield* writeVersion(candidate.runId, files) }
})

/** The published log: from its copy, else from the promoted version; undefined where there is none. It blocks no run. */
const previousLog = Effect.gen(function* () {
  const copy = yield* readOrSetAside(
    modelKey(LOG_FILE),
    RetrainingLog,
    "the promoted version's own is continued, else a new one begun"
  )
  if (Option.isSome(copy)) return copy.value.value
  const pointer = yield* readPointer()
  if (Option.isNone(pointer)) return undefined
  return Option.getOrUndefined(yield* readVersionDocument(pointer.value.runId, LOG_FILE, RetrainingLog))
})

const LOG_FILE = "retraining_log.json"

/**
 * Promotes where that was decided, unless another version has been promoted since the comparison; fails where another run
 * has taken the store's lease over.
 */
export const carryOut = Effect.fnUntraced(function* (
  decision: Decision,
  runId: string,
  pointer: Option.Option<Promoted>,
  written: Artifacts
) {
  if (!decision.promote) return { decision, keys: [] }
  return yield* promoteVersion(runId, pointer, requireLease(runId), written).pipe(
    Effect.map((keys) => ({ decision, keys })),
    Effect.catchIf(
      (error) => error._tag === "StoreError" && error.reason === "conflict" && error.key === CURRENT_KEY,
      () => {
        const why = "Not promoted: another version was promoted during this run, so the comparison no longer holds."
        return Effect.succeed({ decision: { promote: false, why } satisfies Decision, keys: [] })
      }
    )
  )
})
