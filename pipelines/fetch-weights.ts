import { Console, Effect, Layer } from "effect"
import { CliError, Command } from "effect/cli"
import { FetchHttpClient } from "effect/http"
import packageJson from "../package.json"
import { Settings } from "../src/config/settings.ts"
import { settledEmbedder } from "../src/runs/services.ts"
import { runMain } from "./cli/runMain.ts"

const handle = Effect.fn("fetch-weights")(function* () {
  const { source, hash } = yield* settledEmbedder({ allowUntrained: false })
  yield* Console.log(`The weights are there and whole: ${source} (${hash.slice(0, 12)}). Nothing else is fetched.`)
})

const command = Command.make("fetch-weights", {}, () =>
  handle().pipe(
    Effect.provide(Layer.merge(Settings.layer, FetchHttpClient.layer)),
    Effect.mapError((cause) => new CliError.UserError({ cause }))
  )
).pipe(
  Command.withDescription("Downloads the embedder's weights, unless they are there, and checks them"),
  Command.withExamples([
    { command: "bun run fetch-weights", description: "Before this machine loses its network" },
    { command: "YAMNET_MODEL=/media/usb/yamnet bun run fetch-weights", description: "See whether these are whole" }
  ])
)

/** This command, as a program. */
export const main = () => runMain(Command.run(command, { version: packageJson.version }))

if (import.meta.main) main()
