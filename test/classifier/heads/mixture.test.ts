import { expect, test } from "bun:test"
import { Effect } from "effect"
import { unzipSync } from "fflate"
import { predict } from "../../../src/classifier/classifier.ts"
import { vectorsOf } from "../../../src/classifier/dataset.ts"
import { trainCalibrated } from "../../../src/classifier/evaluation/calibrated.ts"
import { exportArtifacts } from "../../../src/classifier/export/artifacts.ts"
import { descriptionsOf, type HeadDescription } from "../../../src/classifier/heads/head.ts"
import { defaultHead, HEADS } from "../../../src/classifier/heads/heads.ts"
import { testClassifier } from "../../../src/classifier/holdoutResult.ts"
import { nativeBackend } from "../../../src/classifier/train/nativeBackend.ts"
import { corpus, SETTINGS, tapped, trainedRun, trainOn, WITH_TAPS } from "../../support/trainingRuns.ts"

const samples = tapped(corpus(8))
const given = { ...SETTINGS, head: "layers", epochs: 4 } as const
const limits = { seconds: 0, most: 1, onTrial: () => Effect.void }

const trained = (description?: HeadDescription) =>
  Effect.runPromise(trainOn(samples, { ...given, ...(description && { description }) }))

const { classifier, dataset, split } = await trained()
const rows = vectorsOf(dataset, split.holdout)

const calibrated = (head: "layers" | "audioset") =>
  Effect.runPromise(trainCalibrated(dataset, split, { ...given, head }, limits, nativeBackend))

test("a mixture answers by the mean of its classifiers' log probabilities, each trained by itself, by their shares", async () => {
  const descriptions = descriptionsOf(HEADS.layers)
  const shares = descriptions.reduce((sum, { share }) => sum + share, 0)
  const each = await Promise.all(descriptions.map(trained))
  expect(each.length).toBeGreaterThan(1)
  const answers = each.map((own) => predict(own.classifier, rows))
  const classes = dataset.classes.length
  const mixed = predict(classifier, rows)
  for (let start = 0; start < rows.length / dataset.width; start++) {
    const means = Array.from({ length: classes }, (_, label) =>
      Math.exp(
        answers.reduce(
          (sum, own, at) => sum + (descriptions[at]!.share / shares) * Math.log(own[start * classes + label]!),
          0
        )
      )
    )
    const total = means.reduce((sum, mean) => sum + mean, 0)
    for (const [label, mean] of means.entries()) expect(mixed[start * classes + label]).toBeCloseTo(mean / total, 5)
  }
})

test("it is calibrated as a whole, and its first classifier by itself, as if there were no others", async () => {
  const mixture = await calibrated("layers")
  const single = await calibrated("audioset")
  expect(mixture.calibration!.recordings).toBe(single.calibration!.recordings)
  expect(mixture.alone!.calibration).toEqual(single.calibration!)
  expect(mixture.alone!.mixedWith).toBeUndefined()
  expect(single.alone).toBeUndefined()
  const own = predict(mixture.alone!, rows)
  for (const [at, value] of predict(single, rows).entries()) expect(own[at]).toBeCloseTo(value, 5)
  expect(own).not.toEqual(predict(mixture, rows))
})

test("the .keras file holds its first classifier, and all that tells figures tells both apart", async () => {
  const run = await Effect.runPromise(trainedRun(samples, given))
  const mixture = await calibrated("layers")
  const kerasResult = testClassifier(mixture.alone!, dataset, split.holdout)!
  const result = testClassifier(mixture, dataset, split.holdout)!
  const whole = { ...run, classifier: mixture, result, kerasResult }
  const artifacts = await Effect.runPromise(exportArtifacts(whole, undefined))
  const keras = unzipSync(artifacts.get("yamnet_classifier.keras")!)
  expect(new TextDecoder().decode(keras["config.json"])).toContain('"batch_input_shape":[null,1024]')
  expect(artifacts.has("yamnet_classifier.onnx")).toBe(true)
  const metadata = JSON.parse(new TextDecoder().decode(artifacts.get("model_metadata.json")))
  expect(metadata).toMatchObject({
    input_shape: [1024],
    vectors: WITH_TAPS,
    model_type:
      "YAMNet scores, linear, mixed with scores and named sounds, linear, mixed with activations of layer 8, linear",
    macro_f1: result.macroF1,
    served: {
      files: ["ecosight.onnx", "classifier.onnx", "ecosight.tflite"],
      head: "layers",
      macro_f1: result.macroF1,
      test_loss: result.loss,
      temperature: mixture.calibration!.temperature
    },
    keras: {
      files: ["yamnet_classifier.keras"],
      head: "audioset",
      macro_f1: kerasResult.macroF1,
      test_loss: kerasResult.loss,
      temperature: mixture.alone!.calibration!.temperature
    }
  })
  const page = new TextDecoder().decode(artifacts.get("report.html"))
  expect(page).toContain("What is served")
  expect(page).toContain("What yamnet_classifier.keras holds")
})

test("it is the default where the embedder gives the layer, and not on offer elsewhere", async () => {
  const { scores } = SETTINGS
  expect(defaultHead({ scores, vectors: WITH_TAPS })).toBe("layers")
  expect(defaultHead({ scores, vectors: { embedding: 1024 } })).toBe("audioset")
  expect(defaultHead({ vectors: WITH_TAPS })).toBe("mlp")
  const error = await Effect.runPromise(Effect.flip(trainOn(corpus(3), { ...given, epochs: 1 })))
  expect(error.message).toBe(
    "This head needs the activations of YAMNet's layer 8, which these weights lack: take another head, or the whole YAMNet."
  )
})

test("every head's first classifier sees the embedding alone, as the .keras file does", () => {
  for (const { description } of Object.values(HEADS)) expect(["embedding", "scores"]).toContain(description.input)
})
