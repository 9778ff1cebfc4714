import { expect, test } from "bun:test"
import { Effect } from "effect"
import { timeOf } from "../../src/dashboard/parts/format.ts"
import { newRunId } from "../../src/registry/runRecord.ts"

test("a run is called by the time at which it began, anything else by itself", async () => {
  expect(timeOf("20260131T235959123Z-1a2b3c")).toBe(
    new Date("2026-01-31T23:59:59.123Z").toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" })
  )
  expect(timeOf(await Effect.runPromise(newRunId))).not.toContain("Z-")
  expect(timeOf("no run")).toBe("no run")
})
