import { Console, Effect, Layer, Option } from "effect"
import { CliError, Command, Flag } from "effect/cli"
import packageJson from "../package.json"
import { Settings } from "../src/config/settings.ts"
import { runServices, settledEmbedder } from "../src/runs/services.ts"
import { openSource } from "../src/runs/watch/openSource.ts"
import { watch } from "../src/runs/watch/watch.ts"
import { openStore } from "../src/store/openStore.ts"
import { RunEvents } from "../src/stream/events.ts"
import { jsonFlag, searchLimits, storeFlag, trainingFlags, wholeNumber } from "./cli/flags.ts"
import { onTerminal } from "./cli/onTerminal.ts"
import { runMain } from "./cli/runMain.ts"
import { describeSummary } from "./cli/summaryText.ts"
import { Reporter } from "./cli/terminal.ts"

const input = {
  store: storeFlag(),
  minNewSamples: Flag.Int("min-new-samples").pipe(
    Flag.withSchema(wholeNumber(1, 2 ** 32 - 1)),
    Flag.withDescription("New recordings since the last training at which another begins (default: MIN_NEW_SAMPLES)"),
    Flag.optional
  ),
  ...trainingFlags,
  json: jsonFlag("Print each run's result as a line of JSON on standard output")
}

const handle = Effect.fn("watch")(function* ({ json, ...options }: Command.Command.Config.Infer<typeof input>) {
  const settings = yield* Settings
  const { end } = yield* Reporter
  const opened = yield* openStore(options.store, { create: true })
  if (Option.isNone(opened)) return yield* new CliError.UserError({ cause: "No store is given: add --store." })
  const store = opened.value
  const embedder = yield* settledEmbedder({ allowUntrained: false })
  const source = yield* openSource(store)
  const layers = runServices(store, embedder, settings)
  yield* Effect.logInfo(`Watching ${store.location}.`)
  const minNewSamples = Option.getOrElse(options.minNewSamples, () => settings.minNewSamples)
  const { augmentations, epochs, batchSize, head, seed, promotion, audit } = options
  return yield* watch(source, embedder, {
    ...{ augmentations, epochs, batchSize, head, seed, promotion, audit },
    search: searchLimits(options),
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
  handle(options).pipe(Effect.scoped, Effect.provide(events), onTerminal(options.json))
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

/** This command, as a program. */
export const main = () => runMain(Command.run(command, { version: packageJson.version }))

if (import.meta.main) main()
