import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Console, Effect, Schema } from "effect"
import { Command, Flag } from "effect/cli"
import packageJson from "../package.json"
import { jsonFlag, wholeNumber } from "../pipelines/cli/flags.ts"
import { table } from "../pipelines/cli/summaryText.ts"
import { MAX_AUGMENTATIONS } from "../src/augment/variants.ts"
import { limitsFor } from "../src/runs/cluster/cutShards.ts"
import { type Assumptions, type Estimate, estimate, type Resource } from "./simulate.ts"

const positive = Schema.NumberFromString.check(Schema.isBetween({ minimum: 1e-6, maximum: 1e12 }))
const count = Schema.NumberFromString.check(Schema.isInt(), Schema.isBetween({ minimum: 1, maximum: 1e12 }))
const counts = Schema.String.check(Schema.isPattern(/^[1-9]\d*(,[1-9]\d*)*$/))

const number = (name: string, fallback: number, what: string, source: string) =>
  Flag.String(name).pipe(
    Flag.withSchema(positive),
    Flag.withDescription(`${what} (default: ${fallback}, ${source})`),
    Flag.withDefault(fallback)
  )

const HERE = "measured on two shared cores of an AMD EPYC"
const AWS = "published by Amazon for us-east-1"
const ASSUMED = "assumed"

const input = {
  recordings: Flag.String("recordings").pipe(
    Flag.withSchema(count),
    Flag.withDescription("Recordings that are not embedded yet, such as 250000 or 10e6")
  ),
  workers: Flag.String("workers").pipe(
    Flag.withSchema(counts),
    Flag.withDescription("Numbers of workers to compare (default: 1,8,64)"),
    Flag.withDefault("1,8,64")
  ),
  augmentations: Flag.Int("augmentations").pipe(
    Flag.withSchema(wholeNumber(0, MAX_AUGMENTATIONS)),
    Flag.withDescription("Augmented variants beside the original (default: 5)"),
    Flag.withDefault(5)
  ),
  audit: Flag.Boolean("audit").pipe(
    Flag.withDescription("Whether audit copies are written; --no-audit leaves them out"),
    Flag.withDefault(true)
  ),
  seconds: number("seconds", 4, "Seconds of a recording", ASSUMED),
  megabytes: number("megabytes", 0.7, "Megabytes of a recording", ASSUMED),
  classes: number("classes", 4, "Classes, which are prefixes of the bucket", ASSUMED),
  cores: number("cores", 2, "Processor cores of a worker", "as measured"),
  engineRate: number("engine-rate", 1_340, "Patches a second through a worker's engine, alone", HERE),
  gpu: Flag.Boolean("gpu").pipe(
    Flag.withDescription("The engine is a graphics card, and does not take the cores' time; give its --engine-rate"),
    Flag.withDefault(false)
  ),
  prepareSeconds: number(
    "prepare-seconds",
    0.042,
    "Core seconds to decode and augment a recording",
    `what is left of the stream; ${HERE}`
  ),
  overhead: number("shard-overhead", 60, "Milliseconds of a worker that a shard costs beside its work", HERE),
  dispatch: number("dispatch-rate", 20, "Shards a second that the coordinator hands out", `at least; ${HERE}`),
  list: number("list-rate", 5_000, "Keys listed a second", ASSUMED),
  network: number("network", 300, "Megabytes a second between a worker and the bucket", ASSUMED),
  trainRate: number("train-rate", 1_700, "Recordings a second and epoch in training", HERE),
  epochs: number("epochs", 30, "Epochs until training stops early", ASSUMED),
  gets: number("get-rate", 5_500, "GETs a second and prefix", AWS),
  puts: number("put-rate", 3_500, "PUTs a second and prefix", AWS),
  workerHour: number("worker-hour", 0.085, "Dollars for a worker's hour", ASSUMED),
  putPrice: number("put-price", 0.005, "Dollars for 1,000 PUTs or LISTs", AWS),
  getPrice: number("get-price", 0.0004, "Dollars for 1,000 GETs", AWS),
  json: jsonFlag()
}
type Options = Command.Command.Config.Infer<typeof input>

const assumptionsOf = (options: Options): Assumptions => ({
  variants: options.augmentations + 1,
  seconds: options.seconds,
  bytes: options.megabytes * 1e6,
  // A patch is 0.96 s and begins every 0.48 s; the tail is padded.
  patches: Math.max(1, Math.ceil((options.seconds - 0.96) / 0.48) + 1),
  engineRate: options.engineRate,
  prepareSeconds: options.prepareSeconds,
  cores: options.cores,
  sharesCores: !options.gpu,
  shardOverhead: options.overhead,
  dispatchRate: options.dispatch,
  listRate: options.list,
  network: options.network * 1e6,
  getRate: options.gets,
  putRate: options.puts,
  audit: options.audit,
  classes: options.classes,
  trainRate: options.trainRate,
  epochs: options.epochs,
  workerHour: options.workerHour,
  putPrice: options.putPrice,
  getPrice: options.getPrice
})

const handle = Effect.fn("plan")(function* (options: Options) {
  const assumptions = assumptionsOf(options)
  const limits = limitsFor(options.recordings)
  const perShard = Math.max(
    1,
    Math.min(
      limits.recordings,
      Math.floor(limits.bytes / assumptions.bytes),
      Math.floor(limits.seconds / options.seconds)
    )
  )
  const estimates = options.workers
    .split(",")
    .map((workers) => estimate(options.recordings, Number(workers), perShard, assumptions))
  if (options.json) return yield* Console.log(JSON.stringify({ assumptions, perShard, estimates }))
  yield* Console.log(describe(options, assumptions, perShard, estimates))
})

const describe = (
  { recordings }: Options,
  assumptions: Assumptions,
  perShard: number,
  estimates: ReadonlyArray<Estimate>
): string => {
  const rows = estimates.map(({ workers, list, embed, finish, dollars, saturated, load }) => [
    String(workers),
    duration(list),
    duration(embed),
    duration(finish),
    duration(list + embed + finish),
    `$${dollars < 10 ? dollars.toFixed(2) : Math.round(dollars).toLocaleString("en-US")}`,
    saturated,
    busiest(load, saturated)
  ])
  const [{ shards, gets, puts, lists }] = estimates as [Estimate, ...Array<Estimate>]
  const vectors = recordings * assumptions.variants * 4096
  return [
    table([["workers", "list", "embed", "train", "in all", "cost", "waits for", "next busiest"], ...rows]),
    "",
    `${whole(recordings)} recordings in ${whole(shards)} shards of ${perShard}; S3 answers ${whole(gets)} GETs, ${whole(puts)} PUTs and ${whole(lists)} LISTs.`,
    `Training loads ${(vectors / 1e9).toFixed(1)} GB of vectors into the memory of one worker.`,
    "",
    "Assumed (each is a flag; --help says which were measured, and where):",
    ...Object.entries(assumptions).map(([name, value]) => `  ${name.padEnd(16)} ${value}`),
    "Workers are paid while recordings are listed and embedded, one of them while it trains. Not counted: storage,",
    "traffic out of the region, the database, and workers that die."
  ].join("\n")
}

const whole = (value: number): string => Math.round(value).toLocaleString("en-US")

const busiest = (load: Estimate["load"], saturated: Resource): string => {
  const [name, share] = Object.entries(load)
    .filter(([name]) => name !== saturated)
    .sort(([, a], [, b]) => b - a)[0]!
  return `${name} ${Math.round(100 * share)} %`
}

const duration = (seconds: number): string =>
  seconds < 120
    ? `${seconds.toFixed(0)} s`
    : seconds < 7200
      ? `${(seconds / 60).toFixed(0)} min`
      : `${(seconds / 3600).toFixed(1)} h`

const command = Command.make("plan", input, handle).pipe(
  Command.withDescription(
    "Says what a run over a large corpus would take on some workers: time, requests, cost; does nothing"
  ),
  Command.withExamples([
    { command: "bun run plan --recordings 10e6 --workers 1,8,64", description: "A season of recorders" },
    { command: "bun run plan --recordings 1e6 --gpu --engine-rate 20000", description: "With graphics cards" }
  ])
)

if (import.meta.main) {
  Command.run(command, { version: packageJson.version }).pipe(Effect.provide(NodeServices.layer), NodeRuntime.runMain)
}
