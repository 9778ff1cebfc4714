import { NodeServices } from "@effect/platform-node"
import { Effect, Layer, Option } from "effect"
import { FetchHttpClient } from "effect/http"
import { Settings } from "../../config.ts"
import { folderStore } from "../../store/folder.ts"
import { openStore } from "../../store/openStore.ts"
import { Preparers } from "../../stream/preparers.ts"
import { runServices, settledEmbedder } from "../services.ts"
import { answerTasks } from "./engineTasks.ts"
import type { FromProcess } from "./tasks.ts"

// A worker's engine process: embeds shards and finishes runs, several at once, and dies alone.

const location = process.argv[2]
if (location === undefined || process.send === undefined) {
  console.error("This program is started by `bun run worker`.")
  process.exit(2)
}
const tell = (message: FromProcess) => void process.send?.(message)
// It is the worker that hears signals, and lets this process finish what it has; they may come to both.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => {})
process.on("disconnect", () => process.exit(0))

const program = Effect.gen(function* () {
  const settings = yield* Settings
  const store = Option.getOrElse(yield* openStore(Option.some(location), { create: true }), () => folderStore(location))
  const embedder = yield* settledEmbedder({ allowUntrained: false })
  return yield* answerTasks(embedder, tell, (take) => process.on("message", take)).pipe(
    Effect.provide(Layer.merge(runServices(store, embedder, settings), Preparers.layer(settings.workers)))
  )
})

const main = program.pipe(
  Effect.scoped,
  Effect.catch(({ message }) => Effect.sync(() => tell({ kind: "unusable", message }))),
  Effect.provide(Layer.mergeAll(Settings.layer, FetchHttpClient.layer)),
  Effect.catchTag("SettingError", ({ message }) => Effect.sync(() => tell({ kind: "unusable", message }))),
  Effect.provide(NodeServices.layer)
)
await Effect.runPromise(main)
process.exit(1)
