import { Schema } from "effect"
import manifest from "../../../package.json"
import { ALARM_RATES } from "../../config/alarmRates.ts"
import { licenceNote } from "../../embedder/embedder.ts"
import { precisionOf } from "../../embeddings/recipe.ts"
import { type Calibration, KEPT } from "../calibrate.ts"
import type { FieldFigures } from "../evaluation/field/fieldFigures.ts"
import { FEATURES } from "../features/kinds.ts"
import { headNamed } from "../heads/heads.ts"
import { ADAM } from "../train/adam.ts"
import { SCHEDULE } from "../train/fit.ts"
import type { TrainedClassifier } from "../train/train.ts"
import type { TrainingRun } from "./trainingRun.ts"

/** `model_metadata.json`: EcoSight's fields, then where the model comes from. */
export const modelMetadata = (run: TrainingRun) => {
  const { classifier, dataset, split, result } = run
  return {
    model_name: `EcoSight ${called(run)} classifier`,
    model_type: modelType(run),
    training_date: spacedTime(run.date),
    num_classes: dataset.classes.length,
    classes: dataset.classes,
    input_shape: [classifier.features.inputs],
    input: inputOf(run),
    vectors: run.embedder.frontEnd.vectors,
    served: { files: servedFiles(run), ...figuresOf(classifier, result) },
    keras: { files: KERAS, ...figuresOf(classifier.alone ?? classifier, run.kerasResult ?? result) },
    ...scores(run),
    sample_rate: run.embedder.frontEnd.sampleRate,
    architecture: architectureOf(classifier),
    training_config: trainingConfigOf(classifier),
    ...calibrationOf(run),
    ...(classifier.search === undefined ? {} : { search: classifier.search }),
    sample_counts: sampleCounts(run),
    recording_counts: countByClass(run, ({ variant }) => variant === "original"),
    macro_f1: result?.macroF1,
    ...(run.lasting && { windows: { lasting: run.lasting } }),
    ...(run.field && { field: fieldMetadata(run.field) }),
    comparison: run.comparison,
    run_id: run.runId,
    recipe: run.recipe,
    yamnet: { embedder: run.embedder.name, weights_hash: run.embedder.hash, source: run.embedder.source },
    ...(run.embedder.file && { embedder: run.embedder.file.description }),
    split: {
      training_samples: split.training.length,
      validation_recordings: split.validation.length,
      holdout_recordings: split.holdout.length,
      groups: split.subsets.size
    },
    engine: run.engine,
    notes: [...split.notes, ...classifier.notes, ...licenceNote(run.embedder)],
    versions: { "ecosight-retrain": manifest.version, bun: Bun.version, ...pinned }
  }
}

/** What it hears in the field, without the curves. */
const fieldMetadata = ({ classes, silent, recallAtAlarms, judgedBy, ...sizes }: FieldFigures) => ({
  judged_by: judgedBy,
  ...sizes,
  false_alarms_per_hour: ALARM_RATES,
  recall: recallAtAlarms,
  classes: Object.fromEntries([
    ...classes.map(({ className, events, sources, recallAtAlarms: recall, thresholds, averagePrecision, bands }) => [
      className,
      { events, sources, recall, thresholds, average_precision: averagePrecision, by_snr: bands }
    ]),
    ...silent.map(({ className, thresholds }) => [className, { events: 0, sources: 0, thresholds }])
  ])
})

/** Files that hold what is served; the other `.tflite` file answers otherwise, and certificate.json says by how much. */
const servedFiles = ({ embedder: { addTo, addToTflite }, recipe }: TrainingRun) => [
  ...(addTo === undefined ? [] : ["ecosight.onnx"]),
  "classifier.onnx",
  ...(addToTflite === undefined ? [] : [precisionOf(recipe) === "int8" ? "ecosight_int8.tflite" : "ecosight.tflite"])
]
const KERAS = ["yamnet_classifier.keras"]

/** What a file's classifier is and came to: a mixture is served, and the `.keras` file holds its first network alone. */
const figuresOf = ({ descriptions, calibration, classes }: TrainedClassifier, result: TrainingRun["result"]) => ({
  head: headNamed(descriptions),
  macro_f1: result?.macroF1,
  test_accuracy: result?.accuracy,
  test_loss: result?.loss,
  ...(calibration && { temperature: calibration.temperature, decision_thresholds: thresholdsOf(classes, calibration) })
})

const thresholdsOf = (classes: ReadonlyArray<string>, { thresholds }: Calibration) =>
  Object.fromEntries(classes.map((name, label) => [name, thresholds[label]!]))

/** How people call the embedder. */
const called = ({ embedder: { frontEnd } }: TrainingRun): string => (frontEnd.id === "yamnet" ? "YAMNet" : frontEnd.id)

const inputOf = (run: TrainingRun): string =>
  run.embedder.frontEnd.id === "yamnet"
    ? "The mean of YAMNet's embeddings over a clip's patches, standardised or not: a plain one, or, as in ecosight.onnx, " +
      "one by the patches' energy, which is recognised better. It is trained on both."
    : `The mean of ${called(run)}'s vectors over a clip's patches, standardised or not: a plain one, or one by what its ` +
      "front-end counts each patch for. It is trained on both."

const architectureOf = ({ features, network }: TrainedClassifier) => ({
  layers: [...features.layers, ...network.units.slice(1, -1)],
  activation: "relu",
  dropout_rates: network.dropout,
  batch_normalization: network.dropout.length > 0,
  output_activation: "softmax",
  learning_rate: network.learningRate
})

const trainingConfigOf = ({
  network,
  settings,
  description,
  descriptions,
  history,
  bestEpoch,
  validatedBy
}: TrainedClassifier) => ({
  head: settings.head,
  optimizer: network.optimizer,
  learning_rate: network.learningRate,
  beta_1: ADAM.beta1,
  beta_2: ADAM.beta2,
  l2: network.decay,
  batch_size: settings.batchSize,
  epochs: settings.epochs,
  epochs_trained: history.length,
  best_epoch: bestEpoch,
  validated_by: validatedBy ?? null,
  early_stopping_patience: SCHEDULE.patience,
  reduce_lr_patience: SCHEDULE.flatEpochs,
  reduce_lr_factor: 0.5,
  class_weight: description.balance,
  description,
  ...(descriptions.length > 1 && { mixed_with: descriptions.slice(1) }),
  seed: settings.seed
})

/** Temperature is folded into the model; a client that knows `unknown` applies the thresholds. */
const calibrationOf = ({ classifier: { calibration, classes } }: TrainingRun) =>
  calibration === undefined
    ? {}
    : {
        calibration: {
          temperature: calibration.temperature,
          recordings: calibration.recordings,
          kept: KEPT
        },
        decision_thresholds: thresholdsOf(classes, calibration)
      }

const modelType = (run: TrainingRun): string => {
  const each = run.classifier.descriptions.map(
    ({ input, hidden }) => `${FEATURES[input].title}, ${hidden.length > 0 ? "dense network" : "linear"}`
  )
  return `${called(run)} ${each.join(", mixed with ")}`
}

const pinned = {
  "onnxruntime-node": manifest.dependencies["onnxruntime-node"],
  "@tensorflow/tfjs": manifest.dependencies["@tensorflow/tfjs"]
}

/** `performance_metrics.json`: lists by class, in the classes' order; empty where nothing was held out. */
export const performanceMetrics = (run: TrainingRun) => {
  const perClass = run.result?.perClass ?? []
  return {
    ...scores(run),
    macro_f1: run.result?.macroF1,
    intervals: run.result?.intervals,
    ...classMetrics(run),
    confusion_matrix: run.result?.confusion ?? [],
    per_class_metrics: Object.fromEntries(
      perClass.map(({ className, precision, recall, f1, support }) => [
        className,
        { precision, recall, f1_score: f1, support }
      ])
    )
  }
}

/** `retraining_log.json`. */
export const RetrainingLog = Schema.Struct({ retraining_history: Schema.Array(Schema.Json) })
export type RetrainingLog = typeof RetrainingLog.Type

/** The previous log with this run at its end. */
export const continueLog = (run: TrainingRun, { retraining_history: history }: RetrainingLog) => {
  const counts = sampleCounts(run)
  const record = {
    timestamp: spacedTime(run.date).replace(" ", "_").replaceAll(":", "-"),
    datetime: spacedTime(run.date),
    model_path: run.modelPath,
    ...scores(run),
    num_classes: run.dataset.classes.length,
    classes: run.dataset.classes,
    sample_counts: counts,
    total_samples: Object.values(counts).reduce((sum, count) => sum + count, 0),
    epochs_trained: run.classifier.history.length,
    metrics: classMetrics(run)
  }
  return { retraining_history: [...history, record] }
}

/** `training_history.pkl`: a list for each figure, by Keras' names; as in Keras, none for validation that there was not. */
export const trainingHistory = ({ classifier: { history } }: TrainingRun): Record<string, ReadonlyArray<number>> => {
  const figures = ["loss", "accuracy", "val_loss", "val_accuracy", "lr"] as const
  return Object.fromEntries(
    figures
      .map((figure) => [figure, history.flatMap((epoch) => epoch[figure] ?? [])] as const)
      .filter(([, values]) => values.length > 0)
  )
}

// Absent, not null, where nothing was held out: EcoSight's API takes an absent accuracy for 0 and fails on null.
const scores = ({ result }: TrainingRun) => ({
  test_accuracy: result?.accuracy,
  test_loss: result?.loss
})

const classMetrics = ({ result }: TrainingRun) => {
  const perClass = result?.perClass ?? []
  return {
    precision: perClass.map(({ precision }) => precision),
    recall: perClass.map(({ recall }) => recall),
    f1_score: perClass.map(({ f1 }) => f1)
  }
}

/** Samples by class, variants included, as EcoSight counts them. */
const sampleCounts = (run: TrainingRun) => countByClass(run, () => true)

const countByClass = (
  { dataset: { classes, samples } }: TrainingRun,
  counts: (sample: { readonly variant: string }) => boolean
): Record<string, number> =>
  Object.fromEntries(
    classes.map((name) => [name, samples.filter((sample) => sample.className === name && counts(sample)).length])
  )

/** `2026-11-23 14:30:05`, in UTC. */
const spacedTime = (date: Date): string => date.toISOString().slice(0, 19).replace("T", " ")
