import { expect, test } from "bun:test"
import { macroF1Interval, wilson } from "../../src/classifier/intervals.ts"
import { countsIn, macroF1 } from "../../src/classifier/macroF1.ts"

test("Wilson's interval is that of published tables", () => {
  // Newcombe 1998, table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
  const cases = [
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718]
  ] as const
  for (const [hits, count, low, high] of cases) {
    const interval = wilson(hits / count, count)
    expect(interval.low).toBeCloseTo(low, 4)
    expect(interval.high).toBeCloseTo(high, 4)
  }
})

test("macro-F1 and its interval agree with hand-made matrices", () => {
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
  const { low, high } = macroF1Interval([
    [40, 10],
    [10, 40]
  ])
  // Near the normal interval of accuracy, 0.8 ± 1.96 √(0.8 · 0.2 / 100).
  expect(low).toBeWithin(0.69, 0.75)
  expect(high).toBeWithin(0.85, 0.9)
})
