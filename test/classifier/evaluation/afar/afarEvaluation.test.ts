import { expect, test } from "bun:test"
import { afarFigures } from "../../../../src/classifier/evaluation/afar/afarEvaluation.ts"
import { afarPartTable, afarTable } from "../../../../src/classifier/evaluation/afar/afarTables.ts"

const classes = ["clips", "gun_shot"]
const samples = [0, 0, 1, 1].map((label, at) => ({
  key: `${at}`,
  className: classes[label]!,
  group: `${at}`,
  variant: "original",
  vector: Float32Array.of()
}))
const labels = Int32Array.of(0, 0, 1, 1)

/** Probabilities of a model that takes recordings for these classes; -1 where it did not hear one. */
const taking = (answers: ReadonlyArray<number>) =>
  Float32Array.from(answers.flatMap((answer) => (answer < 0 ? [Number.NaN, Number.NaN] : [1 - answer, answer])))

test("answers are kept or not, whether they were right or not, and what was not heard does not count", () => {
  const figures = afarFigures(
    { classes, samples, labels },
    {
      rows: [0, 1, 2, 3],
      parts: ["A", "B", "A", "B"],
      ways: ["as it is", "0dB"],
      heads: [{ head: "linear", probabilities: [taking([0, 1, 1, 1]), taking([0, 1, 0, -1])] }]
    }
  )
  const [{ heard }] = figures.heads as [(typeof figures.heads)[0]]
  const [as, mixed] = heard as [(typeof heard)[0], (typeof heard)[0]]
  expect([as.recordings, as.kept!.value, mixed.recordings, mixed.kept!.value]).toEqual([4, 1, 3, 2 / 3])
  expect(as.recalls.map(({ recall }) => recall!.value)).toEqual([0.5, 1])
  expect(mixed.recalls.map(({ recall }) => recall!.value)).toEqual([0.5, 0])
  // In part A all is right as it is; mixed, a shot is missed. In part B nothing is left of the shot.
  expect(as.parts).toEqual([
    { part: "A", macroF1: 1 },
    { part: "B", macroF1: expect.closeTo(1 / 3, 6) }
  ])
  expect(mixed.parts.map(({ macroF1 }) => macroF1)).toEqual([expect.closeTo(1 / 3, 6), 0])
  const evaluation = { ...figures, notes: [] }
  expect(afarTable(evaluation).map((row) => row.slice(0, 2))).toEqual([
    ["heard", "head"],
    ["as it is", "linear"],
    ["0dB", "linear"]
  ])
  expect(afarPartTable(evaluation)!.at(-1)).toEqual(["0dB", "linear", "0.333", "0.000", "0.167"])
})
