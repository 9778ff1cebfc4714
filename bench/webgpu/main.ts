import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Console, Effect, Option, Schema } from "effect"
import { CliError, Command, Flag } from "effect/cli"
import packageJson from "../../package.json"
import { jsonFlag } from "../../pipelines/cli/flags.ts"
import { table } from "../../pipelines/cli/summaryText.ts"
import { PRECISIONS } from "../../src/embedder/engine.ts"
import { capture } from "../capture.ts"
import { runPeer } from "../peers.ts"
import { describeProfile, perSecond } from "./describe.ts"
import { lookForCard } from "./look.ts"
import type { Profile } from "./profile.ts"
import type { Rate, RowName } from "./rows.ts"
import { type AdapterReport, answer, MARK, names, type Reply, type Task } from "./task.ts"

// How fast the network runs on this machine's graphics card, against other programs on the same one.

// A driver that hangs must not take the other rows with it, on a machine that is lent by the minute.
const PATIENCE = 60_000

const inProcess = <A>(task: typeof Task.Type, environment: Readonly<Record<string, string>>, patience?: number) =>
  Effect.promise(async (): Promise<Reply<A>> => {
    const command = [process.execPath, import.meta.path, JSON.stringify(task)]
    const { output, complaints, ended } = await capture(command, environment, patience)
    const reply = output.split("\n").find((line) => line.startsWith(MARK))
    if (reply !== undefined) return JSON.parse(reply.slice(MARK.length))
    if (ended === "SIGKILL" && patience !== undefined) return { failure: `it took longer than ${patience / 1000} s` }
    return { failure: `its process ended with ${ended}: ${complaints.slice(-300)}` }
  })

const PEER = { script: "torch_cuda.py", name: "PyTorch" }

// A bundle has no repository: its script says what it was made of.
const commit = () =>
  process.env.ECOSIGHT_COMMIT ??
  Bun.spawnSync(["git", "rev-parse", "HEAD"], { cwd: import.meta.dir, stderr: "ignore" })
    .stdout.toString()
    .trim()

const spread = ({ low, high }: Pick<Rate, "low" | "high">) => `${perSecond(low)} to ${perSecond(high)}`

const bench = Effect.fn("bench.webgpu")(function* (options: {
  readonly batches: Option.Option<string>
  readonly seconds: number
  readonly python: string
  readonly json: boolean
}) {
  const folder = yield* Effect.acquireRelease(
    Effect.promise(() => mkdtemp(join(tmpdir(), "ecosight-webgpu-"))),
    (path) => Effect.promise(() => rm(path, { recursive: true }))
  )
  const { lines, environment } = lookForCard(folder)
  const began = `${packageJson.name} ${packageJson.version}, commit ${commit()}, ${new Date().toISOString()}`
  yield* Console.log([began, ...lines].join("\n"))
  const adapter = yield* inProcess<AdapterReport>({ task: "adapter" }, environment)
  if ("failure" in adapter) {
    return yield* new CliError.UserError({ cause: `${adapter.failure}. What was looked for is above.` })
  }
  yield* Console.log(adapter.value.lines.join("\n"))
  const { batch, software } = adapter.value
  const batches = Option.match(options.batches, {
    onNone: () => (software ? [batch] : [...new Set([64, 128, 256, batch, 1024])]),
    onSome: (text) => text.split(",").map(Number)
  })
  if (!batches.every((size) => Number.isInteger(size) && size >= 1 && size <= 8192)) {
    return yield* new CliError.UserError({ cause: "--batches takes whole numbers from 1 to 8192, such as 64,512." })
  }

  const patience = software ? undefined : PATIENCE + 3000 * options.seconds
  const peer = yield* runPeer(options.python, PEER, { batches, seconds: options.seconds })
  const compared = (rate: number, size: number) => {
    const against = peer.figures.find(({ row, what }) => row === "network" && what === `float32, batch ${size}`)
    return against === undefined ? "-" : (rate / against.median).toFixed(2)
  }
  const measured: Array<{ readonly name: RowName } & Rate> = []
  const rows = peer.figures.map((figure) => {
    const [mode, size] = figure.what.split(", batch ") as [string, string]
    const name = `${figure.peer}, ${mode}${figure.row === "network" ? "" : ", network alone"}`
    return [name, size, perSecond(figure.median), spread(figure), compared(figure.median, Number(size)), "-"]
  })
  for (const name of names) {
    // The processor's batch is its own.
    for (const size of name === "onnxruntime, processor" ? batches.slice(0, 1) : batches) {
      const task = { task: "row", name, batch: size, seconds: options.seconds } as const
      const reply = yield* inProcess<Rate>(task, environment, patience)
      if ("failure" in reply) {
        rows.push([name, String(size), "-", "-", "-", reply.failure])
      } else {
        measured.push({ name, ...reply.value })
        const { median, wrong } = reply.value
        rows.push([
          name,
          String(reply.value.batch),
          perSecond(median),
          spread(reply.value),
          compared(median, size),
          wrong ?? "right"
        ])
      }
      yield* Console.error(`${name}, ${size} patches: ${rows.at(-1)![2]} patches/s`)
    }
  }
  const profiles = yield* Effect.forEach(PRECISIONS, (precision) =>
    inProcess<Profile | null>({ task: "profile", batch, precision }, environment, patience)
  )

  yield* Console.log(
    `\n${table([["what", "batch", "patches/s", "range", "of PyTorch's float32", "numbers"], ...rows])}\n`
  )
  for (const line of peer.absent) yield* Console.log(`Not here: ${line}.\n`)
  for (const [index, profile] of profiles.entries()) {
    const why = "failure" in profile ? profile.failure : "the adapter has no clock, or not this precision"
    const isTimed = "value" in profile && profile.value !== null
    yield* Console.log(isTimed ? `${describeProfile(profile.value)}\n` : `Not timed in ${PRECISIONS[index]}: ${why}.\n`)
  }
  if (options.json) {
    yield* Console.log(
      JSON.stringify({ began, looked: lines, adapter: adapter.value, rows: measured, peers: peer.figures, profiles })
    )
  }
}, Effect.scoped)

const command = Command.make(
  "bench:webgpu",
  {
    batches: Flag.String("batches").pipe(
      Flag.withDescription("Patches at once, such as 64,512 (default: 64, 128, 256, what the engine takes, and 1024)"),
      Flag.optional
    ),
    seconds: Flag.Finite("seconds").pipe(
      Flag.withSchema(Schema.Number.check(Schema.isBetween({ minimum: 0, maximum: 600 }))),
      Flag.withDescription("How long each row is measured, in five rounds (default: 2)"),
      Flag.withDefault(2)
    ),
    python: Flag.String("python").pipe(
      Flag.withDescription("The Python that has PyTorch to compare with (default: python3)"),
      Flag.withDefault("python3")
    ),
    json: jsonFlag()
  },
  bench
).pipe(Command.withDescription("How fast YAMNet runs on this machine's graphics card, against other programs on it"))

const [, , first = ""] = process.argv
const program = first.startsWith("{")
  ? answer(first, join(import.meta.dir, "../../models/yamnet"))
  : Command.run(command, { version: packageJson.version }).pipe(Effect.provide(NodeServices.layer))
NodeRuntime.runMain(program)
