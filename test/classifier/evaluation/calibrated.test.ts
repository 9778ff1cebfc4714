import { expect, test } from "bun:test"
import { Effect } from "effect"
import { makeDataset } from "../../../src/classifier/dataset.ts"
import { trainCalibrated, withoutHoldout } from "../../../src/classifier/evaluation/calibrated.ts"
import { outOfFold } from "../../../src/classifier/evaluation/outOfFold.ts"
import { splitDataset } from "../../../src/classifier/split.ts"
import { nativeBackend } from "../../../src/classifier/train/nativeBackend.ts"
import { train } from "../../../src/classifier/train/train.ts"
import { corpus, standInScores } from "../../support/trainingRuns.ts"

const limits = { seconds: 60, most: 1, onTrial: () => Effect.void }
const settings = { scores: standInScores(), epochs: 4, batchSize: 32, seed: 5 }

test("a head without validation recordings has a validation curve, measured by cross-validation", async () => {
  const { classifier, loss, rows } = await Effect.runPromise(
    Effect.gen(function* () {
      const dataset = yield* makeDataset(corpus(6))
      const split = splitDataset(dataset)
      const given = { ...settings, head: "audioset" } as const
      const classifier = yield* trainCalibrated(dataset, split, given, limits, nativeBackend)
      // The same folds once more: what their classifiers make of what they have not heard.
      const inner = withoutHoldout(dataset, split)
      const { probabilities, rows } = yield* outOfFold(inner, { folds: 5, repeats: 1, seed: 5 }, (fold, seed) =>
        train(inner, fold, { ...given, seed }, nativeBackend)
      )
      const classes = dataset.classes.length
      const losses = rows.map((row, at) => -Math.log(probabilities[0]![at * classes + inner.labels[row]!]!))
      return { classifier, rows, loss: losses.reduce((sum, one) => sum + one, 0) / losses.length }
    })
  )
  expect(rows.length).toBeGreaterThan(10)
  expect(classifier.validatedBy).toBe("cross-validation")
  expect(classifier.history.length).toBe(4)
  for (const { val_loss, val_accuracy } of classifier.history) {
    expect(val_loss).toBeGreaterThan(0)
    expect(val_accuracy).toBeWithin(0, 1.000001)
  }
  expect(classifier.history.at(-1)!.val_loss).toBeCloseTo(loss, 4)
})

test("a head that stops early has the curve of its validation recordings", async () => {
  const classifier = await Effect.runPromise(
    Effect.gen(function* () {
      const dataset = yield* makeDataset(corpus(6))
      const given = { ...settings, head: "mlp" } as const
      return yield* trainCalibrated(dataset, splitDataset(dataset), given, limits, nativeBackend)
    })
  )
  expect(classifier.validatedBy).toBe("validation recordings")
})
