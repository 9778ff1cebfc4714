import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test"
import { Result } from "effect"
import { folderStore } from "../../../src/store/folder.ts"
import {
  createCorpus,
  createDatabase,
  needsDatabase,
  runOnCluster,
  startWorker,
  stopWorkers,
  storedVectors,
  type TestWorker,
  withoutDatabase
} from "../../support/clusterWorld.ts"
import { json, keysIn, runOn } from "../../support/runWorld.ts"

setDefaultTimeout(240_000)

// Milliseconds: an hour slow, right, an hour fast.
const SKEWS = [-3_600_000, 0, 3_600_000]

describe.skipIf(withoutDatabase)(`three workers whose clocks disagree${needsDatabase}`, () => {
  let database: Awaited<ReturnType<typeof createDatabase>>
  let corpus: Awaited<ReturnType<typeof createCorpus>>
  let workers: ReadonlyArray<TestWorker> = []
  beforeAll(async () => {
    database = await createDatabase()
    corpus = await createCorpus(40)
    workers = await Promise.all(SKEWS.map((clockSkew) => startWorker(database.url, corpus.folder, { clockSkew })))
  })
  afterAll(async () => {
    await stopWorkers(workers)
    await database[Symbol.asyncDispose]()
    await corpus[Symbol.asyncDispose]()
  })

  test("make the vectors and the model that one process makes, bit for bit", async () => {
    const run = runOnCluster(database.url, corpus.folder, { augmentations: 1, audit: true })
    const summary = Result.getOrThrow(await run.result)
    await using alone = await createCorpus(40)
    const reference = await runOn(folderStore(alone.folder), { augmentations: 1 })
    const expected = Result.getOrThrow(reference.result)
    expect(await storedVectors(corpus.folder)).toEqual(await storedVectors(alone.folder))
    expect(summary).toMatchObject({ recordings: 40, embedded: 40, variants: 80, skipped: [], promoted: true })
    expect(summary.holdout).toEqual(expected.holdout)
    const copies = async (folder: string) =>
      (await keysIn(folderStore(folder), "augmented_audio/")).filter((key) => key.endsWith(".wav"))
    expect(await copies(corpus.folder)).toEqual(await copies(alone.folder))

    const stream = run.events.filter((event) => event.stage === "stream")
    expect(stream.at(-1)).toMatchObject({ done: 40, total: 40 })
    expect(
      stream
        .find(({ workers }) => workers?.length === 3)
        ?.workers?.map(({ name }) => name)
        .sort()
    ).toEqual(workers.map(({ address }) => address).sort())
    const epochs = reference.events.filter(({ stage }) => stage === "train")
    expect(epochs.length).toBeGreaterThan(0)
    expect(run.events).toEqual(expect.arrayContaining(epochs))
    // Nothing of it is left but what a run leaves.
    const store = folderStore(corpus.folder)
    expect(await keysIn(store, "runs/")).toEqual([`runs/${summary.runId}.json`, "runs/lease.json"])
    expect(await json(store, `runs/${summary.runId}.json`)).toMatchObject({ status: "finished" })
  })
})
