import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Effect, Layer, Option, Queue } from "effect"
import { FetchHttpClient } from "effect/http"
import { Settings } from "../config.ts"
import { runServices, settledEmbedder } from "../runs/services.ts"
import { TRAINING_DEFAULTS } from "../runs/trainingDefaults.ts"
import { makeLanding } from "../runs/watch/landing.ts"
import { openSource, withLanded } from "../runs/watch/openSource.ts"
import { folderStore } from "../store/folder.ts"
import { openStore } from "../store/openStore.ts"
import type { ObjectInfo } from "../store/store.ts"
import { Preparers } from "../stream/preparers.ts"
import type { WatcherMessage } from "./messages.ts"

// The service's watcher process: it embeds recordings as they land, and tells the service of them; the service trains.

const location = process.argv[2]
if (location === undefined || process.send === undefined) {
  console.error("This program is started by `bun run serve`.")
  process.exit(2)
}

const tell = (message: WatcherMessage) => Effect.sync(() => void process.send?.(message))

const watch = Effect.gen(function* () {
  const settings = yield* Settings
  const opened = yield* openStore(Option.some(location), { create: true })
  const store = Option.getOrElse(opened, () => folderStore(location))
  const embedder = yield* settledEmbedder({ allowUntrained: false })
  const landed = yield* Queue.unbounded<ObjectInfo>()
  process.on("message", (object: ObjectInfo) => Queue.offerUnsafe(landed, object))
  const layers = runServices(store, embedder, settings).pipe(Layer.merge(Preparers.layer(settings.workers)))
  return yield* Effect.gen(function* () {
    const source = yield* withLanded(yield* openSource(store), landed)
    const landing = yield* makeLanding(source, embedder, TRAINING_DEFAULTS)
    return yield* landing.look.pipe(
      Effect.tap(({ objects, gone, whole }) => (whole ? Effect.void : tell({ kind: "found", objects, gone }))),
      Effect.forever
    )
  }).pipe(Effect.provide(layers))
})

process.on("disconnect", () => process.kill(process.pid, "SIGTERM"))

watch.pipe(
  Effect.catch(({ message }) => tell({ kind: "failed", message })),
  Effect.ensuring(Effect.sync(() => process.disconnect?.())),
  Effect.scoped,
  Effect.provide(Layer.mergeAll(Settings.layer, FetchHttpClient.layer, NodeServices.layer)),
  NodeRuntime.runMain
)
