import * as NodeClusterSocket from "@effect/platform-node/NodeClusterSocket"
import { Layer, Option, type Redacted } from "effect"
import { ClusterWorkflowEngine, RunnerAddress, type ShardingConfig } from "effect/cluster"
import { databaseLayer } from "./database.ts"
import { checkTables } from "./effectTables.ts"
import { Journal } from "./journal.ts"
import { quietAbsence } from "./quietAbsence.ts"
import { Roster } from "./roster.ts"

/** The group of lanes that shards to embed go through, on every worker. */
export const EMBED_GROUP = "embed"
/** Lanes in a group: enough to spread over some dozens of workers, few enough to take and hold quickly. */
export const LANES = 60

/** A run's own lanes are held by the workers with this engine. */
export const runGroup = (engine: "native" | "webgpu"): string => `run-${engine}`

// The same on every process. A lock is refreshed thrice before it expires, so a database that stalls for 8 s costs
// nobody his lanes, and a worker that is frozen loses them after 15.
const tuning = {
  availableShardGroups: ["default", EMBED_GROUP, runGroup("native"), runGroup("webgpu")],
  shardsPerGroup: LANES,
  shardLockRefreshInterval: "5 seconds",
  shardLockExpiration: "15 seconds",
  runnerHealthCheckInterval: "2 seconds",
  refreshAssignmentsInterval: "1 second",
  entityMessagePollInterval: "1 second",
  entityReplyPollInterval: "100 millis",
  // A coordinator that has lost its lane stops at once, or is left behind; with the default of 15 s the run stood still
  // for so long after a database's stall.
  entityTerminationTimeout: "3 seconds"
} satisfies Partial<ShardingConfig.ShardingConfig["Service"]>

/** Where a worker can be reached by the others, and where it listens. */
export interface WorkerAddress {
  readonly host: string
  readonly listen: string
  readonly port: number
}

const books = Layer.merge(Roster.layer, Journal.layer)

/** A worker's place in the cluster. */
export const workerLayer = (url: Redacted.Redacted, address: WorkerAddress, engine: "native" | "webgpu") =>
  Layer.merge(ClusterWorkflowEngine.layer, books).pipe(
    Layer.provideMerge(Layer.effectDiscard(checkTables())),
    Layer.provideMerge(
      NodeClusterSocket.layer({
        storage: "sql",
        shardingConfig: {
          ...tuning,
          assignedShardGroups: ["default", EMBED_GROUP, runGroup(engine)],
          runnerAddress: Option.some(RunnerAddress.make(address.host, address.port)),
          runnerListenAddress: Option.some(RunnerAddress.make(address.listen, address.port))
        }
      })
    ),
    Layer.provideMerge(quietAbsence),
    Layer.provideMerge(databaseLayer(url))
  )

/** For those that give the cluster work and look on. */
export const clientLayer = (url: Redacted.Redacted) =>
  Layer.merge(ClusterWorkflowEngine.layer, books).pipe(
    Layer.provideMerge(
      NodeClusterSocket.layer({
        clientOnly: true,
        storage: "sql",
        shardingConfig: { ...tuning, runnerAddress: Option.none() }
      })
    ),
    Layer.provideMerge(quietAbsence),
    Layer.provideMerge(databaseLayer(url))
  )

/** For those that only look on. */
export const observerLayer = (url: Redacted.Redacted) => books.pipe(Layer.provideMerge(databaseLayer(url)))
