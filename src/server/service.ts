import { Effect, Layer, Schedule } from "effect"
import { FetchHttpClient } from "effect/http"
import { OtlpSerialization, OtlpTracer } from "effect/observability"
import { Corpus } from "./corpus.ts"
import { Current } from "./current.ts"
import { Intake } from "./intake.ts"
import { Predictor } from "./predictor.ts"
import { Runs } from "./runs.ts"
import { Tally } from "./tally.ts"
import { checkTrigger } from "./trigger.ts"

/** All that the service consists of, but for its store and its settings. */
export const serviceLayer = Tally.layer.pipe(
  Layer.provideMerge(Runs.layer),
  Layer.provideMerge(Predictor.layer),
  Layer.provideMerge(Layer.mergeAll(Corpus.layer, Current.layer, Intake.layer)),
  Layer.provideMerge(
    // Sends traces where OTEL_EXPORTER_OTLP_ENDPOINT says; without it, nowhere.
    OtlpTracer.layerFromConfig({ resource: { serviceName: "ecosight" } }).pipe(
      Layer.provide(OtlpSerialization.layerJson),
      Layer.provide(FetchHttpClient.layer)
    )
  )
)

/** Looks every so often whether enough new recordings have landed for a training, and loads what is promoted elsewhere. */
export const watch = Effect.gen(function* () {
  const predictor = yield* Predictor
  yield* predictor.warm
  yield* checkTrigger
}).pipe(Effect.repeat(Schedule.spaced("15 seconds")), Effect.forkScoped)
