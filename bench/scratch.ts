import { cp, mkdir, mkdtemp, rm } from "node:fs/promises"
import { loadavg, tmpdir } from "node:os"
import { dirname, join, resolve } from "node:path"
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Console, Effect, Option, Schema } from "effect"
import { CliError, Command, Flag } from "effect/cli"
import packageJson from "../package.json"
import { jsonFlag, wholeNumber } from "../pipelines/cli/flags.ts"
import { table } from "../pipelines/cli/summaryText.ts"
import { capture } from "./capture.ts"
import { BenchError } from "./inProcess.ts"
import { machine } from "./machine.ts"
import { runPeer } from "./peers.ts"

// EcoSight's own retraining and this one, in turn, of the same recordings; from scratch, or where all but some of the
// recordings are embedded here (EcoSight keeps nothing of a run that the next one could use). Both augment five times, keep
// the copies, embed and train; what is only done here, hearing the model in a soundscape, is left out. A peer's Python:
//   python3.11 -m venv PEER
//   PEER/bin/pip install tensorflow-cpu==2.15.1 tensorflow-hub==0.15.0 librosa==0.10.1 scikit-learn==1.3.2 tqdm "setuptools<81"
//   PEER/bin/python bench/peers/yamnet_saved_model.py yamnet.h5 OUT   # where TensorFlow Hub is not reached

const PRECISIONS = ["float32", "int8"] as const
const PROGRAMS = ["EcoSight", ...PRECISIONS] as const
type Program = (typeof PROGRAMS)[number]

/** Seconds of a whole run by the clock and of the processor, and of its stages by the clock. */
interface Run {
  readonly clock: number
  readonly processor: number
  readonly embedding: number
  readonly training: number
  /** What a program tells beside: all its stages, counts. */
  readonly told: Readonly<Record<string, number>>
}
type Round = Readonly<Record<Program, Run>> & { readonly load: number }

const input = {
  ecosight: Flag.String("ecosight").pipe(Flag.withDescription("A checkout of EcoSight; nothing in it is changed")),
  recordings: Flag.String("recordings").pipe(
    Flag.withDescription("A folder with WAV and MP3 recordings in extracted_audio/<class>/; it is copied")
  ),
  yamnet: Flag.String("yamnet").pipe(
    Flag.withDescription(
      "A SavedModel that EcoSight takes YAMNet from (default: TensorFlow Hub's, which it downloads)"
    ),
    Flag.optional
  ),
  python: Flag.String("python").pipe(
    Flag.withDescription("A Python with what EcoSight takes (default: python3)"),
    Flag.withDefault("python3")
  ),
  program: Flag.String("program").pipe(
    Flag.withDescription("The one file that bun run package makes, to run instead of this checkout"),
    Flag.optional
  ),
  rounds: Flag.Int("rounds").pipe(
    Flag.withSchema(wholeNumber(1, 100)),
    Flag.withDescription("How often each runs, in turn (default: 3)"),
    Flag.withDefault(3)
  ),
  fresh: Flag.Int("new").pipe(
    Flag.withSchema(wholeNumber(1, 1_000_000)),
    Flag.withDescription("So many recordings are new, and all others are embedded here before (default: all are new)"),
    Flag.optional
  ),
  json: jsonFlag()
}
type Options = Command.Command.Config.Infer<typeof input>

const timed = <A, E, R>(work: Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const began = performance.now()
    return Effect.map(work, (result) => ({ result, clock: (performance.now() - began) / 1000 }))
  })

// All stay until the end: ext4 looks for a minute at each file that has been removed before it makes another (1.5 ms each after
// a few hundred), so that a run would pay for the one before it.
const temporary = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "ecosight-bench-"))),
  (folder) => Effect.promise(() => rm(folder, { recursive: true }))
)

const runTheirs = Effect.fnUntraced(function* ({ ecosight, recordings, python, yamnet }: Options) {
  const task = {
    ecosight: resolve(ecosight),
    recordings: resolve(recordings),
    folder: yield* temporary,
    ...(Option.isSome(yamnet) && { yamnet: resolve(yamnet.value) })
  }
  const peer = { script: "ecosight_pipeline.py", name: "EcoSight" }
  const { result, clock } = yield* timed(runPeer(python, peer, task))
  const { figures, absent, processor } = result
  if (absent.length > 0) return yield* new BenchError({ message: absent.join("; ") })
  const told = Object.fromEntries(figures.map(({ what, median }) => [what, median]))
  const { augmentation = 0, embedding = 0, training = 0 } = told
  return { clock, processor, embedding: augmentation + embedding, training, told }
})

const Summary = Schema.fromJsonString(
  Schema.Struct({
    embedded: Schema.Int,
    reused: Schema.Int,
    variants: Schema.Int,
    patches: Schema.Int,
    seconds: Schema.Record(Schema.String, Schema.Finite)
  })
)

const CHECKOUT = [process.execPath, resolve(import.meta.dir, "../pipelines/retrain.ts")]

const runOurs = Effect.fnUntraced(function* ({ program }: Options, store: string, precision: string) {
  const own = Option.match(program, { onNone: () => CHECKOUT, onSome: (file) => [resolve(file), "retrain"] })
  const command = [...own, "--store", store, "--json"]
  const environment = { PRECISION: precision, FIELD_MINUTES: "0" }
  const { result, clock } = yield* timed(Effect.promise(() => capture(command, environment)))
  if (result.ended !== 0) {
    return yield* new BenchError({ message: `It failed in ${precision}: ${result.complaints.split("\n").at(-1)}` })
  }
  const last = result.output.trimEnd().split("\n").at(-1)!
  const { seconds, ...counts } = yield* Effect.orDie(Schema.decodeUnknownEffect(Summary)(last))
  const { stream = 0, train = 0 } = seconds
  return { clock, processor: result.processor, embedding: stream, training: train, told: { ...seconds, ...counts } }
})

const copyAll = (names: ReadonlyArray<string>, from: string, to: string) =>
  Effect.promise(async () => {
    for (const name of names) {
      await mkdir(dirname(join(to, name)), { recursive: true })
      await cp(join(from, name), join(to, name), { preserveTimestamps: true })
    }
  })

/** All recordings in a folder, and those of them that count as new: evenly among all, or all. */
const recordingsIn = Effect.fnUntraced(function* (folder: string, fresh: Option.Option<number>) {
  const all = yield* Effect.try({
    try: () => [...new Bun.Glob("extracted_audio/*/*.{wav,mp3}").scanSync({ cwd: folder })].sort(),
    catch: () => new BenchError({ message: `There is no folder ${folder}.` })
  })
  const count = Option.getOrElse(fresh, () => all.length)
  if (all.length === 0 || count > all.length) {
    const few = all.length === 0 ? "no WAV or MP3 files" : `${all.length} recordings, fewer than ${count}`
    return yield* new BenchError({ message: `${folder} holds ${few} in extracted_audio/<class>/.` })
  }
  const step = all.length / count
  const isNew = new Set(Array.from({ length: count }, (_, i) => all[Math.floor((i + 0.5) * step)]!))
  return { all, fresh: [...isNew], stored: all.filter((name) => !isNew.has(name)) }
})

const medianOf = (values: ReadonlyArray<number>) => {
  const sorted = values.toSorted((a, b) => a - b)
  return (sorted[(sorted.length - 1) >> 1]! + sorted[sorted.length >> 1]!) / 2
}

const QUANTITIES = {
  "by the clock": ({ clock }: Run) => clock,
  "of the processor": ({ processor }: Run) => processor,
  "augmentation and embedding": ({ embedding }: Run) => embedding,
  training: ({ training }: Run) => training,
  "the rest": ({ clock, embedding, training }: Run) => clock - embedding - training
}

/** Medians of each quantity, in seconds, and how many times EcoSight's is of ours. */
const compare = (rounds: ReadonlyArray<Round>) =>
  Object.entries(QUANTITIES).map(([what, quantity]) => {
    const of = (program: Program) => medianOf(rounds.map((round) => quantity(round[program])))
    const ours = PRECISIONS.map((precision) => ({ precision, median: of(precision) }))
    return { what, theirs: of("EcoSight"), ours: ours.map((it) => ({ ...it, ratio: of("EcoSight") / it.median })) }
  })

const describe = (compared: ReturnType<typeof compare>) =>
  table([
    ["seconds, medians", "EcoSight", ...PRECISIONS.flatMap((precision) => [precision, "ratio"])],
    ...compared.map(({ what, theirs, ours }) => [
      what,
      theirs.toFixed(1),
      ...ours.flatMap(({ median, ratio }) => [median.toFixed(1), `${ratio.toFixed(2)} ×`])
    ])
  ])

const scratch = Effect.fn("scratch")(function* (options: Options) {
  const folder = resolve(options.recordings)
  const { all, fresh, stored } = yield* recordingsIn(folder, options.fresh)
  const bases = yield* Effect.forEach(PRECISIONS, (precision) =>
    Effect.gen(function* () {
      const base = yield* temporary
      yield* copyAll(stored, folder, base)
      if (stored.length > 0) yield* runOurs(options, base, precision)
      return base
    })
  )
  const ours = (precision: (typeof PRECISIONS)[number]) =>
    Effect.gen(function* () {
      const store = yield* temporary
      const base = bases[PRECISIONS.indexOf(precision)]!
      yield* Effect.promise(() => cp(base, store, { recursive: true, preserveTimestamps: true }))
      yield* copyAll(fresh, folder, store)
      return yield* runOurs(options, store, precision)
    })
  const rounds: Array<Round> = []
  for (let round = 1; round <= options.rounds; round++) {
    const load = loadavg()[0]!
    const theirs = yield* runTheirs(options)
    rounds.push({ load, EcoSight: theirs, float32: yield* ours("float32"), int8: yield* ours("int8") })
    const told = PROGRAMS.map((program) => {
      const { clock, processor } = rounds.at(-1)![program]
      return `${program} ${clock.toFixed(1)} s, ${processor.toFixed(1)} of the processor`
    })
    yield* Console.log(`${round} of ${options.rounds}: ${told.join("; ")}`)
  }
  const here = yield* machine
  const compared = compare(rounds)
  const size = fresh.length === all.length ? "from scratch" : `${fresh.length} of them new`
  yield* Console.log(
    `\n${here.processor}, ${here.cores} cores; ${all.length} recordings, ${size}\n\n${describe(compared)}`
  )
  if (options.json) {
    yield* Console.log(JSON.stringify({ machine: here, recordings: all.length, new: fresh.length, compared, rounds }))
  }
}, Effect.scoped)

const command = Command.make("bench:scratch", input, (options) =>
  scratch(options).pipe(Effect.mapError((cause) => new CliError.UserError({ cause })))
).pipe(
  Command.withDescription(
    "Measures EcoSight's own retraining and this one, in float32 and int8, in turn on the same recordings"
  ),
  Command.withExamples([
    {
      command: "bun run bench:scratch --ecosight EcoSight --recordings . --python PEER/bin/python --json",
      description: "From scratch, three rounds"
    },
    {
      command: "bun run bench:scratch --ecosight EcoSight --recordings . --python PEER/bin/python --new 20",
      description: "Twenty recordings are new since the last run"
    }
  ])
)

Command.run(command, { version: packageJson.version }).pipe(Effect.provide(NodeServices.layer), NodeRuntime.runMain)
