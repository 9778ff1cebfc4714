import { Effect, Layer, Option, Schedule } from "effect"
import { FetchHttpClient } from "effect/http"
import { OtlpSerialization, OtlpTracer } from "effect/observability"
import packageJson from "../../package.json"
import { Settings } from "../config/settings.ts"
import type { Store } from "../store/store.ts"
import { boundedStoreLayer } from "./boundedStore.ts"
import { Changes } from "./changeRunner.ts"
import { Corpus } from "./corpus.ts"
import { Counters } from "./counters.ts"
import { Current } from "./current.ts"
import { Field } from "./field.ts"
import { Intake } from "./intake.ts"
import { Outages } from "./outages.ts"
import { Predictor } from "./predictor.ts"
import { Reviews } from "./reviews.ts"
import { Runs } from "./runs.ts"
import { ScanRunner } from "./scanRunner.ts"
import { serviceLog } from "./serviceLog.ts"
import { Watcher } from "./watcher.ts"
import { Workers } from "./workers.ts"

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

/**
 * All that the service consists of, on a store; `watching` says whether it embeds recordings as
 * they land, and trains when enough of them are new.
 */
export const serviceLayer = (store: Store["Service"], { watching }: { readonly watching: boolean }) =>
  Counters.layer.pipe(
    Layer.provideMerge(watching ? Watcher.layer : Watcher.layerIdle),
    Layer.provideMerge(Layer.mergeAll(Runs.layer, Changes.layer, ScanRunner.layer)),
    Layer.provideMerge(Predictor.layer),
    Layer.provideMerge(Field.layer),
    Layer.provideMerge(Layer.mergeAll(Corpus.layer, Current.layer, Intake.layer, Reviews.layer, Workers.layer)),
    Layer.provideMerge(boundedStoreLayer(store)),
    Layer.provideMerge(Outages.layer),
    Layer.provideMerge(tracing),
    Layer.provideMerge(serviceLog)
  )

/** Loads what is promoted, now and when it changes elsewhere. */
export const keepWarm = Predictor.use(({ warm }) => warm).pipe(
  Effect.repeat(Schedule.spaced("15 seconds")),
  Effect.forkScoped
)
