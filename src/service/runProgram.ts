import { Effect, Layer, Option } from "effect"
import { FetchHttpClient } from "effect/http"
import { Settings } from "../config/settings.ts"
import { answer, runProgram } from "../processes/program.ts"
import { clientLayer } from "../runs/cluster/connections.ts"
import { retrainOnCluster } from "../runs/cluster/submit.ts"
import { planRun, type RetrainOptions } from "../runs/planRun.ts"
import { retrain } from "../runs/retrain.ts"
import { runServices, settledEmbedder } from "../runs/services.ts"
import { TRAINING_DEFAULTS } from "../runs/trainingDefaults.ts"
import { openStoreAt } from "../store/openStore.ts"
import { type RunEvent, RunEvents } from "../stream/events.ts"
import { Running, type RunTask } from "./protocols.ts"

// One training run of the service, `<store>`, in a process of its own that tells the service how it goes; with
// DATABASE_URL it only follows what the workers do. Without the service nobody waits for it: it ends as if cancelled.

const [location = ""] = process.argv.slice(2)

/** Ten messages a second show all that a person can follow; a stage's last one always goes. */
const PAUSE = 100
const sparing = (tell: (event: RunEvent) => Effect.Effect<void>) => {
  let told = 0
  return (event: RunEvent) => {
    const isPassing =
      (event.stage === "list" || event.stage === "stream") && !("total" in event && event.done === event.total)
    const now = performance.now()
    if (isPassing && now - told < PAUSE) return Effect.void
    if (isPassing) told = now
    return tell(event)
  }
}

const run = Effect.fnUntraced(function* ({ runId, reason }: RunTask) {
  const settings = yield* Settings
  const store = yield* openStoreAt(location)
  // The reason is recorded with the options; the service has counted already.
  const options: RetrainOptions & { readonly reason: string } = {
    ...TRAINING_DEFAULTS,
    audit: settings.auditCopies,
    minNewSamples: 0,
    reason
  }
  if (Option.isSome(settings.databaseUrl)) {
    return yield* retrainOnCluster(runId, store.location, options).pipe(
      Effect.provide(clientLayer(settings.databaseUrl.value))
    )
  }
  const embedder = yield* settledEmbedder({ allowUntrained: false })
  return yield* Effect.gen(function* () {
    const plan = yield* planRun(embedder, TRAINING_DEFAULTS.augmentations)
    return yield* retrain(runId, plan, embedder, options)
  }).pipe(Effect.provide(runServices(store, embedder, settings)))
})

runProgram(
  answer(Running, undefined, {
    run: (task, tell) =>
      run(task).pipe(
        Effect.map(({ decision }) => decision),
        Effect.provideService(RunEvents, sparing(tell))
      )
  }).pipe(Effect.provide(Layer.merge(Settings.layer, FetchHttpClient.layer)))
)
