import { expect, test } from "bun:test"
import { drawGroups, percentileInterval } from "../../src/classifier/bootstrap.ts"

test("resampling draws whole groups, as many as there are, the same ones each time", () => {
  const groups = ["a", "b", "a", "c", "c", "c"]
  const draws = [...drawGroups(groups, 200)]
  expect([...drawGroups(groups, 200)]).toEqual(draws)
  for (const counts of draws) {
    expect(counts[0]).toBe(counts[2]!)
    expect(new Set([...counts].slice(3)).size).toBe(1)
    expect(counts[0]! + counts[1]! + counts[3]!).toBe(3)
  }
  const mean = draws.reduce((sum, counts) => sum + counts[1]!, 0) / draws.length
  expect(Math.abs(mean - 1)).toBeLessThan(0.15)
})

test("an interval holds the middle 95 %, and passes over what is undefined", () => {
  const values = Array.from({ length: 201 }, (_, at) => at / 200)
  expect(percentileInterval([...values, Number.NaN])).toEqual({
    low: expect.closeTo(0.025, 12),
    high: expect.closeTo(0.975, 12)
  })
  expect(percentileInterval([Number.NaN])).toEqual({ low: Number.NaN, high: Number.NaN })
})
