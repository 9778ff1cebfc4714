import { expect, test } from "bun:test"
import fc from "fast-check"
import { comparePredictions } from "../../src/classifier/compare.ts"
import golden from "../golden/registry/bootstrap.json"

const namesOf = (classes: number) => Array.from({ length: classes }, (_, label) => `class ${label}`)

test.each(golden.map((example) => [example.labels.length, example] as const))(
  "scores and interval for %i recordings are those of scikit-learn and SciPy",
  (count, { classes, groups, labels, candidate, promoted, macroF1, interval }) => {
    const comparison = comparePredictions(namesOf(classes), labels, candidate, promoted, groups.map(String))
    expect(comparison.recordings).toBe(count)
    expect(comparison.macroF1.candidate).toBeCloseTo(macroF1[0]!, 12)
    expect(comparison.macroF1.promoted).toBeCloseTo(macroF1[1]!, 12)
    expect(comparison.difference).toBeCloseTo(macroF1[0]! - macroF1[1]!, 12)
    // Other random numbers: of 2,000 resamples, a 2.5 % quantile is good to about a twentieth of the interval.
    const width = interval[1]! - interval[0]!
    expect(Math.abs(comparison.interval.low - interval[0]!)).toBeLessThan(0.08 * width)
    expect(Math.abs(comparison.interval.high - interval[1]!)).toBeLessThan(0.08 * width)
  }
)

const predictions = fc
  .integer({ min: 2, max: 4 })
  .chain((classes) =>
    fc.tuple(
      fc.constant(classes),
      fc.array(fc.tuple(fc.nat(classes - 1), fc.nat(classes - 1), fc.nat(classes - 1)), { minLength: 1, maxLength: 20 })
    )
  )

test("swapping the two turns the signs around, and a model does not differ from itself", () => {
  fc.assert(
    fc.property(predictions, ([classes, rows]) => {
      const [labels, one, two] = [0, 1, 2].map((column) => rows.map((row) => row[column]!)) as [
        number[],
        number[],
        number[]
      ]
      const groups = rows.map((_, row) => String(row % 3))
      const forth = comparePredictions(namesOf(classes), labels, one, two, groups)
      const back = comparePredictions(namesOf(classes), labels, two, one, groups)
      expect(forth.difference).toBeCloseTo(-back.difference, 12)
      expect(forth.interval.low).toBeCloseTo(-back.interval.high, 12)
      expect(forth.recalls.map(({ candidate }) => candidate)).toEqual(back.recalls.map(({ promoted }) => promoted))
      expect(forth.recalls.reduce((sum, { support }) => sum + support, 0)).toBe(labels.length)
      expect(comparePredictions(namesOf(classes), labels, one, one, groups)).toMatchObject({
        difference: 0,
        interval: { low: 0, high: 0 }
      })
    }),
    { numRuns: 25 }
  )
})
