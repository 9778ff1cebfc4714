import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test"
import { Result } from "effect"
import { folderStore } from "../../../src/store/folder.ts"
import { LEASE_KEY } from "../../../src/store/keys.ts"
import {
  createCorpus,
  createDatabase,
  membersOf,
  needsDatabase,
  runOnCluster,
  startWorker,
  stopWorkers,
  type TestWorker,
  until,
  withoutDatabase
} from "../../support/clusterWorld.ts"
import { json } from "../../support/runWorld.ts"

setDefaultTimeout(240_000)

const RECORDINGS = 16

describe.skipIf(withoutDatabase)(`a worker with a graphics card and one without${needsDatabase}`, () => {
  let database: Awaited<ReturnType<typeof createDatabase>>
  let corpus: Awaited<ReturnType<typeof createCorpus>>
  let workers: ReadonlyArray<TestWorker> = []
  beforeAll(async () => {
    database = await createDatabase()
    corpus = await createCorpus(RECORDINGS)
    workers = await Promise.all(["200gpu", "200"].map((engine) => startWorker(database.url, corpus.folder, { engine })))
  })
  afterAll(async () => {
    await stopWorkers(workers)
    await database[Symbol.asyncDispose]()
    await corpus[Symbol.asyncDispose]()
  })

  test("the run is the first one's, and goes over to the other where that is all that is left", async () => {
    const [withCard, without] = workers as [TestWorker, TestWorker]
    expect((await membersOf(database.url)).map(({ engine }) => engine).sort()).toEqual(["native", "webgpu"])
    const { result } = runOnCluster(database.url, corpus.folder)
    const holder = () =>
      until("the lease to be held", async () => {
        const lease = (await json(folderStore(corpus.folder), LEASE_KEY).catch(() => undefined)) as
          | { process: number; released: boolean }
          | undefined
        return lease === undefined || lease.released ? undefined : lease.process
      })
    expect(await holder()).toBe(withCard.process.pid)
    withCard.process.kill("SIGKILL")
    const summary = Result.getOrThrow(await result)
    expect(summary).toMatchObject({ recordings: RECORDINGS, variants: RECORDINGS, skipped: [], promoted: true })
    expect(summary.engine.name).toBe("native")
    expect(await json(folderStore(corpus.folder), LEASE_KEY)).toMatchObject({ process: without.process.pid })
    expect(await json(folderStore(corpus.folder), `runs/${summary.runId}.json`)).toMatchObject({ status: "finished" })
    const left = await database.sql`
      SELECT id FROM cluster_messages WHERE entity_type = 'Workflow/Retrain/webgpu' OR (kind = 0 AND NOT processed)`
    expect(left).toHaveLength(0)
  })
})
