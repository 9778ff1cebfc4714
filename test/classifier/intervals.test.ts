import { expect, test } from "bun:test"
import { holdoutIntervals } from "../../src/classifier/intervals.ts"
import { countsIn, macroF1 } from "../../src/classifier/macroF1.ts"

test("macro-F1 agrees with hand-made matrices", () => {
  expect(
    macroF1(
      countsIn([
        [5, 0],
        [0, 7]
      ])
    )
  ).toBe(1)
  expect(
    macroF1(
      countsIn([
        [1, 1],
        [1, 1]
      ])
    )
  ).toBe(0.5)
})

// Two classes of 50 recordings each, of which every fifth is taken for the other.
const labels = Array.from({ length: 100 }, (_, row) => (row < 50 ? 0 : 1))
const predicted = labels.map((label, row) => (row % 5 === 0 ? 1 - label : label))

test("where every recording is a source of its own, the interval is near the normal one", () => {
  const { sources, accuracy, macroF1 } = holdoutIntervals(
    2,
    labels,
    predicted,
    labels.map((_, row) => `${row}`)
  )
  expect(sources).toBe(100)
  // 0.8 ± 1.96 √(0.8 · 0.2 / 100).
  for (const { low, high } of [accuracy, macroF1]) {
    expect(low).toBeWithin(0.69, 0.75)
    expect(high).toBeWithin(0.85, 0.9)
  }
})

test("recordings of one source stand or fall together, so few sources leave more open than many recordings promise", () => {
  // Five sources of 20 recordings: one is wrong throughout.
  const together = labels.map((label, row) => (row < 20 ? 1 - label : label))
  const groups = labels.map((_, row) => `${Math.floor(row / 20)}`)
  const { sources, accuracy } = holdoutIntervals(2, labels, together, groups)
  expect(sources).toBe(5)
  expect(accuracy.high - accuracy.low).toBeGreaterThan(0.5)
})
