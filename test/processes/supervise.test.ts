import { expect, test } from "bun:test"
import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Fiber, Layer, Logger, Result, Schema, type Scope } from "effect"
import { supervise } from "../../src/processes/supervise.ts"
import { echo, isAlive, until } from "./echo.ts"
import { AtOnce, Impatient, InTurn } from "./echoProtocol.ts"

const start = supervise(InTurn, echo("in-turn"), { restart: true })
const run = <A, E>(effect: (child: Effect.Success<typeof start>) => Effect.Effect<A, E>) =>
  Effect.runPromise(Effect.scoped(Effect.flatMap(start, effect)))

test("every request gets its own reply, whatever dies in between", async () => {
  const requests = Array.from({ length: 300 }, (_, at) => (at % 60 === 30 ? -1 : at))
  const { results, deaths } = await run((child) =>
    Effect.forEach(requests, (request) => Effect.result(child.ask("double", request)), { concurrency: 40 }).pipe(
      Effect.map((results) => ({ results, deaths: child.deaths() }))
    )
  )
  expect(results.map((result) => (Result.isSuccess(result) ? result.success : result.failure._tag))).toEqual(
    requests.map((request) => (request < 0 ? "ProcessDied" : 2 * request))
  )
  expect(deaths).toBe(5)
}, 60_000)

test("more requests than can wait are refused, and those that wait are answered", async () => {
  const outcomes = await run((child) =>
    Effect.forEach(
      Array.from({ length: 600 }, (_, at) => at),
      (request) => Effect.result(child.ask("double", request)),
      { concurrency: "unbounded" }
    )
  )
  const refused = outcomes.filter(Result.isFailure).map(({ failure }) => failure._tag)
  expect(new Set(refused)).toEqual(new Set(["ProcessBusy"]))
  expect(outcomes.filter(Result.isSuccess)).toHaveLength(512)
}, 60_000)

test("a request that its client gives up is not worked on", async () => {
  const after = await run((child) =>
    Effect.gen(function* () {
      // The process is not ready yet, so the poison is still waiting when it is given up.
      yield* Effect.exit(Effect.timeout(child.ask("double", -1), "1 millis"))
      return { reply: yield* child.ask("double", 21), deaths: child.deaths() }
    })
  )
  expect(after).toEqual({ reply: 42, deaths: 0 })
}, 60_000)

test("a process that hangs is replaced, however many more ask it meanwhile", async () => {
  const patient = supervise(Impatient, echo("in-turn"), { restart: true })
  const { hung, later } = await Effect.runPromise(
    Effect.scoped(
      Effect.gen(function* () {
        const child = yield* patient
        yield* child.ask("double", 1)
        const asked = yield* Effect.forkChild(Effect.result(child.ask("double", 0.5)))
        // One after the other, so that at no time a second passes without a request.
        const others = yield* Effect.forEach(
          Array.from({ length: 15 }, (_, at) => at),
          (at) => Effect.andThen(Effect.sleep(100 * at), child.ask("double", 20 + at)),
          { concurrency: "unbounded" }
        )
        return { hung: yield* Fiber.join(asked), later: others }
      })
    )
  )
  expect(Result.isFailure(hung) && hung.failure).toMatchObject({
    message: "The echo process ended (it hung).",
    hung: true
  })
  expect(later).toEqual(Array.from({ length: 15 }, (_, at) => 2 * (20 + at)))
}, 60_000)

/** A file in which the program notes its starts, as long as the scope. */
const notes = Effect.map(
  Effect.acquireRelease(
    Effect.promise(() => mkdtemp(join(tmpdir(), "processes-"))),
    (folder) => Effect.promise(() => rm(folder, { recursive: true }))
  ),
  (folder) => {
    const file = join(folder, "starts")
    return { file, read: Effect.promise(async () => (await readFile(file, "utf8")).trimEnd().split("\n")) }
  }
)
const scoped = <A, E>(effect: Effect.Effect<A, E, Scope.Scope>) => Effect.runPromise(Effect.scoped(effect))

test("requests at once are worked on together, and a death costs all of them and none that come later", async () => {
  const outcome = await scoped(
    Effect.gen(function* () {
      const child = yield* supervise(AtOnce, echo("at-once"), { restart: true })
      const { pid } = yield* child.about
      const slow = yield* Effect.forkChild(Effect.flip(child.ask("double", 0.5)))
      const quick = yield* child.ask("double", 4)
      process.kill(pid, "SIGKILL")
      return { lost: yield* Fiber.join(slow), quick, later: yield* child.ask("double", 5) }
    })
  )
  expect(outcome).toMatchObject({ lost: { _tag: "ProcessDied", how: "signal SIGKILL" }, quick: 8, later: 10 })
}, 60_000)

test("events come in order and before the answer, bytes as they are, and a failure as its tag and sentence", async () => {
  const events: Array<number> = []
  const outcome = await scoped(
    Effect.gen(function* () {
      const child = yield* supervise(AtOnce, echo("at-once"), { restart: false })
      return {
        counted: yield* child.ask("count", 200, (event) => events.push(event)),
        measured: yield* child.ask("measure", new Uint8Array(5_000_000)),
        failure: yield* Effect.flip(child.ask("measure", new Uint8Array()))
      }
    })
  )
  expect(events).toEqual(Array.from({ length: 200 }, (_, i) => i))
  expect(outcome).toMatchObject({
    counted: 200,
    measured: 5_000_000,
    failure: { _tag: "RequestFailed", tag: "Empty", message: "There is nothing to measure." }
  })
}, 60_000)

test("what is not as the protocol has it is refused by name, on either side, and nobody dies of it", async () => {
  const told: Array<unknown> = []
  const outcome = await scoped(
    Effect.gen(function* () {
      // An owner of another version, who thinks that texts can be doubled, and that the answer to `count` is one.
      const text = { payload: Schema.String, event: Schema.String, answer: Schema.String }
      const other = { ...AtOnce, calls: { double: text, count: { ...text, payload: Schema.Number }, halve: text } }
      const child = yield* supervise(other, echo("at-once"), { restart: true })
      return {
        question: yield* Effect.flip(child.ask("double", "two")),
        unknown: yield* Effect.flip(child.ask("halve", "two")),
        answer: yield* Effect.flip(child.ask("count", 3)),
        deaths: child.deaths()
      }
    }).pipe(Effect.provide(Logger.layer([Logger.make(({ message }) => void told.push(message))])))
  )
  expect(told.length).toBeGreaterThan(0)
  for (const message of told.flat()) expect(message).toMatch(/ is not what it should be: /)
  const refused = { _tag: "RequestFailed", tag: "ProtocolError" }
  expect(outcome).toMatchObject({ question: refused, unknown: refused, answer: refused, deaths: 0 })
}, 60_000)

test("a request that is given up is interrupted in the process, which goes on", async () => {
  const outcome = await scoped(
    Effect.gen(function* () {
      const { file, read } = yield* notes
      const child = yield* supervise(AtOnce, echo("at-once", file), { restart: true })
      let heard = false
      const lingering = yield* Effect.forkChild(child.ask("linger", 0, () => (heard = true)))
      yield* until(() => heard)
      yield* Fiber.interrupt(lingering)
      yield* until(() => child.waiting() === 0)
      return { told: (yield* read).slice(1), after: yield* child.ask("double", 1), deaths: child.deaths() }
    })
  )
  expect(outcome).toEqual({ told: ["given up"], after: 2, deaths: 0 })
}, 60_000)

test.each(["unusable", "dead"])(
  "a layer that fails over a process that is %s starts no other one",
  async (fate) => {
    const { failure, starts } = await scoped(
      Effect.gen(function* () {
        const { file, read } = yield* notes
        const owner = Layer.effectDiscard(
          Effect.flatMap(supervise(InTurn, echo("in-turn", file, fate), { restart: true }), ({ about }) => about)
        )
        const failure = yield* Effect.flip(Effect.scoped(Layer.build(owner)))
        const before = yield* read
        // Many of the shortest pauses between two starts.
        yield* Effect.sleep("2 seconds")
        return { failure, starts: [before.length, (yield* read).length] }
      })
    )
    expect(failure).toMatchObject({
      _tag: "ProcessUnusable",
      message: fate === "dead" ? "The echo process ended (exit status 3)." : "It lacks all that it needs."
    })
    expect(starts[1]).toBe(starts[0]!)
  },
  60_000
)

test("a process that cannot start fails those that wait, and is tried again ever more seldom", async () => {
  const { failures, starts } = await scoped(
    Effect.gen(function* () {
      const { file, read } = yield* notes
      const child = yield* supervise(InTurn, echo("in-turn", file, "unusable"), { restart: true })
      const failures = [yield* Effect.flip(child.ask("double", 1)), yield* Effect.flip(child.ask("double", 2))]
      return { failures, starts: (yield* read).length }
    })
  )
  expect(failures).toMatchObject([{ tag: "Unusable" }, { message: "It lacks all that it needs." }])
  expect(starts).toBeGreaterThanOrEqual(2)
}, 60_000)

test("one that is not started again fails what it is asked after its end", async () => {
  const outcome = await scoped(
    Effect.gen(function* () {
      const child = yield* supervise(InTurn, echo("in-turn"), { restart: false })
      return [yield* Effect.flip(child.ask("double", -1)), yield* Effect.flip(child.ask("double", 1))]
    })
  )
  expect(outcome).toMatchObject([{ how: "signal SIGKILL" }, { how: "signal SIGKILL" }])
}, 60_000)

test("a process does not get the token that guards the service", async () => {
  const { API_TOKEN: before } = process.env
  process.env.API_TOKEN = "a-token-of-the-service"
  const about = await scoped(
    Effect.flatMap(supervise(InTurn, echo("in-turn"), { restart: false }), ({ about }) => about)
  ).finally(() => {
    if (before === undefined) delete process.env.API_TOKEN
    else process.env.API_TOKEN = before
  })
  expect(about.knowsToken).toBe(false)
}, 60_000)

test("the end of the scope interrupts what the process does before its services end, and ends it", async () => {
  const outcome = await scoped(
    Effect.gen(function* () {
      const { file, read } = yield* notes
      const pid = yield* Effect.scoped(
        Effect.gen(function* () {
          const child = yield* supervise(AtOnce, echo("at-once", file), { restart: true })
          let heard = false
          yield* Effect.forkChild(child.ask("linger", 0, () => (heard = true)))
          yield* until(() => heard)
          return (yield* child.about).pid
        })
      )
      return { isAlive: isAlive(pid), told: (yield* read).slice(1) }
    })
  )
  expect(outcome).toEqual({ isAlive: false, told: ["given up", "its services end"] })
}, 60_000)

test.each(["ready", "starting"])(
  "a process that is %s does not outlive an owner that is killed",
  async (state) => {
    const owner = Bun.spawn([process.execPath, join(import.meta.dir, "ownerProgram.ts"), state], {
      stdio: ["ignore", "pipe", "inherit"]
    })
    let told = ""
    for await (const chunk of owner.stdout) {
      told += new TextDecoder().decode(chunk)
      if (told.includes("\n")) break
    }
    owner.kill("SIGKILL")
    await Effect.runPromise(until(() => !isAlive(Number(told))))
  },
  60_000
)

test("what cannot start is said, and tried again ever more seldom; once ended it is not", async () => {
  const told: Array<unknown> = []
  const { starts, after } = await scoped(
    Effect.gen(function* () {
      const { file, read } = yield* notes
      const child = yield* supervise(InTurn, echo("in-turn", file, "unusable"), { restart: true })
      yield* Effect.flip(child.about)
      yield* until(() => told.length > 1)
      yield* child.end
      const starts = yield* read
      yield* Effect.sleep(1_000)
      return { starts, after: yield* read }
    }).pipe(Effect.provide(Logger.layer([Logger.make(({ message }) => void told.push(message))])))
  )
  expect(after).toEqual(starts)
  expect(told.flat().slice(0, 2)).toEqual(
    ["0.1", "0.2"].map((time) => `The echo cannot start: It lacks all that it needs. It is tried again in ${time} s.`)
  )
}, 60_000)
