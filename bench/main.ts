import { mkdtemp, rm } from "node:fs/promises"
import { availableParallelism, tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Console, Effect, Layer, Option, Schema } from "effect"
import { CliError, Command, Flag } from "effect/cli"
import { FetchHttpClient } from "effect/http"
import packageJson from "../package.json"
import { jsonFlag } from "../pipelines/cli/flags.ts"
import { table } from "../pipelines/cli/summaryText.ts"
import { Reporter, reporterLogger } from "../pipelines/cli/terminal.ts"
import { Settings } from "../src/config/settings.ts"
import { writeDemoCorpus } from "../src/runs/demo/demoCorpus.ts"
import { folderStore } from "../src/store/folder.ts"
import { Store } from "../src/store/store.ts"
import { decoding, frontEnd, resampling, transforms } from "./audio.ts"
import { coldStart } from "./cold.ts"
import { onCores } from "./cores.ts"
import { fetching } from "./fetching.ts"
import { BenchError } from "./inProcess.ts"
import { machine } from "./machine.ts"
import { Bench, type Measurement } from "./measure.ts"
import { network } from "./network.ts"
import { measurePeers, type PeerFigure, ratioTo } from "./peers.ts"
import { planning } from "./planning.ts"
import { scanning } from "./scan.ts"
import { streaming } from "./stream.ts"
import { training } from "./training.ts"

const present = <E, R>(rows: Effect.Effect<ReadonlyArray<Measurement>, E, R>) =>
  Effect.map(rows, (found) => ({ rows: found, absent: [] as ReadonlyArray<string> }))

/** The table's rows, in the order in which a recording passes them. */
const ROWS = {
  decode: present(decoding),
  resample: present(resampling),
  transforms: present(transforms),
  "front-end": present(frontEnd),
  network,
  training: present(training),
  stream: present(streaming),
  cores: onCores,
  fetching,
  scan: present(scanning),
  planning: present(planning),
  "cold start": present(coldStart)
}
type Row = keyof typeof ROWS
const ROW_NAMES = Object.keys(ROWS) as Array<Row>

const rowsOf = (text: string) => {
  const asked = text.split(",").map((name) => name.trim().replaceAll("-", " "))
  const named = (name: string) => ROW_NAMES.find((row) => row.replaceAll("-", " ") === name)
  const unknown = asked.filter((name) => named(name) === undefined)
  return unknown.length === 0
    ? Effect.succeed(asked.map((name) => named(name)!))
    : Effect.fail(
        new BenchError({ message: `There is no row ${unknown.join(", ")}: rows are ${ROW_NAMES.join(", ")}.` })
      )
}

/** The sounds in a store's extracted_audio, or in any folder. */
const readSounds = Effect.fnUntraced(function* (folder: string) {
  const names = yield* Effect.try({
    try: () => [...new Bun.Glob("extracted_audio/**/*").scanSync({ cwd: folder })].sort(),
    catch: () => new BenchError({ message: `There is no folder ${folder}.` })
  })
  if (names.length === 0) {
    return yield* new BenchError({ message: `${folder} holds no recordings in extracted_audio/<class>/.` })
  }
  return yield* Effect.promise(() =>
    Promise.all(names.map(async (name) => ({ name, bytes: await Bun.file(join(folder, name)).bytes() })))
  )
})

/** Synthesised sounds, where no recordings are given. */
const synthesised = Effect.gen(function* () {
  const folder = yield* Effect.acquireRelease(
    Effect.promise(() => mkdtemp(join(tmpdir(), "ecosight-bench-"))),
    (path) => Effect.promise(() => rm(path, { recursive: true }))
  )
  yield* Effect.provideService(writeDemoCorpus(), Store, folderStore(folder))
  return folder
})

const figure = (value: number): string =>
  value >= 100 ? Math.round(value).toLocaleString("en") : value.toPrecision(value < 1 ? 2 : 3)

const describe = (rows: ReadonlyArray<Measurement>, peers: ReadonlyArray<PeerFigure>): string =>
  table([
    ["", "", "median", "10 to 90 %", "", "of the peer's", ""],
    ...rows.map((row) => {
      const compared = ratioTo(row, peers)
      return [
        row.row,
        row.what,
        figure(row.median),
        `${figure(row.low)} to ${figure(row.high)}`,
        row.unit,
        compared ? `${compared.ratio.toFixed(2)} ×` : "",
        compared ? `${compared.peer.peer}, ${compared.peer.what}: ${figure(compared.peer.median)}` : ""
      ]
    })
  ])

const input = {
  only: Flag.String("only").pipe(
    Flag.withDescription(`Rows to measure, separated by commas: ${ROW_NAMES.join(", ")} (default: all)`),
    Flag.optional
  ),
  recordings: Flag.String("recordings").pipe(
    Flag.withDescription("A folder with recordings in extracted_audio/<class>/ (default: synthesised sounds)"),
    Flag.optional
  ),
  python: Flag.String("python").pipe(
    Flag.withDescription("The Python whose librosa, PyTorch and Keras are compared with (default: python3)"),
    Flag.withDefault("python3")
  ),
  seconds: Flag.Finite("seconds").pipe(
    Flag.withSchema(Schema.Number.check(Schema.isBetween({ minimum: 0, maximum: 600 }))),
    Flag.withDescription("How long each figure is measured, after warming up (default: 2)"),
    Flag.withDefault(2)
  ),
  price: Flag.Finite("price").pipe(
    Flag.withSchema(Schema.Number.check(Schema.isGreaterThan(0))),
    Flag.withDescription(
      "What an hour of this machine costs, in any currency: then stream says what a million clips cost"
    ),
    Flag.optional
  ),
  json: jsonFlag()
}
type Options = Command.Command.Config.Infer<typeof input>

const bench = Effect.fn("bench")(function* ({ only, recordings, python, seconds, price, json }: Options) {
  const { progress, end } = yield* Reporter
  const names = yield* Option.match(only, { onNone: () => Effect.succeed(ROW_NAMES), onSome: rowsOf })
  const folder = Option.isSome(recordings) ? resolve(recordings.value) : yield* synthesised
  const service = { seconds, threads: availableParallelism(), folder, sounds: yield* readSounds(folder), price }
  const stage = (done: number, what: string) =>
    progress({ stage: `Measuring (${what})`, unit: "rows", done, total: names.length + 1 })
  return yield* Effect.gen(function* () {
    const rows: Array<Measurement> = []
    const absent: Array<string> = []
    for (const [i, name] of names.entries()) {
      yield* stage(i, name)
      const found = yield* ROWS[name]
      rows.push(...found.rows)
      absent.push(...found.absent)
    }
    yield* stage(names.length, "peers")
    const peers = yield* measurePeers(python, names)
    yield* end
    absent.push(...peers.absent)
    const here = yield* machine
    yield* Console.log(`${here.processor}, ${here.cores} cores, Bun ${here.bun}, commit ${here.commit}`)
    const sounds = Option.isSome(recordings) ? `${service.sounds.length} recordings of ${folder}` : "Synthesised sounds"
    yield* Console.log(`${sounds}\n`)
    yield* Console.log(describe(rows, peers.figures))
    for (const line of absent) yield* Console.log(`Not here: ${line}.`)
    if (json) {
      const compared = rows.map((row) => {
        const { peer, ratio } = ratioTo(row, peers.figures) ?? {}
        return peer ? { ...row, ratio, peer: `${peer.peer}, ${peer.what}` } : row
      })
      yield* Console.log(JSON.stringify({ machine: here, rows: compared, peers: peers.figures, absent }))
    }
  }).pipe(Effect.provideService(Bench, service))
}, Effect.scoped)

const command = Command.make("bench", input, (options) =>
  bench(options).pipe(
    Effect.provide(reporterLogger),
    Effect.provide(Layer.mergeAll(Settings.layer, Reporter.layer, FetchHttpClient.layer)),
    Effect.mapError((cause) => new CliError.UserError({ cause }))
  )
).pipe(
  Command.withDescription(
    "Measures every stage on this machine, and librosa, PyTorch and Keras where they are installed"
  ),
  Command.withExamples([
    { command: "bun run bench --only network,training", description: "Two of the rows" },
    {
      command: "bun run bench --recordings . --python .venv/bin/python",
      description: "On your recordings, against peers"
    }
  ])
)

Command.run(command, { version: packageJson.version }).pipe(Effect.provide(NodeServices.layer), NodeRuntime.runMain)
