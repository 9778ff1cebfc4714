import { afterEach, beforeEach, expect, test } from "bun:test"
import { mkdtemp, rm } from "node:fs/promises"
import { hostname, tmpdir } from "node:os"
import { join } from "node:path"
import { Deferred, Duration, Effect, Fiber, Layer } from "effect"
import { TestClock } from "effect/testing"
import { type Holder, thisProcess } from "../../src/registry/holder.ts"
import { clearDead, requireLease, runningRun, withLease } from "../../src/registry/lease.ts"
import { writeRunRecord } from "../../src/registry/runRecord.ts"
import { folderStore } from "../../src/store/folder.ts"
import { LEASE_KEY, runKey } from "../../src/store/keys.ts"
import { Store, StoreError } from "../../src/store/store.ts"
import { needsServer, otherS3Store, otherServer } from "../support/stores.ts"

// Long enough for a busy machine to renew in time.
const expiry = Duration.seconds(2)

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "lease-"))
})
afterEach(() => rm(folder, { recursive: true }))

const run = <A, E>(effect: Effect.Effect<A, E, Store>) =>
  Effect.runPromise(effect.pipe(Effect.provide(Layer.sync(Store, () => folderStore(folder)))))

const leaveLease = (lease: Holder & { readonly renewedAt?: string; readonly runId?: string }) =>
  Effect.flatMap(Store, (store) =>
    store.put(
      LEASE_KEY,
      new TextEncoder().encode(
        JSON.stringify({ runId: "other", renewedAt: new Date().toISOString(), renewals: 3, released: false, ...lease })
      )
    )
  )

/** What many contenders at once came to on a store, how many were inside at a time, and one that came later. */
const contend = async (store: Store["Service"]) => {
  let inside = 0
  let most = 0
  const training = Effect.gen(function* () {
    most = Math.max(most, ++inside)
    yield* Effect.sleep(20)
    inside--
    return "trained"
  })
  const contender = (i: number) => training.pipe(withLease(`run-${i}`, { expiry }), Effect.result)
  const results = await Effect.runPromise(
    Effect.forEach(
      Array.from({ length: 8 }, (_, i) => i),
      contender,
      { concurrency: 8 }
    ).pipe(Effect.provideService(Store, store))
  )
  const failures = results.flatMap((result) => (result._tag === "Failure" ? [result.failure] : []))
  expect(most).toBe(1)
  expect(failures.length).toBeLessThan(8)
  expect(failures.map(({ _tag }) => _tag)).toEqual(failures.map(() => "LeaseHeld"))
  const later = training.pipe(withLease("later", { expiry }), Effect.provideService(Store, store))
  expect(await Effect.runPromise(later)).toBe("trained")
}

test("of many contenders at once, never two train, and the lease is free afterwards", () =>
  contend(folderStore(folder)))

test.skipIf(otherServer === undefined)(
  `of many contenders at once on a bucket of another's server, never two train${needsServer}`,
  async () => {
    for (let round = 0; round < 5; round++) {
      const { store } = await Effect.runPromise(otherS3Store(otherServer!))
      await contend(store)
    }
  }
)

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

test("the lease of an earlier process is replaced, though its number is another's by now", async () => {
  // As in a container that is started again, where the host's name and the small numbers come again.
  const { instance: _, started, ...reused } = thisProcess
  const next = withLease("next", { expiry: Duration.hours(1) })(Effect.succeed("trained"))
  for (const before of [
    { ...reused, ...(started === undefined ? {} : { started }), instance: "another" },
    { ...reused, process: process.ppid, started: "1", instance: "another" }
  ]) {
    expect(await run(leaveLease(before).pipe(Effect.andThen(runningRun)))).toBeUndefined()
    expect(await run(next)).toBe("trained")
  }
})

test.skipIf(thisProcess.started === undefined)(
  "a process on this machine that is there keeps its lease, however silent it is and whatever clocks say (Linux)",
  async () => {
    const child = Bun.spawn(["sleep", "60"])
    const stat = await Bun.file(`/proc/${child.pid}/stat`).text()
    const started = stat.split(") ").at(-1)!.split(" ")[19]!
    const busy = { ...thisProcess, process: child.pid, started, instance: "another" }
    const next = withLease("next", { expiry: Duration.millis(1) })(Effect.void)
    await run(leaveLease({ ...busy, renewedAt: "2020-01-01T00:00:00.000Z" }))
    expect(await run(runningRun)).toBe("other")
    expect((await run(Effect.flip(next)))._tag).toBe("LeaseHeld")
    child.kill()
    await child.exited
    await run(next)
  }
)

test("whether a holder elsewhere is there is told by its silence while it is watched, never by its clock", async () => {
  const later = { host: "elsewhere", process: 1, renewedAt: "2100-01-01T00:00:00.000Z" }
  const outcome = await Effect.runPromise(
    Effect.gen(function* () {
      yield* leaveLease({ ...later, renewedAt: "2020-01-01T00:00:00.000Z" })
      const atFirst = yield* runningRun
      yield* leaveLease(later)
      yield* TestClock.adjust("20 seconds")
      const afterChange = yield* runningRun
      yield* TestClock.adjust("31 seconds")
      return { atFirst, afterChange, silent: yield* runningRun }
    }).pipe(
      Effect.provide(
        Layer.merge(
          TestClock.layer(),
          Layer.sync(Store, () => folderStore(folder))
        )
      )
    )
  )
  expect(outcome).toEqual({ atFirst: "other", afterChange: "other", silent: undefined })
})

test("a damaged lease is watched, and taken where nobody renews it", async () => {
  const next = withLease("next", { expiry: Duration.millis(50) })(Effect.succeed("trained"))
  for (const bytes of [new Uint8Array(), new Uint8Array(100), new TextEncoder().encode('{"runId": "o')]) {
    await run(Effect.flatMap(Store, (store) => store.put(LEASE_KEY, bytes)))
    expect(await run(next)).toBe("trained")
  }
})

test("a holder whose renewals the store does not take for long, or whose lease is damaged, goes on", async () => {
  const down = { until: 0 }
  const outcome = await Effect.runPromise(
    Effect.gen(function* () {
      const store = yield* Store
      const fiber = yield* Effect.sleep(expiry).pipe(
        Effect.andThen(store.get(LEASE_KEY)),
        Effect.map(({ bytes }) => JSON.parse(new TextDecoder().decode(bytes)).runId as string),
        withLease("holder", { expiry: Duration.millis(100) }),
        Effect.forkChild
      )
      yield* Effect.sleep(100)
      down.until = performance.now() + 1000
      yield* Effect.sleep(1100)
      yield* store.put(LEASE_KEY, new Uint8Array())
      return yield* Fiber.join(fiber)
    }).pipe(
      Effect.provide(
        Layer.sync(Store, () => {
          const store = folderStore(folder)
          return Store.of({
            ...store,
            put: (key, bytes, condition) =>
              Effect.suspend(() =>
                performance.now() < down.until
                  ? Effect.fail(new StoreError({ reason: "unreachable", key, message: "It does not answer." }))
                  : store.put(key, bytes, condition)
              )
          })
        })
      )
    )
  )
  expect(outcome).toBe("holder")
})

test("a run that is replaced is recorded as interrupted, also by a program that only starts", async () => {
  const gone = { host: hostname(), process: Bun.spawnSync(["true"]).pid }
  const record = Effect.flatMap(Store, (store) => store.get(runKey("other"))).pipe(
    Effect.map(({ bytes }) => JSON.parse(new TextDecoder().decode(bytes)))
  )
  for (const next of [withLease("next")(Effect.void), clearDead()]) {
    await run(writeRunRecord("other", { status: "running", options: { seed: 7 } }))
    await run(leaveLease(gone).pipe(Effect.andThen(next)))
    const { status, reason, options } = await run(record)
    expect({ status, options }).toEqual({ status: "interrupted", options: { seed: 7 } })
    expect(reason).toContain(`process ${gone.process}`)
    expect(await run(runningRun)).toBeUndefined()
  }
})

test("a lease whose run's name leads elsewhere stops nobody: it counts as damaged", async () => {
  await run(leaveLease({ host: hostname(), process: Bun.spawnSync(["true"]).pid, runId: "../../x" }))
  expect(await run(withLease("next", { expiry: Duration.millis(50) })(Effect.succeed("trained")))).toBe("trained")
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
      expect((yield* Effect.flip(requireLease("holder")))._tag).toBe("LeaseLost")
      return yield* Fiber.join(holder)
    })
  )
  expect(error).toMatchObject({ _tag: "LeaseLost", runId: "holder" })
  expect(published).toBe(false)
})
