import { expect, test } from "bun:test"
import { alarmCurve, alarmsOf, recallsAt } from "../../../src/classifier/evaluation/alarms.ts"
import {
  accuracy,
  calibrationError,
  logLoss,
  meanMacroF1,
  outcomesOf,
  recalls
} from "../../../src/classifier/evaluation/outcomes.ts"
import { backgroundOf } from "../../../src/store/className.ts"
import golden from "../../golden/evaluation/scores.json"

type Case = (typeof golden.cases)[number]

const outcomes = ({ classes, labels, probabilities }: Case, repeats = 1) =>
  outcomesOf(
    Array.from({ length: classes }, (_, label) => `class ${label}`),
    Int32Array.from(labels),
    {
      rows: labels.map((_, row) => row),
      probabilities: Array.from({ length: repeats }, () => Float32Array.from(probabilities))
    }
  )

const cases = golden.cases.map((example) => [example.labels.length, example] as const)

test.each(cases)("scores of %i weighted recordings are scikit-learn's", (_, example) => {
  // Equal repeats change nothing.
  const actual = outcomes(example, 2)
  expect(meanMacroF1(actual, example.weights)).toBeCloseTo(example.macroF1, 12)
  expect(accuracy(actual, example.weights)).toBeCloseTo(example.accuracy, 12)
  for (const [label, recall] of recalls(actual, example.weights).entries()) {
    expect(recall).toBeCloseTo(example.recalls[label]!, 12)
  }
  expect(logLoss(actual, example.weights)).toBeCloseTo(example.logLoss, 5)
  expect(calibrationError(actual, example.weights)).toBeCloseTo(example.calibrationError, 6)
})

test.each(cases)("recall at false alarms among %i recordings is that of scikit-learn's ROC curve", (_, example) => {
  const background = { className: "class 0", hours: example.hours }
  const own = alarmsOf(outcomes(example), 1, background)!
  const actual = recallsAt(own, [1, 10, 60], example.weights)
  for (const [at, recall] of example.alarms.entries()) expect(actual[at]).toBeCloseTo(recall, 12)
  expect(alarmsOf(outcomes(example), 0, background)).toBeUndefined()
  const curve = alarmCurve(own)
  expect(curve.at(-1)!.recall).toBe(1)
  for (const [at, { perHour, recall }] of curve.slice(1).entries()) {
    expect(perHour >= curve[at]!.perHour && recall >= curve[at]!.recall).toBe(true)
  }
})

test("recordings that were not tested do not count", () => {
  const example = golden.cases[0]!
  const whole = outcomes(example)
  const without = outcomes({
    ...example,
    probabilities: example.probabilities.map((value, at) => (Math.floor(at / example.classes) % 3 === 0 ? NaN : value))
  })
  const kept = example.labels.map((_, row) => Number(row % 3 !== 0))
  const every = example.labels.map(() => 1)
  for (const figure of [meanMacroF1, accuracy, logLoss, calibrationError]) {
    expect(figure(without, every)).toBeCloseTo(figure(whole, kept), 12)
  }
})

test("a background is known by its name", () => {
  expect(backgroundOf(["clips", "dog_bark"])).toBe("clips")
  expect(backgroundOf(["Background", "dog"])).toBe("Background")
  expect(backgroundOf(["background_noise", "dog"])).toBe("background_noise")
  expect(backgroundOf(["dog", "gun_shot"])).toBeUndefined()
})
