import { dirname, resolve } from "node:path"
import { Clock, Console, DateTime, Effect, FileSystem, Layer, Option, Schema } from "effect"
import { CliError, Command, Flag } from "effect/cli"
import packageJson from "../package.json"
import type { Dataset } from "../src/classifier/dataset.ts"
import { trainCalibrated } from "../src/classifier/evaluation/calibrated.ts"
import { type Evaluation, evaluateHeads } from "../src/classifier/evaluation/evaluation.ts"
import { evaluationPage } from "../src/classifier/evaluation/evaluationPage.ts"
import { type Cut, cutsOf, type OutOfFold, outOfFold } from "../src/classifier/evaluation/outOfFold.ts"
import { partFigures } from "../src/classifier/evaluation/partFigures.ts"
import { cutsByPart, notesOnParts, partsBy } from "../src/classifier/evaluation/parts.ts"
import { answersOf, leaveKindsOut } from "../src/classifier/evaluation/unknown/leaveKindsOut.ts"
import { figuresOnUnknown, type UnknownEvaluation } from "../src/classifier/evaluation/unknown/unknownFigures.ts"
import { HEAD_NAMES, type HeadName } from "../src/classifier/heads/heads.ts"
import type { Split } from "../src/classifier/split.ts"
import { nativeBackend } from "../src/classifier/train/nativeBackend.ts"
import type { TrainedClassifier } from "../src/classifier/train/train.ts"
import { compile } from "../src/config/forms.ts"
import { Settings } from "../src/config/settings.ts"
import type { Embedder } from "../src/embedder/embedder.ts"
import { Engine } from "../src/embedder/engine.ts"
import { Embeddings } from "../src/embeddings/embeddings.ts"
import { evaluateAfar } from "../src/runs/afar/evaluateAfar.ts"
import { embeddedCorpus } from "../src/runs/embedded.ts"
import { evaluateField, type TrainedHead } from "../src/runs/field/evaluateField.ts"
import { keepScene } from "../src/runs/field/keepScene.ts"
import { type JointCorpus, joinCorpora, soleCorpus } from "../src/runs/jointCorpus.ts"
import { planRun } from "../src/runs/retrain.ts"
import { runServices, settledEmbedder } from "../src/runs/services.ts"
import { openStore } from "../src/store/openStore.ts"
import { Store } from "../src/store/store.ts"
import { RunEvents } from "../src/stream/events.ts"
import { type Asked, askedOf } from "./cli/evaluateAsked.ts"
import { afarFlags, fieldFlags, partFlags, ratiosOf, secondsOf, unknownFlags } from "./cli/evaluateFlags.ts"
import { evaluationText } from "./cli/evaluationText.ts"
import { jsonFlag, searchLimits, storeFlag, trainingFlags, wholeNumber } from "./cli/flags.ts"
import { onTerminal } from "./cli/onTerminal.ts"
import { runMain } from "./cli/runMain.ts"
import { Reporter } from "./cli/terminal.ts"

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
    const corpus = yield* corpusOf(embedder, options)
    const { dataset } = corpus
    const asked = yield* askedOf(dataset, options)
    const { cuts, untested } = yield* cutsFor(corpus, options)
    const isByPart = cuts.some(({ part }) => part !== undefined)
    const plan = { folds: options.folds, repeats: repeatsOf(options), seed: options.seed, cuts }
    const tested: Array<{ readonly head: HeadName | "auto"; readonly seconds: number; readonly result: OutOfFold }> = []
    const trained: Array<TrainedHead & { readonly head: HeadName | "auto" }> = []
    for (const head of heads) {
      const began = yield* Clock.currentTimeMillis
      const train = trainer(head, embedder, options)
      const classifiers = new Map<Split, TrainedClassifier>()
      const result = yield* outOfFold(
        dataset,
        plan,
        (split, foldSeed) =>
          train(dataset, split, foldSeed).pipe(
            Effect.tap((classifier) => Effect.sync(() => classifiers.set(split, classifier)))
          ),
        (done, total) => progress({ stage: `Testing ${head}`, unit: isByPart ? "parts" : "folds", done, total })
      )
      tested.push({ head, seconds: ((yield* Clock.currentTimeMillis) - began) / 1000, result })
      trained.push({ head, classifiers })
    }
    yield* end
    const scored = evaluateHeads(dataset, corpus.seconds, tested, {
      folds: isByPart ? cuts.length / plan.repeats : options.folds,
      repeats: plan.repeats,
      background: Option.getOrUndefined(options.background)
    })
    if (scored === undefined) {
      const notes = [...tested[0]!.result.notes, ...untested, UNTESTABLE]
      yield* Console.log(["", ...notes].join("\n"))
      if (options.json) yield* Console.log(JSON.stringify({ heads: [], notes }))
      return
    }
    const field = asked.field && (yield* inTheField(corpus, cuts, trained, asked.field, embedder.scores, options))
    const afar = asked.afar && (yield* fromAfar(corpus, cuts, trained, asked.afar, options))
    const unknown = asked.unknown && (yield* onUnknown(dataset, cuts, trained, asked.unknown, embedder, options))
    const evaluation: Evaluation = {
      ...scored,
      ...(isByPart && { parts: partFigures(dataset, cuts, tested) }),
      ...(field && { field }),
      ...(afar && { afar }),
      ...(unknown && { unknown }),
      notes: [untested, scored.notes, corpus.notes, field?.notes, afar?.notes].flatMap((own) => own ?? [])
    }
    yield* Console.log(evaluationText(evaluation))
    const page = evaluationPage(evaluation, opened.value.location, DateTime.toDateUtc(yield* DateTime.now))
    yield* writeFileString(options.report, page)
    yield* Console.log(`\nPictures: ${options.report}`)
    if (options.json) yield* Console.log(JSON.stringify(evaluation))
  }).pipe(Effect.provide(runServices(opened.value, embedder, settings)))
})

/** Trains a head as a run trains and exports it, calibrated; auto looks anew each time, without what the split holds out. */
const trainer = (head: HeadName | "auto", { scores }: Embedder, options: Options) => {
  const { epochs, batchSize } = options
  const limits = { ...searchLimits(options), onTrial: () => Effect.void }
  return (dataset: Dataset, split: Split, seed: number) =>
    trainCalibrated(dataset, split, { head, epochs, batchSize, scores, seed }, limits, nativeBackend)
}

/** The store's corpus, embedded, and beside it that of the store to test on. */
const corpusOf = Effect.fnUntraced(function* (embedder: Embedder, { augmentations, test }: Options) {
  const embedded = Effect.flatMap(planRun(embedder, augmentations), (plan) => embeddedCorpus(plan, false))
  const own = yield* embedded
  if (Option.isNone(test)) return yield* soleCorpus(own)
  const other = yield* openStore(test)
  if (Option.isNone(other)) return yield* refuse("--test names no store.")
  const theirs = yield* embedded.pipe(
    Effect.provide(Layer.fresh(Embeddings.layer).pipe(Layer.provideMerge(Layer.succeed(Store, other.value))))
  )
  return yield* joinCorpora(own, theirs, other.value)
})

/** Parts are dealt by nobody's seed: once is enough, unless more is asked for. */
const repeatsOf = ({ repeats, by, test }: Options): number =>
  Option.getOrElse(repeats, () => (Option.isSome(by) || Option.isSome(test) ? 1 : 3))

/** What is left out in turn: the store to test on, parts by a pattern, or folds; and what parts leave untested. */
const cutsFor = Effect.fnUntraced(function* ({ dataset, isOfTest }: JointCorpus, options: Options) {
  const { by, test, folds, seed } = options
  const plan = { repeats: repeatsOf(options), seed }
  if (Option.isNone(test) && Option.isNone(by)) return { cuts: cutsOf(dataset, { ...plan, folds }), untested: [] }
  const partOf = Option.isSome(test)
    ? (key: string) => (isOfTest(key) ? test.value : undefined)
    : partsBy(Option.getOrThrow(Option.flatMap(by, compile)))
  const cuts = cutsByPart(dataset, partOf, plan)
  const parts = cuts.length / plan.repeats
  if (Option.isNone(test) && parts < 2) {
    const found = parts === 0 ? "matches no recording's key" : `finds one part only, ${cuts[0]!.part}`
    return yield* refuse(`--by ${Option.getOrThrow(by)} ${found}: keys look like ${dataset.samples[0]!.key}.`)
  }
  return { cuts, untested: notesOnParts(dataset, partOf, cuts) }
})

/** What the heads hear of the sources left out; undefined, with a word on why, where there is no background. */
const inTheField = Effect.fnUntraced(function* (
  corpus: JointCorpus,
  cuts: ReadonlyArray<Cut>,
  trained: ReadonlyArray<TrainedHead>,
  { background }: NonNullable<Asked["field"]>,
  scores: Embedder["scores"],
  options: Options
) {
  const { progress, end } = yield* Reporter
  const { sampleRate } = (yield* Engine).frontEnd
  const field = yield* evaluateField(
    corpus,
    cuts,
    trained,
    background,
    scores,
    {
      seconds: 60 * options.fieldMinutes,
      perHour: options.perHour,
      snr: ratiosOf(options.snr),
      eventSeconds: secondsOf(options.eventSeconds),
      seed: options.seed,
      onlySoundscapes: Option.isSome(options.keep)
    },
    (scene, site, at) =>
      Option.isSome(options.keep) ? keepScene(options.keep.value, scene, { site, at, sampleRate }) : Effect.void,
    (done, total) => progress({ stage: "Hearing", unit: "parts", done: Math.floor(done), total })
  )
  yield* end
  if (field === undefined) {
    return yield* refuse(`Nothing can be heard: no part left out has sound of "${background}" and of another class.`)
  }
  return field
})

/** What the heads make of the recordings left out, heard in the ways that are asked for. */
const fromAfar = Effect.fnUntraced(function* (
  corpus: JointCorpus,
  cuts: ReadonlyArray<Cut>,
  trained: ReadonlyArray<TrainedHead>,
  { ways, background }: NonNullable<Asked["afar"]>,
  { seed }: Options
) {
  const { progress, end } = yield* Reporter
  const afar = yield* evaluateAfar(corpus, cuts, trained, ways, background, seed, (done, total) =>
    progress({ stage: "Hearing from afar", unit: "recordings", done, total })
  )
  yield* end
  return afar
})

/** What the heads answer to background of the sources left out, and of kinds that no training heard. */
const onUnknown = Effect.fnUntraced(function* (
  dataset: Dataset,
  cuts: ReadonlyArray<Cut>,
  trained: ReadonlyArray<TrainedHead & { readonly head: HeadName | "auto" }>,
  { background, kindOf }: NonNullable<Asked["unknown"]>,
  embedder: Embedder,
  options: Options
) {
  const { progress, end } = yield* Reporter
  const heads = yield* Effect.forEach(trained, ({ head, classifiers }) =>
    Effect.gen(function* () {
      const train = trainer(head, embedder, options)
      const onTrained = (done: number, total: number) =>
        progress({ stage: `Training ${head} without a kind`, unit: "kinds", done, total })
      const kinds = kindOf ? yield* leaveKindsOut(dataset, cuts, background, kindOf, train, onTrained) : []
      const answers = cuts
        .filter(({ repeat, tested }) => repeat === 0 && tested.length > 0)
        .flatMap(({ split, tested }) => answersOf(classifiers.get(split)!, dataset, tested))
      return figuresOnUnknown(dataset, background, head, answers, kinds)
    })
  )
  yield* end
  return { background, heads } satisfies UnknownEvaluation
})

const UNTESTABLE = "Nothing can be tested: add recordings from other sources to at least two classes."

const refuse = (cause: string) => new CliError.UserError({ cause: new Error(cause) })

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
  handle(options).pipe(Effect.provide(events), onTerminal(options.json))
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
