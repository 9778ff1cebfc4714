import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test"
import { Effect, Result } from "effect"
import { folderStore } from "../../../src/store/folder.ts"
import {
  corpusOf,
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
import { fill, json, keysIn, runOn } from "../../support/runWorld.ts"
import { needsServer, otherS3Store, otherServer } from "../../support/stores.ts"

setDefaultTimeout(240_000)

const RECORDINGS = 24

describe.skipIf(withoutDatabase || otherServer === undefined)(
  `three workers and a bucket of another's server${needsDatabase}${needsServer}`,
  () => {
    let database: Awaited<ReturnType<typeof createDatabase>>
    let workers: ReadonlyArray<TestWorker> = []
    beforeAll(async () => {
      database = await createDatabase()
    })
    afterAll(async () => {
      await stopWorkers(workers)
      await database[Symbol.asyncDispose]()
    })

    test("make the vectors and the model that one process makes of a folder, bit for bit", async () => {
      const { bucket, store } = await Effect.runPromise(otherS3Store(otherServer!))
      const location = `s3://${bucket}`
      await fill(store, corpusOf(RECORDINGS))
      workers = await Promise.all([1, 2, 3].map(() => startWorker(database.url, location)))
      const run = runOnCluster(database.url, location, { augmentations: 1, audit: true })
      const summary = Result.getOrThrow(await run.result)

      await using alone = await createCorpus(RECORDINGS)
      const reference = await runOn(folderStore(alone.folder), { augmentations: 1 })
      const expected = Result.getOrThrow(reference.result)
      expect(await storedVectors(location)).toEqual(await storedVectors(alone.folder))
      expect(summary).toMatchObject({ recordings: RECORDINGS, variants: 2 * RECORDINGS, skipped: [], promoted: true })
      expect(summary.holdout).toEqual(expected.holdout)
      expect(await json(store, `runs/${summary.runId}.json`)).toMatchObject({ status: "finished" })
      expect(await keysIn(store, "runs/")).toEqual([`runs/${summary.runId}.json`, "runs/lease.json"])
    })
  }
)
