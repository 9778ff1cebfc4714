import { expect, test } from "bun:test"
import { join } from "node:path"
import { Effect, Fiber, Result } from "effect"
import { superviseChild } from "../../src/service/child.ts"

const start = superviseChild<number, number>([process.execPath, join(import.meta.dir, "echoChild.ts")], () => undefined)
const run = <A, E>(effect: (child: Effect.Success<typeof start>) => Effect.Effect<A, E>) =>
  Effect.runPromise(Effect.scoped(Effect.flatMap(start, effect)))

test("every request gets its own reply, whatever dies in between", async () => {
  const requests = Array.from({ length: 300 }, (_, at) => (at % 60 === 30 ? -1 : at))
  const { results, deaths } = await run((child) =>
    Effect.forEach(requests, (request) => Effect.result(child.ask(request)), { concurrency: 40 }).pipe(
      Effect.map((results) => ({ results, deaths: child.deaths() }))
    )
  )
  expect(results.map((result) => (Result.isSuccess(result) ? result.success : result.failure._tag))).toEqual(
    requests.map((request) => (request < 0 ? "ChildDied" : 2 * request))
  )
  expect(deaths).toBe(5)
}, 60_000)

test("more requests than can wait are refused, and those that wait are answered", async () => {
  const outcomes = await run((child) =>
    Effect.forEach(
      Array.from({ length: 600 }, (_, at) => at),
      (request) => Effect.result(child.ask(request)),
      { concurrency: "unbounded" }
    )
  )
  const refused = outcomes.filter(Result.isFailure).map(({ failure }) => failure._tag)
  expect(new Set(refused)).toEqual(new Set(["ChildBusy"]))
  expect(outcomes.filter(Result.isSuccess)).toHaveLength(512)
}, 60_000)

test("a request that its client gives up is not worked on", async () => {
  const after = await run((child) =>
    Effect.gen(function* () {
      // The process is not ready yet, so the poison is still waiting when it is given up.
      yield* Effect.exit(Effect.timeout(child.ask(-1), "1 millis"))
      return { reply: yield* child.ask(21), deaths: child.deaths() }
    })
  )
  expect(after).toEqual({ reply: 42, deaths: 0 })
}, 60_000)

test("a process that hangs is replaced, however many more ask it meanwhile", async () => {
  const patient = superviseChild<number, number>(
    [process.execPath, join(import.meta.dir, "echoChild.ts")],
    () => undefined,
    1_000
  )
  const { hung, later } = await Effect.runPromise(
    Effect.scoped(
      Effect.gen(function* () {
        const child = yield* patient
        yield* child.ask(1)
        const asked = yield* Effect.forkChild(Effect.result(child.ask(0.5)))
        // One after the other, so that at no time a second passes without a request.
        const others = yield* Effect.forEach(
          Array.from({ length: 15 }, (_, at) => at),
          (at) => Effect.andThen(Effect.sleep(100 * at), child.ask(20 + at)),
          { concurrency: "unbounded" }
        )
        return { hung: yield* Fiber.join(asked), later: others }
      })
    )
  )
  expect(Result.isFailure(hung) && hung.failure.message).toBe("The engine process died (signal SIGKILL).")
  expect(later).toEqual(Array.from({ length: 15 }, (_, at) => 2 * (20 + at)))
}, 60_000)
