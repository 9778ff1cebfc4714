import { expect, test } from "bun:test"
import { Effect } from "effect"
import { predict } from "../../../../src/classifier/classifier.ts"
import { vectorsOf } from "../../../../src/classifier/dataset.ts"
import { openWindowClassifier } from "../../../../src/classifier/evaluation/field/windowClassifier.ts"
import { fieldModel } from "../../../../src/classifier/export/onnx.ts"
import { HEADS } from "../../../../src/classifier/heads/heads.ts"
import { codeVectors, decodeVectors } from "../../../../src/embeddings/scans/coding.ts"
import { corpus, tapped, trainOn } from "../../../support/trainingRuns.ts"

const WINDOWS = 60
/** Another vector, which the model was not trained with and an embedder may come to give. */
const LATER = 16

const trained = async () => {
  const [regression] = HEADS.layers.mixedWith!
  return Effect.runPromise(
    trainOn(tapped(corpus(6)), {
      description: HEADS.layers.description,
      mixedWith: [{ ...regression!, input: "layer8plain" }],
      epochs: 3
    })
  )
}

const score = (model: Uint8Array, classes: ReadonlyArray<string>, sizes: ReadonlyArray<number>, rows: Float32Array) =>
  openWindowClassifier(model, classes, sizes).pipe(
    Effect.flatMap((classifier) => classifier.score(codeVectors(rows, sizes))),
    Effect.scoped,
    Effect.runPromise
  )

test("a classifier that sees how strong activations are scores stored windows as it does vectors", async () => {
  const { classifier, dataset } = await trained()
  const sizes = Object.values(dataset.vectors)
  const rows = vectorsOf(dataset, [...dataset.samples.keys()]).subarray(0, WINDOWS * dataset.width)
  decodeVectors(codeVectors(rows, sizes), sizes, 0, WINDOWS, rows)
  const model = fieldModel(classifier, dataset.vectors)
  const probabilities = await score(model, classifier.classes, sizes, rows)
  const expected = predict(classifier, rows)
  for (const [at, value] of probabilities.entries()) expect(value).toBeCloseTo(expected[at]!, 4)

  const louder = rows.map((value, at) => (at % dataset.width < 1024 ? value : 2 * value))
  const changed = await score(model, classifier.classes, sizes, louder)
  expect(Math.max(...changed.map((value, at) => Math.abs(value - probabilities[at]!)))).toBeGreaterThan(0.01)

  const wide = new Float32Array(WINDOWS * (dataset.width + LATER)).fill(7)
  for (let row = 0; row < WINDOWS; row++) {
    wide.set(rows.subarray(row * dataset.width, (row + 1) * dataset.width), row * (dataset.width + LATER))
  }
  expect(await score(model, classifier.classes, [...sizes, LATER], wide)).toEqual(probabilities)
})
