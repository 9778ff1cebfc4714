import { expect, test } from "bun:test"
import { scoreProbabilities } from "../../src/classifier/holdoutResult.ts"
import golden from "../golden/classifier/metrics.json"

const key = (row: number) => `extracted_audio/x/${row}.wav`

test.each(golden.cases.map((example) => [example.precision.length, example] as const))(
  "scores of %i classes are scikit-learn's",
  (classes, { labels, probabilities, precision, recall, f1, support, ...whole }) => {
    const actual = scoreProbabilities(
      precision.map((_, label) => `class ${label}`),
      labels.map((label, row) => ({ key: key(row), group: key(row), label })),
      Float32Array.from(probabilities)
    )!
    expect(actual.confusion).toEqual(whole.confusion)
    expect(actual.accuracy).toBeCloseTo(whole.accuracy, 12)
    expect(actual.macroF1).toBeCloseTo(whole.macroF1, 12)
    expect(actual.loss).toBeCloseTo(whole.loss, 6)
    expect(actual.perClass).toEqual(
      precision.map((_, label) => ({
        className: `class ${label}`,
        support: support[label]!,
        precision: expect.closeTo(precision[label]!, 12),
        recall: expect.closeTo(recall[label]!, 12),
        f1: expect.closeTo(f1[label]!, 12)
      }))
    )
    expect(classes).toBe(actual.perClass.length)
  }
)

test("the worst recordings are the most confidently wrong", () => {
  const probabilities = Float32Array.from([0.9, 0.1, 0.4, 0.6, 0.25, 0.75, 0.05, 0.95])
  const recordings = [0, 0, 0, 1].map((label, row) => ({ key: key(row), group: key(row), label }))
  const { worst, accuracy } = scoreProbabilities(["dog", "gun"], recordings, probabilities)!
  expect(accuracy).toBe(0.5)
  expect(worst).toEqual([
    { key: key(2), className: "dog", predicted: "gun", confidence: 0.75 },
    { key: key(1), className: "dog", predicted: "gun", confidence: expect.closeTo(0.6, 6) }
  ])
})

test("without recordings there is no score", () => {
  expect(scoreProbabilities(["dog", "gun"], [], new Float32Array())).toBeUndefined()
})
