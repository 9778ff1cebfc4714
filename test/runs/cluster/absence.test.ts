import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test"
import { rm } from "node:fs/promises"
import { join } from "node:path"
import { Result } from "effect"
import type { RunEvent } from "../../../src/stream/events.ts"
import {
  createCorpus,
  createDatabase,
  needsDatabase,
  runOnCluster,
  startWorker,
  stopWorkers,
  type TestWorker,
  until,
  withoutDatabase
} from "../../support/clusterWorld.ts"
import { startStallingProxy } from "./stallingProxy.ts"

setDefaultTimeout(240_000)

const RECORDINGS = 24

const streams = (events: ReadonlyArray<RunEvent>) => events.filter((event) => event.stage === "stream")

describe.skipIf(withoutDatabase)(`who follows a run hears${needsDatabase}`, () => {
  let database: Awaited<ReturnType<typeof createDatabase>>
  let proxy: Awaited<ReturnType<typeof startStallingProxy>>
  let corpus: Awaited<ReturnType<typeof createCorpus>>
  const workers: Array<TestWorker> = []
  const start = async () => {
    workers.push(await startWorker(proxy.url, corpus.folder, { engine: "300" }))
    return workers.at(-1)!
  }
  beforeAll(async () => {
    database = await createDatabase()
    proxy = await startStallingProxy(new URL(database.url))
    corpus = await createCorpus(RECORDINGS)
    await start()
  })
  afterEach(() => rm(join(corpus.folder, "embeddings"), { recursive: true, force: true }))
  afterAll(async () => {
    await stopWorkers(workers)
    await proxy[Symbol.asyncDispose]()
    await database[Symbol.asyncDispose]()
    await corpus[Symbol.asyncDispose]()
  })
  const run = () => runOnCluster(proxy.url, corpus.folder, { promotion: "always" })
  const untilUnderWay = (events: ReadonlyArray<RunEvent>) =>
    until("some to be embedded", () => (streams(events).some(({ done }) => done >= 8) ? true : undefined))

  test("that no worker is alive any more, and loses no progress and no time of the run when one is again", async () => {
    const { result, events, log } = run()
    await untilUnderWay(events)
    await stopWorkers(workers.splice(0))
    const died = performance.now()
    await until("the end of the workers to be told", () =>
      log.some((line) => line.startsWith("No worker is alive any more")) ? true : undefined
    )
    expect(streams(events).at(-1)).toMatchObject({ total: RECORDINGS, workers: [] })
    await start()
    const waited = (performance.now() - died) / 1000
    const summary = Result.getOrThrow(await result)
    expect(summary).toMatchObject({ recordings: RECORDINGS, skipped: [] })
    expect(summary.seconds.total).toBeGreaterThan(waited)
    expect(log).toEqual([
      "No worker is alive any more; the run waits for one. Start one with `bun run worker`.",
      "A worker is there again; the run goes on."
    ])
    const done = streams(events).map((event) => event.done)
    expect(done).toEqual(done.toSorted((a, b) => a - b))
    const firstStream = events.findIndex(({ stage }) => stage === "stream")
    expect(events.slice(firstStream).filter(({ stage }) => stage === "list")).toEqual([])
  })

  test("once that the database is away, and once that it is back; so does a worker", async () => {
    const [worker] = workers
    const { result, events, log } = run()
    await untilUnderWay(events)
    const before = worker!.said()
    proxy.setAway(true)
    const away = "The database does not answer; waiting for it."
    const back = "The database answers again."
    await until("both to say so", () => (log.includes(away) && worker!.said().includes(away) ? true : undefined))
    // Longer than a silent worker counts as one that is there, and than locks are held without being refreshed.
    await Bun.sleep(12_000)
    proxy.setAway(false)
    expect(Result.getOrThrow(await result)).toMatchObject({ recordings: RECORDINGS, skipped: [] })
    expect(log).toEqual([away, back])
    await until("the worker to say that it is back", () => (worker!.said().includes(back) ? true : undefined))
    expect(worker!.said().slice(before.length).trim().split("\n")).toEqual([
      expect.stringContaining(away),
      expect.stringContaining(back)
    ])
  })
})
