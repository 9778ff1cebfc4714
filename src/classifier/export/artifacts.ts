import { Effect } from "effect"
import type { EngineError } from "../../embedder/engine.ts"
import { embeddingAlone } from "../../embedder/frontEnd.ts"
import { reportPage } from "../report/reportPage.ts"
import { encodeKeptWindows, KEPT_WINDOWS_FILE } from "../site/keptWindows.ts"
import { CERTIFICATE_FILE, newCertificate } from "./certificate.ts"
import { kerasModel } from "./kerasModel.ts"
import { continueLog, modelMetadata, performanceMetrics, type RetrainingLog, trainingHistory } from "./metadata.ts"
import { classifierModel, edgeModel, fieldModel } from "./onnx.ts"
import { pickle } from "./pickle.ts"
import { tfliteModels } from "./tflite.ts"
import type { TrainingRun } from "./trainingRun.ts"

/** What the `.keras` file holds, as ONNX, where `classifier.onnx` is another. */
export const KERAS_TWIN = "yamnet_classifier.onnx"

/** What hears field recordings: rows of single windows, trained in soundscapes. */
export const FIELD_MODEL = "field.onnx"

/**
 * Everything that a training run leaves, as bytes by file name; equal runs give equal bytes. There is no model for
 * devices where the embedder cannot be one graph.
 *
 * `previousLog` is the published `retraining_log.json`, which this run's continues.
 */
export const exportArtifacts = Effect.fn("exportArtifacts")(function* (
  run: TrainingRun,
  previousLog: RetrainingLog = { retraining_history: [] }
) {
  const { classifier, embedder } = run
  const { addTo, addToTflite, frontEnd } = embedder
  const text = (content: string) => new TextEncoder().encode(content)
  const json = (value: unknown) => text(`${JSON.stringify(value, undefined, 2)}\n`)
  const classifierOnnx = classifierModel(classifier, frontEnd.vectors)
  const devices = addToTflite === undefined ? [] : yield* orWithout(tfliteModels(classifier, { addToTflite, frontEnd }))
  const certificate = yield* newCertificate(
    run,
    classifierOnnx,
    devices.map(({ facts }) => facts),
    [...(addTo === undefined ? [] : ["ecosight.onnx"]), ...devices.map(({ file }) => file)]
  )
  return new Map<string, Uint8Array>([
    ["yamnet_classifier.keras", yield* kerasModel(classifier.alone ?? classifier)],
    ["class_names.pkl", pickle(run.dataset.classes)],
    ["class_names.json", json(run.dataset.classes)],
    ["model_metadata.json", json(modelMetadata(run))],
    ["performance_metrics.json", json(performanceMetrics(run))],
    ["training_history.pkl", pickle(trainingHistory(run))],
    ["retraining_log.json", json(continueLog(run, previousLog))],
    ["classifier.onnx", classifierOnnx],
    // The same classifier as the .keras file's, for a comparison with a later one.
    ...(classifier.alone === undefined
      ? []
      : [[KERAS_TWIN, classifierModel(classifier.alone, embeddingAlone(frontEnd.vectors))] as const]),
    ...(run.windows === undefined ? [] : [[FIELD_MODEL, fieldModel(run.windows, frontEnd.vectors)] as const]),
    ...(run.kept === undefined ? [] : [[KEPT_WINDOWS_FILE, encodeKeptWindows(run.kept)] as const]),
    ...(addTo === undefined ? [] : [["ecosight.onnx", edgeModel(classifier, { addTo, frontEnd })] as const]),
    ...devices.map(({ file, bytes }) => [file, bytes] as const),
    [CERTIFICATE_FILE, json(certificate)],
    ...(run.map === undefined ? [] : [["map.json", text(JSON.stringify(run.map))] as const]),
    ["report.html", text(reportPage(run))]
  ])
})

/** A run fails for none of these: it says what it leaves out. */
const orWithout = <A>(models: Effect.Effect<ReadonlyArray<A>, EngineError>): Effect.Effect<ReadonlyArray<A>> =>
  Effect.catch(models, ({ message }) =>
    Effect.as(Effect.logWarning(`This version has no files for TensorFlow Lite. ${message}`), [])
  )
