import { Effect, Layer } from "effect"
import { FetchHttpClient } from "effect/http"
import { Settings } from "../config/settings.ts"
import { Embeddings } from "../embeddings/embeddings.ts"
import { answer, runProgram } from "../processes/program.ts"
import { lookThrough } from "../review/lookThrough.ts"
import { settledEmbedder } from "../runs/services.ts"
import { openStoreAt } from "../store/openStore.ts"
import { Store } from "../store/store.ts"
import { Reviewing } from "./protocols.ts"

// One review of the recordings for the service, `<store>`, in a process of its own.

const [location = ""] = process.argv.slice(2)
const services = Embeddings.layer.pipe(Layer.provideMerge(Layer.effect(Store, openStoreAt(location))))

runProgram(
  answer(Reviewing, undefined, {
    review: (_, tell) =>
      lookThrough(settledEmbedder({ allowUntrained: true }), {
        onStep: tell,
        onSkip: (key, reason) => Effect.logInfo(`Skipped ${key}: ${reason}`)
      }).pipe(Effect.asVoid, Effect.provide(services))
  }).pipe(Effect.provide(Layer.merge(Settings.layer, FetchHttpClient.layer)))
)
