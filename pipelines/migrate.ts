import { Console, Effect, Option } from "effect"
import { CliError, Command, Flag } from "effect/cli"
import packageJson from "../package.json"
import { Settings } from "../src/config/settings.ts"
import { migrate } from "../src/runs/migrate.ts"
import { findEmbedder } from "../src/runs/services.ts"
import { openStore } from "../src/store/openStore.ts"
import { Store } from "../src/store/store.ts"
import { jsonFlag, searchLimits, storeFlag, trainingFlags } from "./cli/flags.ts"
import { describeSwitch } from "./cli/migrationText.ts"
import { onTerminal } from "./cli/onTerminal.ts"
import { runEvents } from "./cli/runEvents.ts"
import { runMain } from "./cli/runMain.ts"
import { describeSummary } from "./cli/summaryText.ts"
import { Reporter } from "./cli/terminal.ts"

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
  const { gateClassTolerance } = yield* Settings
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
  yield* Console.log(
    [describeSummary(summary), ...describeSwitch(summary, { from, to: options.to }, gateClassTolerance)].join("\n")
  )
  if (options.json) yield* Console.log(JSON.stringify({ ...summary, from }))
})

const command = Command.make("migrate", input, (options) =>
  handle(options).pipe(Effect.provide(runEvents), onTerminal(options.json))
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
