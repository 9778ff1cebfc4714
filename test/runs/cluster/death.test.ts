import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test"
import { rm } from "node:fs/promises"
import { join } from "node:path"
import { Result } from "effect"
import { folderStore } from "../../../src/store/folder.ts"
import { LEASE_KEY } from "../../../src/store/keys.ts"
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
import { json } from "../../support/runWorld.ts"
import { startStallingProxy } from "./stallingProxy.ts"

setDefaultTimeout(240_000)

const RECORDINGS = 48
/** Milliseconds that a patch costs, and each recording has one: a shard is under way for a second and more. */
const COST = "200"

describe.skipIf(withoutDatabase)(`a run goes on after${needsDatabase}`, () => {
  let database: Awaited<ReturnType<typeof createDatabase>>
  let proxy: Awaited<ReturnType<typeof startStallingProxy>>
  let corpus: Awaited<ReturnType<typeof createCorpus>>
  const workers = new Set<TestWorker>()
  let expected: ReadonlyArray<string>

  const start = async () => {
    const worker = await startWorker(proxy.url, corpus.folder, { engine: COST })
    workers.add(worker)
    return worker
  }
  beforeAll(async () => {
    database = await createDatabase()
    proxy = await startStallingProxy(new URL(database.url))
    corpus = await createCorpus(RECORDINGS)
    await Promise.all([start(), start(), start()])
    Result.getOrThrow(await runOnCluster(database.url, corpus.folder).result)
    expected = await storedVectors(corpus.folder)
    expect(expected).toHaveLength(RECORDINGS)
  })
  beforeEach(() => rm(join(corpus.folder, "embeddings"), { recursive: true }))
  afterEach(async () => {
    for (const worker of workers) {
      if (worker.process.exitCode === null && worker.process.signalCode === null) continue
      workers.delete(worker)
      await start()
    }
  })
  afterAll(async () => {
    await stopWorkers(workers)
    await proxy[Symbol.asyncDispose]()
    await database[Symbol.asyncDispose]()
    await corpus[Symbol.asyncDispose]()
  })

  const run = () => runOnCluster(database.url, corpus.folder, { promotion: "always" })
  const shardsOf = async ({ health }: TestWorker): Promise<ReadonlyArray<unknown>> =>
    ((await (await fetch(health)).json()) as { shards: ReadonlyArray<unknown> }).shards
  const coordinator = () =>
    until("a coordinator to hold the lease", async () => {
      const lease = (await json(folderStore(corpus.folder), LEASE_KEY)) as { process: number; released: boolean }
      return lease.released ? undefined : [...workers].find(({ process }) => process.pid === lease.process)
    })
  /** A worker that has a shard under way, and does not coordinate. */
  const busyWorker = async () => {
    const other = await coordinator()
    return until("a worker with a shard", async () => {
      for (const worker of workers) {
        if (worker !== other && (await shardsOf(worker)).length > 0) return worker
      }
      return undefined
    })
  }
  /** Every recording exactly once in the result, with the vectors that it has without a death. */
  const expectWhole = async (result: ReturnType<typeof run>["result"]) => {
    const summary = Result.getOrThrow(await result)
    expect(summary).toMatchObject({ recordings: RECORDINGS, variants: RECORDINGS, skipped: [], promoted: true })
    expect(await storedVectors(corpus.folder)).toEqual(expected)
    expect(await json(folderStore(corpus.folder), `runs/${summary.runId}.json`)).toMatchObject({ status: "finished" })
  }

  test("a worker is killed with a shard in its hands", async () => {
    const { result } = run()
    const victim = await busyWorker()
    victim.process.kill("SIGKILL")
    await expectWhole(result)
  })

  test("a worker is frozen with a shard in its hands, and thaws when all is over", async () => {
    const { result } = run()
    const victim = await busyWorker()
    victim.process.kill("SIGSTOP")
    await expectWhole(result)
    victim.process.kill("SIGCONT")
    await until("the thawed worker to answer", async () => ((await fetch(victim.health)).ok ? true : undefined))
  })

  test("a worker is cut off from the others, but not from the database, with a shard in its hands", async () => {
    const { result } = run()
    const victim = await busyWorker()
    victim.process.kill("SIGUSR1")
    await until("it to be cut off", () => (/^cut off from \d/m.test(victim.errors()) ? true : undefined))
    await expectWhole(result)
    victim.process.kill("SIGUSR2")
  })

  test("a worker is told to stop: it finishes its shard, takes no other, and leaves", async () => {
    const { result } = run()
    const victim = await busyWorker()
    victim.process.kill("SIGTERM")
    await victim.process.exited
    await expectWhole(result)
    const rows = await database.sql`SELECT id FROM ecosight_workers WHERE id = ${victim.address}`
    expect(rows).toHaveLength(0)
  })

  test("the database is frozen for 8 seconds", async () => {
    const { result } = run()
    await busyWorker()
    proxy.stall()
    await Bun.sleep(8_000)
    proxy.resume()
    await expectWhole(result)
  })

  test("the worker that coordinates it is killed", async () => {
    const { result } = run()
    const victim = await coordinator()
    await busyWorker()
    victim.process.kill("SIGKILL")
    await expectWhole(result)
  })

  /** It is about to have its workers embed: the first shards are written down, none is taken yet. */
  const firstShards = async () => {
    const open = () => database.sql`
      SELECT id FROM cluster_messages WHERE tag = 'activity' AND payload LIKE '%"embed/%' AND NOT processed LIMIT 1`
    while ((await open()).length === 0) await Bun.sleep(1)
  }
  const shardsGiven = async () => {
    const [row] =
      await database.sql`SELECT count(*)::INT AS shards FROM cluster_messages WHERE entity_type = 'EmbedShard'`
    return (row as { shards: number }).shards
  }
  // When it thaws, it still goes on with the run for a moment, then loses it, and gets it back from its successor.
  for (const [when, moment] of [
    ["with shards under way", busyWorker],
    ["with its first shards in its hands", firstShards]
  ] as const) {
    test(`the worker that coordinates it is frozen ${when}, and thaws beside its successor`, async () => {
      const { result } = run()
      const victim = await coordinator()
      await moment()
      victim.process.kill("SIGSTOP")
      const before = await shardsGiven()
      await until("another to take the run over", async () => ((await coordinator()) !== victim ? true : undefined))
      await until("it to give shards out", async () => ((await shardsGiven()) > before ? true : undefined))
      victim.process.kill("SIGCONT")
      await expectWhole(result)
    })
  }
})
