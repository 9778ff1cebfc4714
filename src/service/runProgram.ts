import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Effect, Layer, Option, Schema } from "effect"
import { FetchHttpClient } from "effect/http"
import { Settings } from "../config.ts"
import { clientLayer } from "../runs/cluster/connections.ts"
import { retrainOnCluster } from "../runs/cluster/submit.ts"
import { planRun, type RetrainOptions, retrain } from "../runs/retrain.ts"
import { runServices, settledEmbedder } from "../runs/services.ts"
import { TRAINING_DEFAULTS } from "../runs/trainingDefaults.ts"
import { folderStore } from "../store/folder.ts"
import { openStore } from "../store/openStore.ts"
import { type RunEvent, RunEvents } from "../stream/events.ts"
import type { RunMessage } from "./messages.ts"

// One training run of the service, in a process of its own that tells the service how it goes; with DATABASE_URL it only
// follows what the workers do.

const Task = Schema.fromJsonString(Schema.Struct({ runId: Schema.String, store: Schema.String, reason: Schema.String }))

const tell = (message: RunMessage) => Effect.sync(() => void process.send?.(message))

/** Ten messages a second show all that a person can follow; a stage's last one always goes. */
const PAUSE = 100
let told = 0
const events = Layer.succeed(RunEvents, (event: RunEvent) => {
  const isPassing =
    (event.stage === "list" || event.stage === "stream") && !("total" in event && event.done === event.total)
  const now = performance.now()
  if (isPassing && now - told < PAUSE) return Effect.void
  if (isPassing) told = now
  return tell({ kind: "event", event })
})

const run = Effect.gen(function* () {
  const task = yield* Schema.decodeUnknownEffect(Task)(process.argv[2])
  const settings = yield* Settings
  const opened = yield* openStore(Option.some(task.store), { create: true })
  const store = Option.getOrElse(opened, () => folderStore(task.store))
  // The reason is recorded with the options.
  const options: RetrainOptions & { readonly reason: string } = {
    ...TRAINING_DEFAULTS,
    // The service has counted already.
    minNewSamples: 0,
    reason: task.reason
  }
  if (Option.isSome(settings.databaseUrl)) {
    return yield* retrainOnCluster(task.runId, store.location, options).pipe(
      Effect.provide(clientLayer(settings.databaseUrl.value))
    )
  }
  const embedder = yield* settledEmbedder({ allowUntrained: false })
  return yield* Effect.gen(function* () {
    const plan = yield* planRun(embedder, TRAINING_DEFAULTS.augmentations)
    return yield* retrain(task.runId, plan, embedder, options)
  }).pipe(Effect.provide(runServices(store, embedder, settings)))
})

// Without the service nobody waits for the run: it ends as if it had been cancelled.
const abandon = () => process.kill(process.pid, "SIGTERM")
process.on("disconnect", abandon)
const disconnect = Effect.sync(() => {
  process.off("disconnect", abandon)
  process.disconnect?.()
})

run.pipe(
  Effect.matchEffect({
    onSuccess: ({ decision }) => tell({ kind: "finished", decision }),
    onFailure: ({ message }) => tell({ kind: "failed", message })
  }),
  Effect.provide(events),
  Effect.provide(Layer.merge(Settings.layer, FetchHttpClient.layer)),
  Effect.catchTag("SettingError", ({ message }) => tell({ kind: "failed", message })),
  Effect.ensuring(disconnect),
  Effect.provide(NodeServices.layer),
  NodeRuntime.runMain
)
