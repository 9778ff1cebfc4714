import { expect, test } from "bun:test"
import { daysFrom } from "../../src/dashboard/parts/heatmap.ts"

test("days without anything are drawn, and years of them are one place in the plot", () => {
  expect(daysFrom([])).toEqual([])
  expect(daysFrom(["2026-03-02", "2026-02-27", "2026-03-02"])).toEqual([
    "2026-02-27",
    "2026-02-28",
    "2026-03-01",
    "2026-03-02"
  ])
  expect(daysFrom(["2026-05-31", "2008-01-01"])).toEqual(["2008-01-01", undefined, "2026-05-31"])
})
