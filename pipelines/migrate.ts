import { Console, Effect, Layer, Option } from "effect"
import { CliError, Command, Flag } from "effect/cli"
import { FetchHttpClient } from "effect/http"
import packageJson from "../package.json"
import { Settings } from "../src/config/settings.ts"
import { migrate } from "../src/runs/migrate.ts"
import { findEmbedder } from "../src/runs/services.ts"
import type { RunSummary } from "../src/runs/summary.ts"
import { openStore } from "../src/store/openStore.ts"
import { Store } from "../src/store/store.ts"
import { tellFailure } from "./cli/failure.ts"
import { jsonFlag, searchLimits, storeFlag, trainingFlags } from "./cli/flags.ts"
import { runEvents } from "./cli/runEvents.ts"
import { runMain } from "./cli/runMain.ts"
import { describeSummary } from "./cli/summaryText.ts"
import { Reporter, reporterLogger } from "./cli/terminal.ts"

const { audit: _, ...training } = trainingFlags

const input = {
  to: Flag.String("to").pipe(
    Flag.withDescription("The embedder to hear by from then on: an id, or the path of an .onnx file")
  ),
  store: storeFlag(),
  ...training,
  json: jsonFlag()
}
type Options = Command.Command.Config.Infer<typeof input>

const handle = Effect.fn("migrate")(function* (options: Options) {
  const { print, end } = yield* Reporter
  const opened = yield* openStore(options.store)
  if (Option.isNone(opened)) return yield* new CliError.UserError({ cause: "No store is given: add --store." })
  const embedder = yield* findEmbedder(options.to, { allowUntrained: false })
  const { augmentations, epochs, batchSize, head, seed, promotion } = options
  const search = searchLimits(options)
  print(
    `Everything in ${opened.value.location} is embedded by ${embedder.name}; until the end, what is promoted serves.`
  )
  const { from, summary } = yield* migrate(embedder, {
    ...{ augmentations, epochs, batchSize, head, search, seed, promotion },
    // Those that are there are of the embedder before.
    audit: false,
    minNewSamples: 0
  }).pipe(Effect.provideService(Store, opened.value))
  yield* end
  yield* Console.log([describeSummary(summary), ...whatNext(summary, from, options.to)].join("\n"))
  if (options.json) yield* Console.log(JSON.stringify({ ...summary, from }))
})

const whatNext = ({ promoted, runId }: RunSummary, from: string, to: string): ReadonlyArray<string> =>
  promoted
    ? [
        `Set EMBEDDER=${to} wherever retrain, watch, scan and serve are started: with another, runs promote nothing by themselves.`,
        `bun run models rollback goes back to the model that hears by ${from}; its vectors stay.`
      ]
    : [`The model that hears by ${from} serves on; bun run models promote ${runId} switches all the same.`]

const command = Command.make("migrate", input, (options) =>
  handle(options).pipe(
    Effect.provide(runEvents),
    Effect.provide(reporterLogger),
    Effect.provide(Layer.mergeAll(Settings.layer, Reporter.layer, FetchHttpClient.layer)),
    tellFailure(options.json),
    Effect.mapError((cause) => new CliError.UserError({ cause }))
  )
).pipe(
  Command.withDescription("Leads a store to another embedder, and switches if the model by it is not worse"),
  Command.withExamples([
    { command: "bun run migrate --store recordings --to perch/perch.onnx", description: "Try what Perch makes of it" },
    { command: "bun run migrate --store recordings --to yamnet", description: "And back" }
  ])
)

/** This command, as a program. */
export const main = () => runMain(Command.run(command, { version: packageJson.version }))

if (import.meta.main) main()
