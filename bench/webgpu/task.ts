import { NodeServices } from "@effect/platform-node"
import { Console, Effect, Schema } from "effect"
import { FetchHttpClient } from "effect/http"
import { PRECISIONS } from "../../src/embedder/engine.ts"
import { requestAdapter } from "../../src/embedder/webgpu/adapter.ts"
import { fittingBatch } from "../../src/embedder/webgpu/webgpuEngine.ts"
import { networkKernels } from "../../src/embedder/yamnet/networkKernels.ts"
import { findWeights, type YamnetWeights } from "../../src/embedder/yamnet/weights.ts"
import { profile } from "./profile.ts"
import { measureRow, ROWS, type RowName } from "./rows.ts"

// What the benchmark does in processes of their own, since two of its programs bring a Dawn each, and one that crashes
// takes nothing with it.

/** Every row's name. */
export const names = Object.keys(ROWS) as ReadonlyArray<RowName>

/** The adapter; every kernel by itself; or one row at one batch. */
export const Task = Schema.fromJsonString(
  Schema.Union([
    Schema.Struct({ task: Schema.Literal("adapter") }),
    Schema.Struct({
      task: Schema.Literal("profile"),
      batch: Schema.Int,
      precision: Schema.Literals(PRECISIONS)
    }),
    Schema.Struct({
      task: Schema.Literal("row"),
      name: Schema.Literals(names),
      batch: Schema.Int,
      seconds: Schema.Number
    })
  ])
)

// The untrained network is as fast as any.
const findNetwork = (folder: string) =>
  findWeights({
    folder,
    addresses: [],
    allowUntrained: true,
    ...(process.env.YAMNET_MODEL === undefined ? {} : { location: process.env.YAMNET_MODEL })
  })

/** What the adapter says of itself, and the batch that the engine would choose. */
export interface AdapterReport {
  readonly name: string
  readonly software: boolean
  readonly batch: number
  readonly lines: ReadonlyArray<string>
}

const LIMITS = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupsPerDimension"
] as const

const describeAdapter = Effect.fnUntraced(function* (network: YamnetWeights) {
  const { gpu, name, software } = yield* requestAdapter
  const { vendor, architecture, device, description, subgroupMinSize, subgroupMaxSize } = gpu.info
  const lines = [
    `weights: ${network.source}`,
    `adapter: ${[vendor, architecture, device, description].filter((word) => word !== "").join(", ")}`,
    `limits: ${LIMITS.map((limit) => `${limit} ${gpu.limits[limit].toLocaleString("en")}`).join(", ")}`,
    `subgroups: ${subgroupMinSize} to ${subgroupMaxSize}`,
    `features: ${[...gpu.features].sort().join(" ")}`
  ]
  const batch = software ? 8 : fittingBatch((batch) => networkKernels(network, batch, "float32"), gpu.limits)
  return { name, software, batch, lines } satisfies AdapterReport
})

const work = Effect.fnUntraced(function* (text: string, weights: string) {
  const task = yield* Schema.decodeUnknownEffect(Task)(text)
  const network = yield* findNetwork(weights)
  if (task.task === "adapter") return yield* describeAdapter(network)
  if (task.task === "profile") return (yield* profile(network, task.batch, task.precision)) ?? null
  return yield* measureRow(task.name, network, task.batch, task.seconds)
})

/** What a process said, or in one sentence why it failed. */
export type Reply<A> = { readonly value: A } | { readonly failure: string }

/** What the reply's line begins with: other programs print, too. */
export const MARK = "reply "

/** Does a task, given as JSON, with the weights in a folder where there are any, and prints the reply. */
export const answer = (task: string, weights: string) =>
  work(task, weights).pipe(
    Effect.match({
      onSuccess: (value): Reply<unknown> => ({ value }),
      onFailure: ({ message }): Reply<unknown> => ({ failure: message.split("\n", 1)[0]! })
    }),
    Effect.flatMap((reply) => Console.log(`${MARK}${JSON.stringify(reply)}`)),
    Effect.provide([NodeServices.layer, FetchHttpClient.layer])
  )
