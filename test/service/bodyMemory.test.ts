import { expect, test } from "bun:test"
import { Effect } from "effect"
import { makeBodyMemory } from "../../src/service/bodyMemory.ts"

test("bodies that arrive together all come to their end, and never hold more than there is", async () => {
  const memory = makeBodyMemory(100)
  let held = 0
  let most = 0
  const body = Effect.acquireUseRelease(
    memory.claim(49),
    (claim) =>
      Effect.forEach(Array.from({ length: 49 }), () =>
        Effect.andThen(
          memory.take(claim, 1),
          Effect.suspend(() => {
            most = Math.max(most, ++held)
            return Effect.yieldNow
          })
        )
      ),
    (claim) => {
      held -= claim.held
      return memory.release(claim)
    }
  )
  await Effect.runPromise(
    Effect.all(
      Array.from({ length: 20 }, () => body),
      { concurrency: "unbounded" }
    )
  )
  expect(held).toBe(0)
  expect(most).toBeLessThanOrEqual(100)
})

test("of a flood of bodies those that are too many are refused before they are read, and room comes again", async () => {
  const memory = makeBodyMemory(1000)
  const claims = await Effect.runPromise(Effect.forEach(Array.from({ length: 256 }), () => memory.claim(1)))
  expect(await Effect.runPromise(Effect.flip(memory.claim(1)))).toMatchObject({ status: 503, retryAfter: 5 })
  await Effect.runPromise(memory.release(claims[0]!))
  expect(await Effect.runPromise(memory.claim(1))).toEqual({ held: 0, needs: 1 })
})
