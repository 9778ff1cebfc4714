import { dirname, resolve } from "node:path"
import { Clock, Console, DateTime, Effect, FileSystem, Layer, Option, Schema } from "effect"
import { CliError, Command, Flag } from "effect/cli"
import { FetchHttpClient } from "effect/http"
import packageJson from "../package.json"
import { trainCalibrated } from "../src/classifier/evaluation/calibrated.ts"
import { type Evaluation, evaluateHeads } from "../src/classifier/evaluation/evaluation.ts"
import { evaluationPage } from "../src/classifier/evaluation/evaluationPage.ts"
import { classTable, explain, headTable } from "../src/classifier/evaluation/figureTables.ts"
import { type OutOfFold, outOfFold } from "../src/classifier/evaluation/outOfFold.ts"
import { HEAD_NAMES, type HeadName } from "../src/classifier/heads/heads.ts"
import { nativeBackend } from "../src/classifier/train/nativeBackend.ts"
import { Settings } from "../src/config/settings.ts"
import { embeddedCorpus } from "../src/runs/embedded.ts"
import { planRun } from "../src/runs/retrain.ts"
import { runServices, settledEmbedder } from "../src/runs/services.ts"
import { openStore } from "../src/store/openStore.ts"
import { RunEvents } from "../src/stream/events.ts"
import { tellFailure } from "./cli/failure.ts"
import { jsonFlag, searchLimits, storeFlag, trainingFlags, wholeNumber } from "./cli/flags.ts"
import { runMain } from "./cli/runMain.ts"
import { table } from "./cli/summaryText.ts"
import { Reporter, reporterLogger } from "./cli/terminal.ts"

const { augmentations, epochs, batchSize, seed, searchSeconds, searchHeads } = trainingFlags
const COMPARABLE = [...HEAD_NAMES, "auto"] as const

const input = {
  store: storeFlag(),
  compare: Flag.String("compare").pipe(
    Flag.withDescription(`Heads to compare with the first of them: ${COMPARABLE.join(", ")} (default: all but auto)`),
    Flag.withDefault(HEAD_NAMES.join(","))
  ),
  folds: Flag.Int("folds").pipe(
    Flag.withSchema(wholeNumber(2, 100)),
    Flag.withDescription("Parts that the sources are dealt into; each is tested by what the others train (default: 5)"),
    Flag.withDefault(5)
  ),
  repeats: Flag.Int("repeats").pipe(
    Flag.withSchema(wholeNumber(1, 100)),
    Flag.withDescription("How often the sources are dealt anew (default: 3)"),
    Flag.withDefault(3)
  ),
  background: Flag.String("background").pipe(
    Flag.withDescription(
      "The class that false alarms are counted in (default: one called clips, background or the like, else all others)"
    ),
    Flag.optional
  ),
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

const handle = Effect.fn("evaluate")(function* (options: Options) {
  const settings = yield* Settings
  const heads = yield* Schema.decodeUnknownEffect(Heads)(options.compare.split(",").map((name) => name.trim())).pipe(
    Effect.mapError(() => refuse(`--compare takes heads separated by commas: ${COMPARABLE.join(", ")}.`))
  )
  const folder = dirname(resolve(options.report))
  const { access, writeFileString } = yield* FileSystem.FileSystem
  yield* access(folder, { writable: true }).pipe(
    Effect.mapError(() => refuse(`The report cannot be written into ${folder}: name another place with --report.`))
  )
  const opened = yield* openStore(options.store)
  if (Option.isNone(opened)) return yield* refuse("No store is given: add --store.")
  const embedder = yield* settledEmbedder({ allowUntrained: false })
  return yield* Effect.gen(function* () {
    const { progress, end } = yield* Reporter
    const corpus = yield* embeddedCorpus(yield* planRun(embedder, options.augmentations), false)
    const { dataset, totals } = corpus
    const background = Option.getOrUndefined(options.background)
    if (background !== undefined && !dataset.classes.includes(background)) {
      return yield* refuse(`There is no class "${background}": there are ${dataset.classes.join(", ")}.`)
    }
    const tested: Array<{ readonly head: HeadName | "auto"; readonly seconds: number; readonly result: OutOfFold }> = []
    for (const head of heads) {
      const began = yield* Clock.currentTimeMillis
      const { epochs, batchSize } = options
      const settings = { head, epochs, batchSize, scores: embedder.scores }
      const limits = { ...searchLimits(options), onTrial: () => Effect.void }
      const result = yield* outOfFold(
        dataset,
        options,
        // As a run trains and exports it, calibrated; auto looks anew in each fold, without what the fold tests.
        (split, foldSeed) => trainCalibrated(dataset, split, { ...settings, seed: foldSeed }, limits, nativeBackend),
        (done, total) => progress({ stage: `Testing ${head}`, unit: "folds", done, total })
      )
      tested.push({ head, seconds: ((yield* Clock.currentTimeMillis) - began) / 1000, result })
    }
    yield* end
    const scored = evaluateHeads(dataset, totals.seconds, tested, { ...options, background })
    if (scored === undefined) {
      const { notes } = tested[0]!.result
      yield* Console.log(["", ...notes, UNTESTABLE].join("\n"))
      if (options.json) yield* Console.log(JSON.stringify({ heads: [], notes: [...notes, UNTESTABLE] }))
      return
    }
    const evaluation = { ...scored, notes: [...scored.notes, ...totals.notes] }
    yield* Console.log(describe(evaluation))
    const page = evaluationPage(evaluation, opened.value.location, DateTime.toDateUtc(yield* DateTime.now))
    yield* writeFileString(options.report, page)
    yield* Console.log(`\nPictures: ${options.report}`)
    if (options.json) yield* Console.log(JSON.stringify(evaluation))
  }).pipe(Effect.provide(runServices(opened.value, embedder, settings)))
})

const UNTESTABLE = "Nothing can be tested: add recordings from other sources to at least two classes."

const refuse = (cause: string) => new CliError.UserError({ cause: new Error(cause) })

const describe = (evaluation: Evaluation): string =>
  [
    "",
    table(headTable(evaluation)),
    "",
    table(classTable(evaluation)),
    "",
    explain(evaluation),
    ...evaluation.notes
  ].join("\n")

/** Shows how far embedding is, and what is skipped. */
const events = Layer.effect(
  RunEvents,
  Effect.map(Reporter, ({ progress, print }) =>
    RunEvents.of((event) => {
      if (event.stage === "list") return progress({ stage: "Listing", unit: "recordings", done: event.done })
      if (event.stage === "skip") return Effect.sync(() => print(`Skipped ${event.key}: ${event.reason}`))
      if (event.stage !== "stream") return Effect.void
      return progress({ stage: "Embedding", unit: "clips", done: event.done, total: event.total })
    })
  )
)

const command = Command.make("evaluate", input, (options) =>
  handle(options).pipe(
    Effect.provide(events),
    Effect.provide(reporterLogger),
    Effect.provide(Layer.mergeAll(Settings.layer, Reporter.layer, FetchHttpClient.layer)),
    tellFailure(options.json),
    Effect.mapError((cause) => (CliError.isCliError(cause) ? cause : new CliError.UserError({ cause })))
  )
).pipe(
  Command.withDescription("Says how classifiers trained from the store's recordings fare on sources never heard"),
  Command.withExamples([
    { command: "bun run evaluate --store recordings", description: "Compare every head with EcoSight's network" },
    { command: "bun run evaluate --compare linear,audioset --repeats 10 --json", description: "Closer, for a script" }
  ])
)

if (import.meta.main) {
  runMain(Command.run(command, { version: packageJson.version }))
}
