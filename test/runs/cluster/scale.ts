import { rm } from "node:fs/promises"
import { join } from "node:path"
import { Result } from "effect"
import { limitsFor } from "../../../src/runs/cluster/cutShards.ts"
import {
  createCorpus,
  createDatabase,
  runOnCluster,
  startWorker,
  stopWorkers,
  withoutDatabase
} from "../../support/clusterWorld.ts"

// How the cluster scales: `bun test/runs/cluster/scale.ts [recordings] [milliseconds each] [workers...]`, with
// TEST_DATABASE_URL. The engine is a stub that sleeps, so that cores do not limit what is measured: what is left is
// what the cluster itself costs.

const [recordings = 256, cost = 250, ...counts] = process.argv.slice(2).map(Number)
if (withoutDatabase) {
  console.error("Set TEST_DATABASE_URL to a PostgreSQL server.")
  process.exit(2)
}

const shards = Math.ceil(recordings / limitsFor(recordings).recordings)
const work = (recordings * cost) / 1000
await using database = await createDatabase()
await using corpus = await createCorpus(recordings)
console.log(`${recordings} recordings of ${cost} ms in ${shards} shards: ${work.toFixed(1)} s of work.`)
for (const count of counts.length > 0 ? counts : [1, 2, 4]) {
  const workers = await Promise.all(
    Array.from({ length: count }, () => startWorker(database.url, corpus.folder, { engine: String(cost) }))
  )
  // Lanes settle within some seconds after the last worker has come.
  await Bun.sleep(10_000)
  const run = runOnCluster(database.url, corpus.folder, { promotion: "always", epochs: 1 })
  const { seconds } = Result.getOrThrow(await run.result)
  const efficiency = work / count / seconds.stream
  const overhead = (1000 * (seconds.stream * count - work)) / shards
  console.log(
    `${count} ${count === 1 ? "worker" : "workers"}: ${seconds.stream.toFixed(2)} s for embedding and loading, ` +
      `efficiency ${(100 * efficiency).toFixed(1)} %, ${overhead.toFixed(0)} ms of a worker beside the work per shard.`
  )
  await stopWorkers(workers)
  await database.sql`DELETE FROM ecosight_workers`
  await rm(join(corpus.folder, "embeddings"), { recursive: true })
}
process.exit(0)
