import { expect, test } from "bun:test"
import { Effect } from "effect"
import { makeDataset } from "../../../src/classifier/dataset.ts"
import { checkLabels, describeConsistency, labelConsistency } from "../../../src/classifier/neighbours/consistency.ts"
import golden from "../../golden/review/review.json"
import { BATCH_CLASSES, labelledBatch } from "../../support/problems.ts"

/** Rows of which so many agree and disagree, of new and of old recordings, a line for each class. */
const rowsOf = (table: ReadonlyArray<ReadonlyArray<number>>) => {
  const rows = table.flatMap((counts, label) =>
    counts.flatMap((count, column) =>
      Array.from({ length: count }, () => ({ label, isNew: column < 2, agrees: column % 2 === 0 }))
    )
  )
  const classes = BATCH_CLASSES.slice(0, Math.max(2, table.length))
  const probabilities = rows.flatMap(({ label, agrees }) =>
    classes.map((_, at) => (at === (agrees ? label : (label + 1) % classes.length) ? 0.9 : 0.05))
  )
  return {
    classes,
    labels: rows.map(({ label }) => label),
    isNew: rows.map(({ isNew }) => isNew),
    probabilities: Float32Array.from(probabilities)
  }
}

test("the chance is that of SciPy's exact test, class by class", () => {
  for (const { table, p } of golden.tests) {
    const { pValue, fresh, before } = labelConsistency(rowsOf(table))
    expect(pValue / p).toBeCloseTo(1, 6)
    expect(fresh.agreeing).toBe(table.reduce((sum, [a]) => sum + a!, 0))
    expect(before.recordings).toBe(table.reduce((sum, [, , c, d]) => sum + c! + d!, 0))
  }
})

test("nothing to compare gives no doubt, and rows that were not predicted are left out", () => {
  expect(labelConsistency(rowsOf([[3, 7, 0, 0]])).pValue).toBe(1)
  expect(labelConsistency(rowsOf([[0, 0, 3, 7]])).pValue).toBe(1)
  // A new class beside an old one.
  expect(
    labelConsistency(
      rowsOf([
        [0, 9, 0, 0],
        [0, 0, 9, 1]
      ])
    ).pValue
  ).toBe(1)
  const rows = rowsOf([[1, 1, 1, 1]])
  rows.probabilities.fill(Number.NaN, 0, 2)
  expect(labelConsistency(rows).fresh).toEqual({ recordings: 1, agreeing: 0 })
})

const batch = (name: string, count: number, share: number, seed: number) => labelledBatch(name, count, share, seed, 1.5)
const check = (share: number, seed: number) =>
  makeDataset([...batch("old", 120, 0, 1), ...batch("new", 100, share, seed)]).pipe(
    Effect.flatMap((dataset) => checkLabels(dataset, (key) => key.includes("/new"))),
    Effect.runPromise
  )

test.each([2, 3, 4])("a batch (%i) with 30 %% wrong labels stands out, one with right ones does not", async (seed) => {
  const wrong = await check(0.3, seed)
  expect(wrong.pValue).toBeLessThan(1e-4)
  expect(describeConsistency(wrong)).toMatch(/^\d+ % of 100 new labels agree .*, \d+ % of 120 before \(p = /)
  expect((await check(0, seed)).pValue).toBeGreaterThan(0.05)
})
