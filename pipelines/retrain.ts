import { Console, Effect, Layer, Option, type Redacted, Stream } from "effect"
import { Command, Flag } from "effect/cli"
import packageJson from "../package.json"
import { counted } from "../src/config/inWords.ts"
import { Settings } from "../src/config/settings.ts"
import { engineLayer } from "../src/embedder/choose.ts"
import { Embeddings } from "../src/embeddings/embeddings.ts"
import { mendCopies } from "../src/registry/mendCopies.ts"
import { newRunId } from "../src/registry/runRecord.ts"
import { ascertain } from "../src/runs/ascertain.ts"
import { writeDemoCorpus } from "../src/runs/demo/demoCorpus.ts"
import { type Plan, planRun } from "../src/runs/planRun.ts"
import { retrain } from "../src/runs/retrain.ts"
import { settledEmbedder, settledFrontEnd, storeServices } from "../src/runs/services.ts"
import type { RunSummary } from "../src/runs/summary.ts"
import { folderStore } from "../src/store/folder.ts"
import { RECORDINGS_PREFIX } from "../src/store/keys.ts"
import { openStore } from "../src/store/openStore.ts"
import { readOnly } from "../src/store/readOnly.ts"
import { Store } from "../src/store/store.ts"
import { Preparers } from "../src/stream/preparers.ts"
import {
  askedCluster,
  clusterFlag,
  jsonFlag,
  searchLimits,
  storeFlag,
  trainingFlags,
  wholeNumber
} from "./cli/flags.ts"
import { onTerminal } from "./cli/onTerminal.ts"
import { runEvents } from "./cli/runEvents.ts"
import { runMain } from "./cli/runMain.ts"
import { describeNext, describeSummary } from "./cli/summaryText.ts"
import { Reporter } from "./cli/terminal.ts"

const DEMO_FOLDER = "demo"

/** Why a dry run's store takes nothing. */
const DRY = "A dry run writes nothing."

const input = {
  store: storeFlag("., else a demonstration"),
  ...trainingFlags,
  engine: Flag.Literals("engine", ["auto", "webgpu", "native"]).pipe(
    Flag.withDescription("auto takes WebGPU on a graphics card, else the native engine (default: ENGINE, else auto)"),
    Flag.optional
  ),
  minNewSamples: Flag.Int("min-new-samples").pipe(
    Flag.withSchema(wholeNumber(0, 2 ** 32 - 1)),
    Flag.withDescription("Train only if at least so many recordings are new since the last training (default: 0)"),
    Flag.withDefault(0)
  ),
  dryRun: Flag.Boolean("dry-run").pipe(
    Flag.withDescription("Say what there is to do, and do nothing"),
    Flag.withDefault(false)
  ),
  complete: Flag.Boolean("complete").pipe(
    Flag.withDescription(
      "All annotated field recordings were listened to completely: what is not annotated is background (default: ANNOTATIONS_COMPLETE)"
    ),
    Flag.withDefault(false)
  ),
  cluster: clusterFlag,
  json: jsonFlag()
}
type Options = Command.Command.Config.Infer<typeof input>

const handle = Effect.fn("retrain")(function* (options: Options) {
  const settings = yield* Settings
  const { print } = yield* Reporter
  const opened = yield* openStore(options.store)
  const cluster = Option.isSome(opened) ? yield* askedCluster(options.cluster) : Option.none()
  if (Option.isSome(opened) && Option.isSome(cluster)) {
    return yield* haveWorkersDo(options.dryRun ? readOnly(opened.value, DRY) : opened.value, cluster.value, options)
  }
  const isDemo = Option.isNone(opened)
  const given = Option.getOrElse(opened, () => folderStore(DEMO_FOLDER))
  const store = options.dryRun ? readOnly(given, DRY) : given
  if (isDemo) print("No store is given: using a demonstration corpus of synthesised sounds (see --store in --help).")
  if (
    isDemo &&
    options.dryRun &&
    (yield* Stream.runHead(store.list(RECORDINGS_PREFIX)).pipe(Effect.map(Option.isNone)))
  ) {
    return yield* Console.log(`Would synthesise recordings into ${store.location}, and train on them.`)
  }
  const embedder = yield* settledEmbedder({ allowUntrained: isDemo })
  if (embedder.name === "untrained") {
    yield* Effect.logWarning(
      `This run uses ${embedder.source}. Its figures show that the pipeline works, not how good a model would be.`
    )
  }
  const engine = Option.getOrElse(options.engine, () => settings.engine)
  return yield* Effect.gen(function* () {
    if (isDemo && !options.dryRun) yield* writeDemoCorpus()
    const plan = yield* settle(yield* planRun(embedder, options.augmentations), options)
    if (options.dryRun || plan.count.fresh < options.minNewSamples) return yield* refrain(plan, options)
    // A worker loads while the engine starts.
    if (plan.count.recordings > plan.count.stored) {
      yield* Effect.forkChild((yield* Preparers).start, { startImmediately: true })
    }
    const run = retrain(yield* newRunId, plan, embedder, runOptions(options))
    const summary = yield* Effect.provide(run, engineLayer({ engine, precision: settings.precision, embedder }))
    yield* show(summary, options, isDemo)
  }).pipe(Effect.provide(storeServices(store, settings)))
})

const runOptions = (options: Options) => {
  const { augmentations, epochs, batchSize, head, seed, minNewSamples, promotion, audit } = options
  const search = searchLimits(options)
  return { augmentations, epochs, batchSize, head, search, seed, minNewSamples, promotion, audit }
}

const show = Effect.fnUntraced(function* (summary: RunSummary, { json }: Options, isDemo = false) {
  const { end } = yield* Reporter
  yield* end
  yield* Console.log(describeSummary(summary))
  if (isDemo) yield* Console.log(describeNext(summary))
  if (json) yield* Console.log(JSON.stringify(summary))
})

/** The same by the workers: what there is to do is planned with their weights, and told in their events. */
const haveWorkersDo = Effect.fnUntraced(function* (
  store: Store["Service"],
  databaseUrl: Redacted.Redacted,
  options: Options
) {
  // Without a cluster, nobody waits for what only a cluster needs to load.
  const { clientLayer } = yield* Effect.promise(() => import("../src/runs/cluster/connections.ts"))
  const { retrainOnCluster, workersWeights } = yield* Effect.promise(() => import("../src/runs/cluster/submit.ts"))
  return yield* Effect.gen(function* () {
    const embedder = { frontEnd: yield* settledFrontEnd, hash: yield* workersWeights(store.location) }
    const plan = yield* settle(yield* planRun(embedder, options.augmentations), options)
    if (options.dryRun || plan.count.fresh < options.minNewSamples) return yield* refrain(plan, options)
    yield* show(yield* retrainOnCluster(yield* newRunId, store.location, runOptions(options)), options)
  }).pipe(
    Effect.provide(
      Layer.merge(Embeddings.layer, clientLayer(databaseUrl)).pipe(Layer.provideMerge(Layer.succeed(Store, store)))
    )
  )
})

/** Tells what only looks new from what is, where that decides; a dry run reads no recordings. */
const settle = (plan: Plan, { dryRun, minNewSamples }: Options) =>
  dryRun ? Effect.succeed(plan) : ascertain(plan, minNewSamples)

/** Says what a run would do, or why there is none. */
const refrain = Effect.fnUntraced(function* ({ known, count }: Plan, { dryRun, minNewSamples, json }: Options) {
  const { location } = yield* Store
  if (!dryRun) yield* mendCopies()
  const { recordings, stored, fresh, classes } = count
  const toEmbed = recordings - stored
  const mayBeCopies = toEmbed > 0 && !known.isEmpty
  yield* Console.log(
    dryRun && fresh >= minNewSamples
      ? `Would embed ${mayBeCopies ? "up to " : ""}${toEmbed} of ${counted(recordings, "recording")} in ${location} and train on ` +
          `${counted(classes.length, "class", "classes")} (${classes.join(", ")}); ${mayBeCopies ? "up to " : ""}${fresh} are new since the ` +
          `last training.${mayBeCopies ? " What was only copied, moved or touched shows when it is read." : ""}`
      : `Not needed: ${counted(fresh, "recording")} in ${location} ${fresh === 1 ? "is" : "are"} new since the last training, fewer than ${minNewSamples}.`
  )
  if (json) {
    const status = fresh >= minNewSamples ? "dry-run" : "not_needed"
    yield* Console.log(JSON.stringify({ status, store: location, recordings, toEmbed, new: fresh, classes }))
  }
})

const command = Command.make("retrain", input, (options) =>
  handle(options).pipe(
    Effect.updateService(Settings, (settings) =>
      options.complete ? { ...settings, annotationsComplete: true } : settings
    ),
    Effect.provide(runEvents),
    onTerminal(options.json)
  )
).pipe(
  Command.withDescription("Trains a sound classifier from the store's recordings and publishes it if it is not worse"),
  Command.withExamples([
    { command: "bun run retrain", description: "Try it on synthesised sounds" },
    { command: "bun run retrain --store s3://my-bucket", description: "Train from a bucket's extracted_audio" },
    { command: "bun run retrain --store recordings --head linear --json", description: "Few recordings, for a script" }
  ])
)

/** This command, as a program. */
export const main = () => runMain(Command.run(command, { version: packageJson.version }))

if (import.meta.main) main()
