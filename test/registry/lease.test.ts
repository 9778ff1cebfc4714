import { afterEach, beforeEach, expect, test } from "bun:test"
import { mkdtemp, rm } from "node:fs/promises"
import { hostname, tmpdir } from "node:os"
import { join } from "node:path"
import { Deferred, Duration, Effect, Fiber, Layer } from "effect"
import { runningRun, withLease } from "../../src/registry/lease.ts"
import { folderStore } from "../../src/store/folder.ts"
import { LEASE_KEY } from "../../src/store/keys.ts"
import { Store } from "../../src/store/store.ts"

// Long enough for a busy machine to renew in time.
const expiry = Duration.seconds(2)

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "lease-"))
})
afterEach(() => rm(folder, { recursive: true }))

const run = <A, E>(effect: Effect.Effect<A, E, Store>) =>
  Effect.runPromise(effect.pipe(Effect.provide(Layer.sync(Store, () => folderStore(folder)))))

const leaveLease = (lease: { readonly host: string; readonly process: number; readonly renewedAt?: string }) =>
  Effect.flatMap(Store, (store) =>
    store.put(
      LEASE_KEY,
      new TextEncoder().encode(
        JSON.stringify({ runId: "other", renewedAt: new Date().toISOString(), renewals: 3, released: false, ...lease })
      )
    )
  )

test("of many contenders at once, never two train, and the lease is free afterwards", async () => {
  let inside = 0
  let most = 0
  const training = Effect.gen(function* () {
    most = Math.max(most, ++inside)
    yield* Effect.sleep(20)
    inside--
    return "trained"
  })
  const contender = (i: number) => training.pipe(withLease(`run-${i}`, { expiry }), Effect.result)
  const results = await run(
    Effect.forEach(
      Array.from({ length: 8 }, (_, i) => i),
      contender,
      { concurrency: 8 }
    )
  )
  const failures = results.flatMap((result) => (result._tag === "Failure" ? [result.failure] : []))
  expect(most).toBe(1)
  expect(failures.length).toBeLessThan(8)
  expect(failures.every(({ _tag }) => _tag === "LeaseHeld")).toBe(true)
  expect(await run(training.pipe(withLease("later", { expiry })))).toBe("trained")
})

test("a holder that renews keeps the lease for longer than its expiry", async () => {
  const outcome = await run(
    Effect.gen(function* () {
      const started = yield* Deferred.make<void>()
      const holder = yield* Effect.forkChild(
        Deferred.succeed(started, undefined).pipe(Effect.andThen(Effect.sleep(3000)), withLease("holder", { expiry }))
      )
      yield* Deferred.await(started)
      yield* Effect.sleep(2500)
      const contender = yield* Effect.flip(withLease("contender", { expiry })(Effect.void))
      yield* Fiber.join(holder)
      return contender
    })
  )
  expect(outcome).toMatchObject({ _tag: "LeaseHeld", runId: "holder" })
  expect(outcome.message).toContain(`process ${process.pid}`)
})

test("a holder on this machine whose process is gone is replaced at once", async () => {
  const gone = Bun.spawnSync(["true"]).pid
  const result = await run(
    leaveLease({ host: hostname(), process: gone }).pipe(
      Effect.andThen(withLease("next", { expiry: Duration.hours(1) })(Effect.succeed("trained")))
    )
  )
  expect(result).toBe("trained")
})

test("a silent holder elsewhere is replaced only if its lease stays unchanged for a whole expiry", async () => {
  const stale = { host: "elsewhere", process: 1, renewedAt: "2020-01-01T00:00:00.000Z" }
  const takeOver = withLease("next", { expiry })(Effect.succeed("trained"))
  expect(await run(leaveLease(stale).pipe(Effect.andThen(takeOver)))).toBe("trained")

  // Its clock is wrong, but it is alive: it renews while we watch.
  const contested = Effect.gen(function* () {
    yield* leaveLease(stale)
    const contender = yield* Effect.forkChild(Effect.flip(takeOver))
    yield* Effect.sleep(50)
    yield* leaveLease({ ...stale, renewedAt: "2020-01-01T00:00:01.000Z" })
    return yield* Fiber.join(contender)
  })
  expect(await run(contested)).toMatchObject({ _tag: "LeaseHeld", runId: "other" })
})

test("a lease long silent is replaced, though its process's number is another's by now", async () => {
  // As in a container that is started again, where the numbers are small and come again.
  const reused = { host: hostname(), process: process.pid }
  const minutesAgo = (minutes: number) => new Date(Date.now() - 60_000 * minutes).toISOString()
  const outcome = await run(
    Effect.gen(function* () {
      yield* leaveLease({ ...reused, renewedAt: minutesAgo(5) })
      const busy = [yield* runningRun, (yield* Effect.flip(withLease("next", { expiry })(Effect.void)))._tag]
      yield* leaveLease({ ...reused, renewedAt: minutesAgo(15) })
      return { busy, gone: yield* runningRun, next: yield* withLease("next", { expiry })(Effect.succeed("trained")) }
    })
  )
  expect(outcome).toEqual({ busy: ["other", "LeaseHeld"], gone: undefined, next: "trained" })
})

test("the lease is given back also if its last renewal was written though nobody heard of it", async () => {
  const outcome = await run(
    Effect.gen(function* () {
      const store = yield* Store
      yield* Effect.flatMap(store.get(LEASE_KEY), ({ bytes }) => store.put(LEASE_KEY, bytes)).pipe(
        withLease("first", { expiry: Duration.minutes(1) })
      )
      return { running: yield* runningRun, next: yield* withLease("next")(Effect.succeed("trained")) }
    })
  )
  expect(outcome).toEqual({ running: undefined, next: "trained" })
})

test("a run whose lease was taken over stops before it publishes", async () => {
  let published = false
  const error = await run(
    Effect.gen(function* () {
      const started = yield* Deferred.make<void>()
      const holder = yield* Effect.forkChild(
        Deferred.succeed(started, undefined).pipe(
          Effect.andThen(Effect.sleep("30 seconds")),
          Effect.andThen(Effect.sync(() => (published = true))),
          withLease("holder", { expiry }),
          Effect.flip
        )
      )
      yield* Deferred.await(started)
      yield* leaveLease({ host: "elsewhere", process: 1 })
      return yield* Fiber.join(holder)
    })
  )
  expect(error).toMatchObject({ _tag: "LeaseLost", runId: "holder" })
  expect(published).toBe(false)
})
