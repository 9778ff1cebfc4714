import { Effect, Layer } from "effect"
import { FetchHttpClient } from "effect/http"
import { Settings } from "../../config/settings.ts"
import { runProgram } from "../../processes/program.ts"
import { openStoreAt } from "../../store/openStore.ts"
import { runServices, settledEmbedder } from "../services.ts"
import { answerTasks } from "./engineTasks.ts"

// A worker's engine process, `<store>`: embeds shards and finishes runs, several at once, and dies alone.

const [location = ""] = process.argv.slice(2)

const program = Effect.gen(function* () {
  const settings = yield* Settings
  const store = yield* openStoreAt(location)
  const embedder = yield* settledEmbedder({ allowUntrained: false })
  return yield* answerTasks(embedder).pipe(Effect.provide(runServices(store, embedder, settings)))
})

runProgram(program.pipe(Effect.provide(Layer.merge(Settings.layer, FetchHttpClient.layer))))
