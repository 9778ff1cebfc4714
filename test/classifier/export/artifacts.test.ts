import { expect, test } from "bun:test"
import { Effect } from "effect"
import { exportArtifacts } from "../../../src/classifier/export/artifacts.ts"
import { modelMetadata } from "../../../src/classifier/export/metadata.ts"
import { corpus, trainedRun } from "../../support/trainingRuns.ts"

const run = await Effect.runPromise(trainedRun(corpus(12), { head: "linear", epochs: 5 }))
const artifacts = await Effect.runPromise(exportArtifacts(run, undefined))
const text = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes)
const json = (file: string, from: ReadonlyMap<string, Uint8Array> = artifacts) => JSON.parse(text(from.get(file)))

test("a run leaves every file, with equal bytes each time", async () => {
  expect([...artifacts.keys()]).toEqual([
    "yamnet_classifier.keras",
    "class_names.pkl",
    "class_names.json",
    "model_metadata.json",
    "performance_metrics.json",
    "training_history.pkl",
    "retraining_log.json",
    "classifier.onnx",
    "ecosight.onnx",
    "ecosight.tflite",
    "ecosight_int8.tflite",
    "certificate.json",
    "report.html"
  ])
  expect(await Effect.runPromise(exportArtifacts(run, undefined))).toEqual(artifacts)
})

test("the metadata has EcoSight's fields, and says where the model comes from", () => {
  expect(json("class_names.json")).toEqual(["dog", "engine", "gun"])
  expect(json("model_metadata.json")).toMatchObject({
    model_name: expect.any(String),
    model_type: expect.any(String),
    training_date: "2026-01-02 03:04:05",
    num_classes: 3,
    classes: ["dog", "engine", "gun"],
    input_shape: [1024],
    test_accuracy: run.result!.accuracy,
    test_loss: run.result!.loss,
    sample_rate: 16_000,
    architecture: { layers: [], activation: "relu", dropout_rates: [] },
    training_config: { batch_size: 16, epochs: 5, seed: 1 },
    sample_counts: { dog: 72, engine: 24, gun: 24 },
    recording_counts: { dog: 36, engine: 12, gun: 12 },
    recipe: { id: "0123456789abcdef" },
    yamnet: { embedder: "untrained", weights_hash: run.embedder.hash },
    split: { training_samples: run.split.training.length, holdout_recordings: run.split.holdout.length },
    engine: { name: "native" },
    versions: { bun: Bun.version, "onnxruntime-node": expect.stringMatching(/^\d/) }
  })
})

test("what is served is in the file that computes as the recipe's network does", () => {
  const { recipe } = run
  const filesAt = (precision: "float16" | "int8-1") =>
    modelMetadata({ ...run, recipe: { ...recipe, parts: { ...recipe.parts, precision } } }).served.files
  expect(json("model_metadata.json").served.files).toEqual(["ecosight.onnx", "classifier.onnx", "ecosight.tflite"])
  expect(filesAt("float16")).toContain("ecosight.tflite")
  expect(filesAt("int8-1")).toEqual(["ecosight.onnx", "classifier.onnx", "ecosight_int8.tflite"])
})

test("the metrics are those of the holdout, in the classes' order", () => {
  const { perClass, confusion, accuracy, loss } = run.result!
  const metrics = json("performance_metrics.json")
  expect(metrics).toMatchObject({ test_accuracy: accuracy, test_loss: loss, confusion_matrix: confusion })
  expect(metrics.precision).toEqual(perClass.map(({ precision }) => precision))
  expect(metrics.recall).toEqual(perClass.map(({ recall }) => recall))
  expect(metrics.f1_score).toEqual(perClass.map(({ f1 }) => f1))
  const { precision, recall, f1, support } = perClass[2]!
  expect(metrics.per_class_metrics.gun).toEqual({ precision, recall, f1_score: f1, support })
})

test("the retraining log goes on from the previous one", async () => {
  const previous = { retraining_history: [{ timestamp: "2025-11-19_10-00-00", test_accuracy: 0.993 }] }
  const { retraining_history: history } = json(
    "retraining_log.json",
    await Effect.runPromise(exportArtifacts(run, previous))
  )
  expect(history.length).toBe(2)
  expect(history[0]).toEqual(previous.retraining_history[0])
  const { perClass, accuracy, loss } = run.result!
  expect(history[1]).toEqual({
    timestamp: "2026-01-02_03-04-05",
    datetime: "2026-01-02 03:04:05",
    model_path: "models/yamnet_classifier.keras",
    test_accuracy: accuracy,
    test_loss: loss,
    num_classes: 3,
    classes: ["dog", "engine", "gun"],
    sample_counts: { dog: 72, engine: 24, gun: 24 },
    total_samples: 120,
    epochs_trained: 5,
    metrics: {
      precision: perClass.map(({ precision }) => precision),
      recall: perClass.map(({ recall }) => recall),
      f1_score: perClass.map(({ f1 }) => f1)
    }
  })
})

test("where nothing was held out, no accuracy is claimed", async () => {
  const untested = await Effect.runPromise(exportArtifacts({ ...run, result: undefined }, undefined))
  expect(json("model_metadata.json", untested)).not.toHaveProperty("test_accuracy")
  expect(json("performance_metrics.json", untested)).toEqual({
    precision: [],
    recall: [],
    f1_score: [],
    confusion_matrix: [],
    per_class_metrics: {}
  })
  expect(text(untested.get("report.html"))).toContain("has not been tested")
})
