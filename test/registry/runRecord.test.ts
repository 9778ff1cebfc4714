import { expect, test } from "bun:test"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { isRunId, newRunId } from "../../src/registry/runRecord.ts"

test("runs sort by the time they began, however soon one follows another", async () => {
  const ids = await Effect.runPromise(
    Effect.forEach(Array.from({ length: 50 }), () => Effect.andThen(TestClock.adjust(1), newRunId)).pipe(
      Effect.provide(TestClock.layer())
    )
  )
  expect(ids).toEqual(ids.toSorted())
  expect(ids.every(isRunId)).toBe(true)
})

test("nothing else is a run's id", () => {
  for (const id of ["", "../20260131T235959123Z-1a2b3c", "20260131T235959123Z-1a2b3c/x", "20260131T235959Z-1a2b3c"]) {
    expect(isRunId(id)).toBe(false)
  }
})
