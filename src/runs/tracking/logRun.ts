import { Clock, Effect, Option, Schema } from "effect"
import { Settings } from "../../config/settings.ts"
import { findStored, versionReader } from "../../registry/versionFiles.ts"
import type { RunSummary } from "../summary.ts"
import { type Tracker, type TrackerError, trackerAt } from "./tracker.ts"

/** What the version in use is called in the registry of models. */
const ALIAS = "champion"
/** Of the registered model, and of the experiment. */
const NAME = "ecosight"
/** All that a run waits for its tracker, at most. */
const PATIENCE = "60 seconds"

const Nothing = Schema.Struct({})
const Experiment = Schema.Struct({ experiment: Schema.Struct({ experiment_id: Schema.String }) })
const Created = Schema.Struct({ experiment_id: Schema.String })
const Run = Schema.Struct({
  run: Schema.Struct({ info: Schema.Struct({ run_id: Schema.String, artifact_uri: Schema.String }) })
})
const ModelVersion = Schema.Struct({ model_version: Schema.Struct({ version: Schema.String }) })

/**
 * Logs a finished run to the MLflow server at MLFLOW_TRACKING_URI, where that is set: parameters, metrics, the version's
 * files, a version of the registered model, and its alias where it was promoted. That the server does not take it costs the
 * run nothing but a warning.
 */
export const logRun = Effect.fn("logRun")(function* (summary: RunSummary, options: object, startedAt: number) {
  const { trackingUri } = yield* Settings
  if (Option.isNone(trackingUri)) return
  const tracker = trackerAt(trackingUri.value)
  const { address } = tracker
  const warn = (what: string) =>
    Effect.logWarning(`The run is not wholly logged: the MLflow server at ${address} ${what}.`)
  yield* send(tracker, summary, options, startedAt).pipe(
    Effect.tap((page) => Effect.logInfo(`Logged to ${address}/#/${page}.`)),
    Effect.timeoutOrElse({ duration: PATIENCE, orElse: () => warn(`takes more than ${PATIENCE}`) }),
    Effect.catchTag("TrackerError", ({ message }) => warn(message)),
    // Its files are read from the store, which may be away by now.
    Effect.catch(({ message }) => Effect.logWarning(`The run is not wholly logged. ${message}`))
  )
})

const send = Effect.fnUntraced(function* (tracker: Tracker, summary: RunSummary, options: object, startedAt: number) {
  const experiment = yield* experimentOf(tracker)
  const { run } = yield* tracker.post(
    "runs/create",
    { experiment_id: experiment, run_name: summary.runId, start_time: startedAt },
    Run
  )
  const { run_id: id, artifact_uri: artefacts } = run.info
  yield* tracker.post("runs/log-batch", { run_id: id, ...batchOf(summary, options, startedAt) }, Nothing)
  yield* sendFiles(tracker, summary.runId, artefacts)
  yield* tracker.post(
    "runs/update",
    { run_id: id, status: "FINISHED", end_time: yield* Clock.currentTimeMillis },
    Nothing
  )
  yield* isThere(tracker.post("registered-models/create", { name: NAME }, Schema.Unknown))
  const { model_version } = yield* tracker.post(
    "model-versions/create",
    { name: NAME, source: artefacts, run_id: id, description: summary.decision },
    ModelVersion
  )
  if (summary.promoted) {
    const alias = { name: NAME, alias: ALIAS, version: model_version.version }
    yield* tracker.post("registered-models/alias", alias, Nothing)
  }
  return `experiments/${experiment}/runs/${id}`
})

const isThere = <A>(creation: Effect.Effect<A, TrackerError>) =>
  Effect.catch(creation, (error) => (error.code === "RESOURCE_ALREADY_EXISTS" ? Effect.void : Effect.fail(error)))

/** The experiment of all runs at a server; none before the first. */
const findExperiment = (tracker: Tracker) =>
  tracker.get("experiments/get-by-name", { experiment_name: NAME }, Experiment).pipe(
    Effect.map(({ experiment }) => Option.some(experiment.experiment_id)),
    Effect.catchIf(
      ({ code }) => code === "RESOURCE_DOES_NOT_EXIST",
      () => Effect.succeed(Option.none<string>())
    )
  )

/** Whether a server answers as MLflow does; nothing is made there. */
export const askTracker = (tracker: Tracker) => Effect.asVoid(findExperiment(tracker))

const experimentOf = Effect.fnUntraced(function* (tracker: Tracker) {
  const found = yield* findExperiment(tracker)
  if (Option.isSome(found)) return found.value
  return (yield* tracker.post("experiments/create", { name: NAME }, Created)).experiment_id
})

/** A run's parameters, metrics and tags. */
const batchOf = (summary: RunSummary, options: object, timestamp: number) => {
  const { holdout, keras, seconds, recordings, variants, patches, embedded } = summary
  const numbers = {
    macro_f1: holdout.macroF1,
    accuracy: holdout.accuracy,
    keras_macro_f1: keras?.macroF1,
    ...Object.fromEntries(holdout.perClass.map(({ className, f1 }) => [`f1/${className}`, f1])),
    ...Object.fromEntries(Object.entries(seconds).map(([stage, value]) => [`seconds/${stage}`, value])),
    recordings,
    held_out: holdout.recordings,
    variants,
    patches,
    embedded,
    skipped: summary.skipped.length
  }
  const entries = (values: object) =>
    Object.entries(values).filter(([, value]) => value !== null && value !== undefined)
  const text = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value)).slice(0, 6000)
  return {
    metrics: entries(numbers).map(([key, value]) => ({ key, value, timestamp, step: 0 })),
    params: entries({ ...options, embedder: summary.embedder, engine: summary.engine.name, snapshot: summary.snapshot })
      .slice(0, 100)
      .map(([key, value]) => ({ key, value: text(value) })),
    tags: entries({
      "mlflow.source.name": "ecosight-retrain",
      "ecosight.run": summary.runId,
      "ecosight.store": summary.store,
      "ecosight.promoted": `${summary.promoted}`,
      "mlflow.note.content": [summary.decision, ...summary.notes].join("\n\n")
    }).map(([key, value]) => ({ key, value: text(value) }))
  }
}

/** Where a server keeps artefacts for its clients; elsewhere they would need its own keys to a bucket. */
const KEPT_BY_SERVER = /^mlflow-artifacts:\/*/

const sendFiles = Effect.fnUntraced(function* (tracker: Tracker, runId: string, artefacts: string) {
  if (!KEPT_BY_SERVER.test(artefacts)) {
    return yield* Effect.logWarning(
      `The version's files are not sent to MLflow: its server does not keep artefacts itself (${artefacts}).`
    )
  }
  const folder = artefacts.replace(KEPT_BY_SERVER, "")
  const version = yield* findStored(runId)
  const read = yield* versionReader(version)
  for (const file of version.files.keys()) {
    const bytes = yield* read(file)
    if (Option.isSome(bytes)) yield* tracker.put(`${folder}/${file}`, bytes.value)
  }
})
