import { Context, Effect, Layer, Metric, Option } from "effect"
import { PrometheusMetrics } from "effect/observability"
import { Corpus } from "./corpus.ts"
import { Current, type Model } from "./current.ts"
import { Predictor } from "./predictor.ts"
import type { Route } from "./routeTable.ts"
import { Runs } from "./runs.ts"

const predictions = Metric.counter("ecosight_predictions_total", { description: "Predictions made", incremental: true })
const uploads = Metric.counter("ecosight_uploads_total", {
  description: "Recordings stored by upload",
  incremental: true
})
const predictionSeconds = Metric.histogram("ecosight_prediction_seconds", {
  description: "Time from the whole body to the answer",
  boundaries: [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10]
})
/** A series for each route and kind of status; made once, since to name one costs more than to count. */
const requestsOf = (method: string, route: string, status: string) => ({
  requests: Metric.counter("ecosight_http_requests_total", {
    description: "Requests answered",
    incremental: true,
    attributes: { method, route, status }
  }),
  seconds: Metric.histogram("ecosight_http_request_seconds", {
    description: "Time from a request's head to its answer's",
    boundaries: [0.005, 0.02, 0.1, 0.5, 2, 10, 30],
    attributes: { method, route }
  })
})
const queue = Metric.gauge("ecosight_prediction_queue", {
  description: "Requests that the engine processes have in hand or in their queues"
})
const modelLoaded = Metric.gauge("ecosight_model_loaded", { description: "1 while there is a model to predict with" })
const modelClasses = Metric.gauge("ecosight_model_classes", { description: "Classes of the model" })
const modelTrained = Metric.gauge("ecosight_model_trained_timestamp_seconds", {
  description: "When the model was trained, in Unix time"
})
const modelScore = Metric.gauge("ecosight_model_score", {
  description: "How the model did on its own holdout, by accuracy and macro_f1"
})
const engineDeaths = Metric.gauge("ecosight_engine_deaths", { description: "How often the engine process has died" })
const training = Metric.gauge("ecosight_run_in_progress", { description: "1 while this service trains" })
const fresh = Metric.gauge("ecosight_new_recordings", { description: "Recordings new since the last training" })

/** What the service counts, for /status and for Prometheus. */
export class Counters extends Context.Service<
  Counters,
  {
    /** A request was answered; without a route there was nothing at its path, or not by its method. */
    readonly answered: (route: Pick<Route, "method" | "path"> | undefined, status: number, seconds: number) => void
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
      const current = yield* Current
      const runs = yield* Runs
      const predictor = yield* Predictor
      const began = performance.now()
      let predicted = 0
      const context = yield* Effect.context<never>()
      const series = new Map<string, ReturnType<typeof requestsOf>>()
      return Counters.of({
        answered: ({ method, path } = NO_ROUTE, status, seconds) => {
          const kind = `${Math.floor(status / 100)}xx`
          const name = `${method} ${path} ${kind}`
          const known = series.get(name) ?? requestsOf(method, path, kind)
          series.set(name, known)
          known.requests.updateUnsafe(1, context)
          known.seconds.updateUnsafe(seconds, context)
        },
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
          yield* Metric.update(queue, predictor.waiting())
          yield* tellModel(Option.flatten(yield* Effect.option(current.model)))
          return yield* PrometheusMetrics.format()
        })
      })
    })
  )
}

/** What clients make up does not become a label. */
const NO_ROUTE = { method: "other", path: "none" }

const tellModel = Effect.fnUntraced(function* (model: Option.Option<Model>) {
  yield* Metric.update(modelLoaded, Option.isSome(model) ? 1 : 0)
  if (Option.isNone(model)) return
  const { classes, training_date, test_accuracy, macro_f1 } = model.value.metadata
  yield* Metric.update(modelClasses, classes.length)
  const trained = Date.parse(`${training_date.replace(" ", "T")}Z`)
  if (!Number.isNaN(trained)) yield* Metric.update(modelTrained, trained / 1000)
  for (const [figure, value] of Object.entries({ accuracy: test_accuracy, macro_f1 })) {
    if (value !== undefined) yield* Metric.update(Metric.withAttributes(modelScore, { figure }), value)
  }
})
