import { Effect, Layer, Option, Schedule } from "effect"
import { FetchHttpClient } from "effect/http"
import { OtlpSerialization, OtlpTracer } from "effect/observability"
import packageJson from "../../package.json"
import { Settings } from "../config.ts"
import { Corpus } from "./corpus.ts"
import { Current } from "./current.ts"
import { Intake } from "./intake.ts"
import { Predictor } from "./predictor.ts"
import { Runs } from "./runs.ts"
import { Tally } from "./tally.ts"
import { checkTrigger } from "./trigger.ts"

/** Sends traces where OTEL_EXPORTER_OTLP_ENDPOINT says; without it, nowhere. */
const tracing = Layer.unwrap(
  Effect.map(Settings, ({ traceEndpoint }) =>
    Option.match(traceEndpoint, {
      onNone: () => Layer.empty,
      onSome: (endpoint) =>
        OtlpTracer.layer({
          url: `${endpoint.replace(/\/+$/, "")}/v1/traces`,
          resource: { serviceName: "ecosight", serviceVersion: packageJson.version }
        }).pipe(Layer.provide(OtlpSerialization.layerJson), Layer.provide(FetchHttpClient.layer))
    })
  )
)

/** All that the service consists of, but for its store and its settings. */
export const serviceLayer = Tally.layer.pipe(
  Layer.provideMerge(Runs.layer),
  Layer.provideMerge(Predictor.layer),
  Layer.provideMerge(Layer.mergeAll(Corpus.layer, Current.layer, Intake.layer)),
  Layer.provideMerge(tracing)
)

/** Looks every so often whether enough new recordings have landed for a training, and loads what is promoted elsewhere. */
export const watch = Effect.gen(function* () {
  const predictor = yield* Predictor
  yield* predictor.warm
  yield* checkTrigger
}).pipe(Effect.repeat(Schedule.spaced("15 seconds")), Effect.forkScoped)
