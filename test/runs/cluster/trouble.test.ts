import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test"
import { rm } from "node:fs/promises"
import { join } from "node:path"
import { Effect, Redacted, Result } from "effect"
import packageJson from "../../../package.json"
import { databaseLayer, pruneBooks } from "../../../src/runs/cluster/database.ts"
import { pruneMessages } from "../../../src/runs/cluster/effectTables.ts"
import { folderStore } from "../../../src/store/folder.ts"
import { LEASE_KEY, recordingKey } from "../../../src/store/keys.ts"
import {
  createCorpus,
  createDatabase,
  needsDatabase,
  runOnCluster,
  startWorker,
  stopWorkers,
  storedVectors,
  type TestWorker,
  until,
  withoutDatabase
} from "../../support/clusterWorld.ts"
import { fill, json, sound } from "../../support/runWorld.ts"
import { startStallingProxy } from "./stallingProxy.ts"

setDefaultTimeout(240_000)

const RECORDINGS = 16

describe.skipIf(withoutDatabase)(`a cluster${needsDatabase}`, () => {
  let database: Awaited<ReturnType<typeof createDatabase>>
  let corpus: Awaited<ReturnType<typeof createCorpus>>
  const workers: Array<TestWorker> = []
  const start = async (engine = "50", url = database.url) => {
    workers.push(await startWorker(url, corpus.folder, { engine }))
    return workers.at(-1)!
  }
  beforeAll(async () => {
    database = await createDatabase()
    corpus = await createCorpus(RECORDINGS)
    await Promise.all([start(), start()])
  })
  afterEach(() => rm(join(corpus.folder, "embeddings"), { recursive: true, force: true }))
  afterAll(async () => {
    await stopWorkers(workers)
    await database[Symbol.asyncDispose]()
    await corpus[Symbol.asyncDispose]()
  })

  const store = () => folderStore(corpus.folder)
  const run = (environment: Record<string, string> = {}) =>
    runOnCluster(database.url, corpus.folder, { promotion: "always" }, environment)
  const sentence = (result: Awaited<ReturnType<typeof run>["result"]>) =>
    Result.isFailure(result) ? result.failure.message : "It succeeded."
  const untilLeased = (runId?: string) =>
    until("the lease to be held", async () => {
      const lease = (await json(store(), LEASE_KEY).catch(() => undefined)) as
        | { runId: string; process: number; released: boolean }
        | undefined
      return lease === undefined || lease.released || lease.runId === runId ? undefined : lease
    })

  test("splits a shard that ends every process, and leaves the recording that does it out by name", async () => {
    const poison = recordingKey("dog_bark", "007-poison.wav")
    await fill(store(), [[poison, sound("dog_bark", 999)]])
    const { result, events } = run()
    const summary = Result.getOrThrow(await result)
    await Effect.runPromise(store().remove(poison))
    expect(summary).toMatchObject({ recordings: RECORDINGS, embedded: RECORDINGS })
    expect(summary.skipped).toEqual([
      { key: poison, reason: "It cannot be embedded: each time, the engine process ended (signal SIGKILL)." }
    ])
    expect(events.filter(({ stage }) => stage === "skip")).toHaveLength(1)
    expect(await storedVectors(corpus.folder)).toHaveLength(RECORDINGS)
  })

  const healthOf = async ({ health }: TestWorker) =>
    (await (await fetch(health)).json()) as { lanes: number; shards: ReadonlyArray<unknown>; engine_deaths: number }
  /** A worker that would need an hour for a shard. */
  const startSlow = async () => {
    const slow = await start(String(3_600_000))
    await until("the slow worker to have lanes", async () => ((await healthOf(slow)).lanes > 0 ? true : undefined))
    return slow
  }
  const untilItHasOne = (slow: TestWorker) =>
    until("the slow worker to have a shard", async () => ((await healthOf(slow)).shards.length > 0 ? true : undefined))
  const untilItLetsGo = async (slow: TestWorker) => {
    await until("the slow worker to let go of its shard", async () =>
      (await healthOf(slow)).shards.length === 0 ? true : undefined
    )
    expect((await healthOf(slow)).engine_deaths).toBe(0)
  }
  const stop = async (worker: TestWorker) => {
    workers.splice(workers.indexOf(worker), 1)
    worker.process.kill("SIGTERM")
    await worker.process.exited
  }

  test("gives a shard of a worker that is there, but far too slow, to another as well, and takes the first answer", async () => {
    const slow = await startSlow()
    const { result } = run()
    await untilItHasOne(slow)
    const summary = Result.getOrThrow(await result)
    expect(summary).toMatchObject({ recordings: RECORDINGS, embedded: RECORDINGS, variants: RECORDINGS, skipped: [] })
    const vectors = await storedVectors(corpus.folder)
    await untilItLetsGo(slow)
    await stop(slow)

    await rm(join(corpus.folder, "embeddings"), { recursive: true })
    Result.getOrThrow(await run().result)
    expect(vectors).toEqual(await storedVectors(corpus.folder))
  })

  test("calls off what a worker has of a run that its coordinator lost and begins anew", async () => {
    await using proxy = await startStallingProxy(new URL(database.url))
    const slow = await startSlow()
    // With the only graphics card, it coordinates.
    const coordinator = await start("50gpu", proxy.url)
    const { result } = run()
    await untilItHasOne(slow)
    // Its lanes are bound to its connection.
    proxy.cut()
    expect(Result.getOrThrow(await result)).toMatchObject({ recordings: RECORDINGS, skipped: [] })
    await untilItLetsGo(slow)
    await stop(coordinator)
    await stop(slow)
  })

  test("leaves out what cannot be decoded, and fails where that is too much; what was embedded is kept", async () => {
    const broken = recordingKey("dog_bark", "broken.wav")
    await fill(store(), [[broken, new TextEncoder().encode("no audio")]])
    const strict = sentence(await run({ MAX_SKIPPED: "0" }).result)
    expect(strict).toContain("more than MAX_SKIPPED (0 %) allows")
    expect(strict).toContain(broken)
    const summary = Result.getOrThrow(await run().result)
    await Effect.runPromise(store().remove(broken))
    expect(summary).toMatchObject({ recordings: RECORDINGS, skipped: [{ key: broken }] })
  })

  test("does no run that is asked for in another precision than the workers have", async () => {
    expect(sentence(await run({ PRECISION: "int8" }).result)).toBe(
      "The workers have PRECISION float32, but the run is asked for with int8: give both the same."
    )
  })

  test("does one of two runs at once; the other says who trains", async () => {
    const first = run()
    const { runId } = await untilLeased()
    const second = sentence(await run().result)
    expect(second).toContain(`Run ${runId} is training on this store already`)
    expect(Result.getOrThrow(await first.result)).toMatchObject({ runId, recordings: RECORDINGS })
  })

  test("cancels a run with the process that follows it", async () => {
    const { result, cancel } = run()
    const { runId } = await untilLeased()
    cancel()
    await result.catch(() => undefined)
    const record = await until("the run's record to say so", async () => {
      const found = (await json(store(), `runs/${runId}.json`)) as { status: string }
      return found.status === "running" ? undefined : found
    })
    expect(record.status).toBe("cancelled")
    // Nothing of it stands in the way of the next.
    expect(Result.getOrThrow(await run().result)).toMatchObject({ recordings: RECORDINGS })
  })

  test("refuses a worker that would do other work, in one sentence", async () => {
    const elsewhere = await startWorker(database.url, "/another/store", { engine: "50" }).catch(String)
    expect(elsewhere).toContain(`works on ${corpus.folder}, but this is for /another/store`)
    await database.sql`
      INSERT INTO ecosight_workers (id, joined, seen_at, about, state)
      SELECT 'old', 0, now() + INTERVAL '1 hour', about || '{"version": "0.0.1", "address": "old:1"}', state
      FROM ecosight_workers LIMIT 1`
    const newer = await startWorker(database.url, corpus.folder, { engine: "50" }).catch(String)
    expect(newer).toContain(`The worker at old:1 runs version 0.0.1, but this is ${packageJson.version}`)
    expect(sentence(await run().result)).toContain("runs version 0.0.1")
    await database.sql`DELETE FROM ecosight_workers WHERE id = 'old'`
  })

  test("forgets runs that have ended, and no other: one whose workers all died is done by the next", async () => {
    const { result } = run()
    await untilLeased()
    await until("a shard to be under way", async () => {
      const shards =
        await database.sql`SELECT id FROM cluster_messages WHERE entity_type = 'EmbedShard' AND NOT processed`
      return shards.length > 0 ? true : undefined
    })
    await stopWorkers(workers.splice(0))
    const forget = () =>
      Effect.runPromise(
        Effect.andThen(pruneMessages(0), pruneBooks(0)).pipe(Effect.provide(databaseLayer(Redacted.make(database.url))))
      )
    await forget()
    const waiting = await database.sql`SELECT id FROM cluster_messages WHERE NOT processed`
    expect(waiting.length).toBeGreaterThan(0)
    await start()
    expect(Result.getOrThrow(await result)).toMatchObject({ recordings: RECORDINGS })
    await until("all to be answered", async () => {
      const open = await database.sql`SELECT id FROM cluster_messages WHERE NOT processed`
      return open.length === 0 ? true : undefined
    })
    await forget()
    expect(await database.sql`SELECT id FROM cluster_messages`).toHaveLength(0)
    expect(await database.sql`SELECT id FROM cluster_replies`).toHaveLength(0)
    expect(await database.sql`SELECT id FROM ecosight_events`).toHaveLength(0)
  })
})
