import { Context, Effect, Layer, Metric } from "effect"
import { PrometheusMetrics } from "effect/observability"
import { Corpus } from "./corpus.ts"
import { Predictor } from "./predictor.ts"
import { Runs } from "./runs.ts"

const requests = Metric.counter("ecosight_http_requests_total", { description: "Requests answered", incremental: true })
const predictions = Metric.counter("ecosight_predictions_total", { description: "Predictions made", incremental: true })
const uploads = Metric.counter("ecosight_uploads_total", {
  description: "Recordings stored by upload",
  incremental: true
})
const predictionSeconds = Metric.histogram("ecosight_prediction_seconds", {
  description: "Time from the whole body to the answer",
  boundaries: [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10]
})
const engineDeaths = Metric.gauge("ecosight_engine_deaths", { description: "How often the engine process has died" })
const training = Metric.gauge("ecosight_run_in_progress", { description: "1 while this service trains" })
const fresh = Metric.gauge("ecosight_new_recordings", { description: "Recordings new since the last training" })

/** What the service counts, for /status and for Prometheus. */
export class Counters extends Context.Service<
  Counters,
  {
    readonly answered: (status: number) => Effect.Effect<void>
    readonly predicted: (seconds: number) => Effect.Effect<void>
    readonly uploaded: Effect.Effect<void>
    readonly predictions: () => number
    /** `0d 0h 0m 0s`, as EcoSight writes it. */
    readonly uptime: () => string
    /** Prometheus' text format. */
    readonly text: Effect.Effect<string>
  }
>()("ecosight/service/Counters") {
  static readonly layer = Layer.effect(
    Counters,
    Effect.gen(function* () {
      const corpus = yield* Corpus
      const runs = yield* Runs
      const predictor = yield* Predictor
      const began = performance.now()
      let predicted = 0
      return Counters.of({
        answered: (status) =>
          Metric.update(Metric.withAttributes(requests, { status: `${Math.floor(status / 100)}xx` }), 1),
        predicted: (seconds) => {
          predicted++
          return Effect.andThen(Metric.update(predictions, 1), Metric.update(predictionSeconds, seconds))
        },
        uploaded: Metric.update(uploads, 1),
        predictions: () => predicted,
        uptime: () => {
          const seconds = Math.floor((performance.now() - began) / 1000)
          const [days, hours, minutes] = [seconds / 86_400, (seconds / 3600) % 24, (seconds / 60) % 60].map(Math.floor)
          return `${days}d ${hours}h ${minutes}m ${seconds % 60}s`
        },
        text: Effect.gen(function* () {
          yield* Metric.update(engineDeaths, predictor.deaths())
          yield* Metric.update(training, runs.running() === undefined ? 0 : 1)
          const snapshot = yield* Effect.option(corpus.snapshot)
          if (snapshot._tag === "Some") yield* Metric.update(fresh, snapshot.value.fresh)
          return yield* PrometheusMetrics.format()
        })
      })
    })
  )
}
