import { resolve } from "node:path"
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Console, Duration, Effect, Layer, Option, Schema } from "effect"
import { CliError, Command, Flag } from "effect/cli"
import { FetchHttpClient } from "effect/http"
import packageJson from "../package.json"
import { MAX_AUGMENTATIONS } from "../src/augment/plan.ts"
import { HEADS } from "../src/classifier/network.ts"
import { Settings } from "../src/config.ts"
import { Embeddings } from "../src/embeddings/embeddings.ts"
import { engineLayer } from "../src/engine/choose.ts"
import { PROMOTIONS } from "../src/registry/gate.ts"
import { openStore } from "../src/store/open.ts"
import { Store } from "../src/store/store.ts"
import { RunEvents } from "../src/stream/events.ts"
import { Preparers } from "../src/stream/preparers.ts"
import { queueSource } from "../src/watch/queue.ts"
import { bucketSource, folderSource, type Pace } from "../src/watch/source.ts"
import { watch } from "../src/watch/watch.ts"
import { findWeights } from "../src/yamnet/weights.ts"
import { describeSummary } from "./summary.ts"
import { Reporter, reporterLogger } from "./terminal.ts"

const WEIGHTS_FOLDER = resolve(import.meta.dir, "../models/yamnet")

/** Two looks a second apart tell a file that is still being written. */
const STILL = Duration.seconds(1)
/** Whole listings of a bucket, against looks from the last keys onwards: 1,000 requests for a million keys. */
const LOOKS_PER_LISTING = 30

const wholeNumber = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const input = {
  store: Flag.String("store").pipe(
    Flag.withDescription("s3://bucket or a folder (default: S3_BUCKET if set, else the current folder)"),
    Flag.optional
  ),
  minNewSamples: Flag.Int("min-new-samples").pipe(
    Flag.withSchema(wholeNumber(1, 2 ** 32 - 1)),
    Flag.withDescription("New recordings since the last training at which another begins (default: MIN_NEW_SAMPLES)"),
    Flag.optional
  ),
  augmentations: Flag.Int("augmentations").pipe(
    Flag.withSchema(wholeNumber(0, MAX_AUGMENTATIONS)),
    Flag.withDescription(`Augmented variants of each recording: 0 to ${MAX_AUGMENTATIONS} (default: 5)`),
    Flag.withDefault(5)
  ),
  epochs: Flag.Int("epochs").pipe(
    Flag.withSchema(wholeNumber(1, 100_000)),
    Flag.withDescription("Epochs at most; training stops early (default: 100)"),
    Flag.withDefault(100)
  ),
  batchSize: Flag.Int("batch-size").pipe(
    Flag.withSchema(wholeNumber(2, 65_536)),
    Flag.withDescription("Samples in a mini-batch of training (default: 64)"),
    Flag.withDefault(64)
  ),
  head: Flag.Literals("head", HEADS).pipe(
    Flag.withDescription("mlp is EcoSight's network; linear is one regularised layer, for little data (default: mlp)"),
    Flag.withDefault("mlp")
  ),
  seed: Flag.Int("seed").pipe(
    Flag.withSchema(wholeNumber(0, 2 ** 32 - 1)),
    Flag.withDescription("Seeds the training (default: 0)"),
    Flag.withDefault(0)
  ),
  promotion: Flag.Literals("promote", PROMOTIONS).pipe(
    Flag.withDescription("auto publishes a new model if it is not worse than the published one (default: auto)"),
    Flag.withDefault("auto")
  ),
  audit: Flag.Boolean("audit").pipe(
    Flag.withDescription("Write the augmented variants to augmented_audio; --no-audit leaves them out"),
    Flag.withDefault(true)
  ),
  json: Flag.Boolean("json").pipe(
    Flag.withDescription("Print each run's result as a line of JSON on standard output"),
    Flag.withDefault(false)
  )
}

const handle = Effect.fn("watch")(function* ({ json, ...options }: Command.Command.Config.Infer<typeof input>) {
  const settings = yield* Settings
  const { end } = yield* Reporter
  const opened = yield* openStore(options.store, { create: true })
  if (Option.isNone(opened)) return yield* new CliError.UserError({ cause: "No store is given: add --store." })
  const store = opened.value
  const weights = yield* findWeights({
    folder: WEIGHTS_FOLDER,
    ...Option.match(settings.yamnetModel, { onNone: () => ({}), onSome: (location) => ({ location }) }),
    allowUntrained: false
  })
  const interval = Duration.seconds(settings.watchInterval)
  const pace: Pace = { interval, reconcile: Duration.times(interval, LOOKS_PER_LISTING), still: STILL }
  const isBucket = store.location.startsWith("s3://")
  if (Option.isSome(settings.queueUrl) && !isBucket) {
    yield* Effect.logWarning("SQS_QUEUE_URL is set, but the store is a folder: the folder itself is watched.")
  }
  const source =
    isBucket && Option.isSome(settings.queueUrl)
      ? queueSource(settings.queueUrl.value, settings, pace)
      : isBucket
        ? bucketSource(pace)
        : yield* folderSource(store.location, pace)
  const layers = Layer.mergeAll(
    Embeddings.layer,
    engineLayer({ engine: settings.engine, weights }),
    Preparers.layer(settings.workers)
  ).pipe(Layer.provideMerge(Layer.succeed(Store, store)))
  yield* Effect.logInfo(`Watching ${store.location}.`)
  const minNewSamples = Option.getOrElse(options.minNewSamples, () => settings.minNewSamples)
  return yield* watch(source, weights, {
    ...options,
    minNewSamples,
    onRun: (summary) =>
      end.pipe(
        Effect.andThen(Console.log(describeSummary(summary))),
        Effect.andThen(json ? Console.log(JSON.stringify(summary)) : Effect.void)
      )
  }).pipe(Effect.provide(layers))
})

/** Of what a run tells, only what was left out is shown: nobody looks on. */
const events = Layer.effect(
  RunEvents,
  Effect.map(Reporter, ({ print }) =>
    RunEvents.of((event) =>
      event.stage === "skip" ? Effect.sync(() => print(`Skipped ${event.key}: ${event.reason}`)) : Effect.void
    )
  )
)

const command = Command.make("watch", input, (options) =>
  handle(options).pipe(
    Effect.scoped,
    Effect.provide(events),
    Effect.provide(reporterLogger),
    Effect.provide(Layer.mergeAll(Settings.layer, Reporter.layer, FetchHttpClient.layer)),
    Effect.mapError((cause) => new CliError.UserError({ cause }))
  )
).pipe(
  Command.withDescription("Embeds recordings as they land, and trains when enough are new; until it is stopped"),
  Command.withExamples([
    {
      command: "bun run watch --store s3://my-bucket",
      description: "Watch a bucket, through SQS if SQS_QUEUE_URL is set"
    },
    { command: "bun run watch --store recordings --min-new-samples 20", description: "Watch a folder" }
  ])
)

if (import.meta.main) {
  Command.run(command, { version: packageJson.version }).pipe(Effect.provide(NodeServices.layer), NodeRuntime.runMain)
}
