import { dirname, join, resolve } from "node:path"
import { Console, DateTime, Effect, FileSystem, Option, Schema } from "effect"
import { CliError, Command, Flag } from "effect/cli"
import packageJson from "../package.json"
import { evaluationPage } from "../src/classifier/evaluation/evaluationPage.ts"
import { HEAD_NAMES, HEADS, isOffered } from "../src/classifier/heads/heads.ts"
import { Settings } from "../src/config/settings.ts"
import type { Embedder } from "../src/embedder/embedder.ts"
import { evaluate } from "../src/runs/evaluate/evaluate.ts"
import type { EvaluateOptions } from "../src/runs/evaluate/options.ts"
import { runServices, settledEmbedder } from "../src/runs/services.ts"
import { openStore } from "../src/store/openStore.ts"
import { afarFlags, fieldFlags, lengthsOf, partFlags, ratiosOf, unknownFlags, waysOf } from "./cli/evaluateFlags.ts"
import { evaluationText } from "./cli/evaluationText.ts"
import { jsonFlag, searchLimits, storeFlag, trainingFlags, wholeNumber } from "./cli/flags.ts"
import { onTerminal } from "./cli/onTerminal.ts"
import { runEvents } from "./cli/runEvents.ts"
import { runMain } from "./cli/runMain.ts"
import { Reporter } from "./cli/terminal.ts"

const { augmentations, epochs, batchSize, seed, searchSeconds, searchHeads } = trainingFlags
const COMPARABLE = [...HEAD_NAMES, "auto"] as const

const input = {
  store: storeFlag(),
  compare: Flag.String("compare").pipe(
    Flag.withDescription(
      `Heads to compare with the first of them: ${COMPARABLE.join(", ")} (default: all that the embedder allows, without auto)`
    ),
    Flag.optional
  ),
  folds: Flag.Int("folds").pipe(
    Flag.withSchema(wholeNumber(2, 100)),
    Flag.withDescription("Parts that the sources are dealt into; each is tested by what the others train (default: 5)"),
    Flag.withDefault(5)
  ),
  repeats: Flag.Int("repeats").pipe(
    Flag.withSchema(wholeNumber(1, 100)),
    Flag.withDescription("How often the sources are dealt anew (default: 3; 1 with --by or --test)"),
    Flag.optional
  ),
  ...partFlags,
  background: Flag.String("background").pipe(
    Flag.withDescription(
      "The class that false alarms are counted in (default: one called clips, background or the like, else all others)"
    ),
    Flag.optional
  ),
  ...fieldFlags,
  ...afarFlags,
  ...unknownFlags,
  report: Flag.String("report").pipe(
    Flag.withDescription("Where to write the page with pictures (default: evaluation.html)"),
    Flag.withDefault("evaluation.html")
  ),
  augmentations,
  epochs,
  batchSize,
  seed: seed.pipe(Flag.withDescription("Deals the sources into folds and seeds the trainings (default: 0)")),
  searchSeconds,
  searchHeads,
  json: jsonFlag()
}
type Options = Command.Command.Config.Infer<typeof input>

const Heads = Schema.NonEmptyArray(Schema.Literals(COMPARABLE))

const handle = Effect.fn("evaluate.command")(function* (options: Options) {
  const settings = yield* Settings
  const { progress, end } = yield* Reporter
  const wanted = yield* Effect.transposeOption(
    Option.map(options.compare, (text) => Schema.decodeUnknownEffect(Heads)(text.split(",").map((name) => name.trim())))
  ).pipe(Effect.mapError(() => refuse(`--compare takes heads separated by commas: ${COMPARABLE.join(", ")}.`)))
  if (Option.isSome(options.by) && Option.isSome(options.test)) {
    return yield* refuse("--by leaves parts of the store out, and --test tests on another one: say one of them.")
  }
  yield* tryPlaces(options)
  const { writeFileString } = yield* FileSystem.FileSystem
  const opened = yield* openStore(options.store)
  if (Option.isNone(opened)) return yield* refuse("No store is given: add --store.")
  const test = yield* storeToTestOn(options.test)
  const embedder = yield* settledEmbedder({ allowUntrained: false })
  const heads = yield* onOffer(wanted, embedder)
  const { evaluation, notes } = yield* evaluate(embedder, asked(heads, test, options), progress).pipe(
    Effect.provide(runServices(opened.value, embedder, settings))
  )
  yield* end
  if (evaluation === undefined) {
    yield* Console.log(["", ...notes].join("\n"))
    if (options.json) yield* Console.log(JSON.stringify({ heads: [], notes }))
    return
  }
  yield* Console.log(evaluationText(evaluation))
  const page = evaluationPage(evaluation, opened.value.location, DateTime.toDateUtc(yield* DateTime.now))
  yield* writeFileString(options.report, page)
  yield* Console.log(`\nPictures: ${options.report}`)
  if (options.json) yield* Console.log(JSON.stringify(evaluation))
})

/** The heads asked for, all of which the embedder must allow, or, where none are, all that it does. */
const onOffer = Effect.fnUntraced(function* (wanted: Option.Option<typeof Heads.Type>, embedder: Embedder) {
  const layers = { scores: embedder.scores, vectors: embedder.frontEnd.vectors }
  const offered = HEAD_NAMES.filter((name) => isOffered(HEADS[name], layers))
  if (Option.isNone(wanted)) return offered
  const [lacking] = wanted.value.filter((name) => name !== "auto" && !offered.includes(name))
  if (lacking === undefined) return wanted.value
  return yield* refuse(
    `The head ${lacking} is not on offer: ${embedder.name} does not give what it needs. There are ${offered.join(", ")}.`
  )
})

/** Fails where what is written at the end could not be: an evaluation may take an hour. */
const tryPlaces = Effect.fnUntraced(function* ({ report, keep }: Options) {
  const { access, makeDirectory, stat } = yield* FileSystem.FileSystem
  const folder = dirname(resolve(report))
  // With a slash behind it, a file is no folder.
  yield* access(join(folder, "/"), { writable: true }).pipe(
    Effect.mapError(() => refuse(`The report cannot be written into ${folder}: name another place with --report.`))
  )
  const isFolder = yield* stat(report).pipe(
    Effect.map(({ type }) => type === "Directory"),
    Effect.orElseSucceed(() => false)
  )
  if (isFolder) return yield* refuse(`${report} is a folder: name the report's file with --report.`)
  if (Option.isNone(keep)) return
  yield* makeDirectory(keep.value, { recursive: true }).pipe(
    Effect.andThen(access(keep.value, { writable: true })),
    Effect.mapError(() => refuse(`Soundscapes cannot be written into ${keep.value}: name another folder with --keep.`))
  )
})

const storeToTestOn = Effect.fnUntraced(function* (test: Options["test"]) {
  if (Option.isNone(test)) return undefined
  const opened = yield* openStore(test)
  if (Option.isNone(opened)) return yield* refuse("--test names no store.")
  return { name: test.value, store: opened.value }
})

const asked = (
  heads: EvaluateOptions["heads"],
  test: EvaluateOptions["test"],
  { augmentations, epochs, batchSize, seed, folds, unknown, ...options }: Options
): EvaluateOptions => {
  const keep = Option.getOrUndefined(options.keep)
  return {
    ...{ heads, test, augmentations, epochs, batchSize, seed, folds, unknown },
    search: searchLimits(options),
    repeats: Option.getOrUndefined(options.repeats),
    by: Option.getOrUndefined(options.by),
    background: Option.getOrUndefined(options.background),
    field:
      options.field || keep !== undefined
        ? {
            seconds: 60 * options.fieldMinutes,
            perHour: options.perHour,
            snr: ratiosOf(options.snr)!,
            ...lengthsOf(options.eventSeconds)!,
            seed,
            onlySoundscapes: keep !== undefined,
            keep
          }
        : undefined,
    afar: Option.getOrUndefined(Option.map(options.afar, (ways) => waysOf(ways)!)),
    kinds: Option.getOrUndefined(options.kinds)
  }
}

const refuse = (cause: string) => new CliError.UserError({ cause: new Error(cause) })

const command = Command.make("evaluate", input, (options) =>
  handle(options).pipe(Effect.provide(runEvents), onTerminal(options.json))
).pipe(
  Command.withDescription("Says how classifiers trained from the store's recordings fare on sources never heard"),
  Command.withExamples([
    { command: "bun run evaluate --store recordings", description: "Compare every head with EcoSight's network" },
    { command: "bun run evaluate --compare linear,audioset --repeats 10 --json", description: "Closer, for a script" }
  ])
)

/** This command, as a program. */
export const main = () => runMain(Command.run(command, { version: packageJson.version }))

if (import.meta.main) main()
