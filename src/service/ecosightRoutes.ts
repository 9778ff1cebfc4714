import { DateTime, Effect, Option, Schema } from "effect"
import { Elysia } from "elysia"
import packageJson from "../../package.json"
import { Settings } from "../config/settings.ts"
import { UNKNOWN } from "../store/className.ts"
import { Store } from "../store/store.ts"
import { acceptUpload } from "./acceptUpload.ts"
import { Counters } from "./counters.ts"
import { Current, readModel } from "./current.ts"
import { Health, History, Prediction, Root, Status, Uploaded } from "./ecosightAnswers.ts"
import type { Handle } from "./handle.ts"
import { Intake } from "./intake.ts"
import { Outages } from "./outages.ts"
import { Predictor } from "./predictor.ts"
import { refuse } from "./refusal.ts"
import type { Spooled } from "./spool.ts"
import { answers, Binary, input, limited, multipartBody, open, yesOrNo } from "./stated.ts"

const timestamp = Effect.map(DateTime.now, DateTime.formatIso)

const promoted = Current.use(({ model }) => model)

const root = Effect.succeed({
  message: "Wildlife Sound Classification API",
  version: packageJson.version,
  status: "operational",
  endpoints: { predict: "/predict", status: "/status", retrain: "/retrain", upload: "/upload", metrics: "/metrics" }
})

const health = Effect.gen(function* () {
  // Healthy means that the process answers, at once and from memory, whatever else is away.
  const current = yield* Current
  const { away } = yield* Outages
  const model_loaded = current.last() !== undefined
  return { status: "healthy" as const, timestamp: yield* timestamp, model_loaded, away: away() }
})

const status = Effect.gen(function* () {
  const model = yield* promoted
  const counters = yield* Counters
  if (Option.isNone(model)) return yield* refuse(503, "Model not loaded")
  const { model_name, training_date, test_accuracy, classes } = model.value.metadata
  return {
    status: "operational" as const,
    uptime: counters.uptime(),
    total_predictions: counters.predictions(),
    model_loaded: true,
    model_name,
    training_date,
    test_accuracy: test_accuracy ?? 0,
    num_classes: classes.length,
    classes
  }
})

const metrics = Effect.gen(function* () {
  const model = yield* promoted
  if (Option.isNone(model) || model.value.metrics === null) return yield* refuse(404, "Metrics file not found")
  return model.value.metrics
})

const trainingHistory = Effect.map(promoted, (model) => {
  if (Option.isNone(model)) return { has_history: false, training_history: null, retraining_log: null }
  const { history, log } = model.value
  const { loss = [], val_loss = [], accuracy = [], val_accuracy = [] } = history
  const epochs = loss.map((_, at) => at + 1)
  // EcoSight's clients take the first figure of every list that is there.
  const curves = Object.fromEntries(
    Object.entries({ loss, val_loss, accuracy, val_accuracy, epochs }).filter(([, figures]) => figures.length > 0)
  )
  const has_history = loss.length > 0
  return { has_history, training_history: has_history ? curves : null, retraining_log: log }
})

/** EcoSight's API passes over what its clients send besides, and nothing is decided by it. */
const BesideClip = {
  fields: Schema.Record(Schema.String, Schema.String),
  rules: { whole: "The form has a recording in file." }
}

const predict = (request: Request, mayBeUnknown: boolean) =>
  Effect.andThen(
    Predictor.use(({ admit }) => admit),
    Intake.use((intake) =>
      intake.form(request, BesideClip, ({ file }) =>
        Effect.gen(function* () {
          const began = performance.now()
          const { runId, all_probabilities, seconds_heard, events } = yield* heardOf(file.recording)
          const [predicted_class, confidence] = Object.entries(all_probabilities).reduce((best, next) =>
            next[1] > best[1] ? next : best
          )
          const processing_time = (performance.now() - began) / 1000
          yield* (yield* Counters).predicted(processing_time)
          return {
            success: true,
            ...(mayBeUnknown ? yield* doubted(runId, predicted_class, confidence) : { predicted_class }),
            confidence,
            all_probabilities,
            processing_time,
            timestamp: yield* timestamp,
            seconds_heard,
            heard_to_the_end: true,
            ...(events === undefined ? {} : { events })
          }
        })
      )
    )
  )

/**
 * What is heard in a recording: in a clip the probabilities of all of it, in a longer one events, and the probabilities
 * where something is surest.
 */
const heardOf = Effect.fnUntraced(function* (recording: Spooled) {
  const predictor = yield* Predictor
  const { clipMaxSeconds } = yield* Settings
  const { runId, probabilities, seconds } = yield* predictor.predict(recording)
  const ofClip = { runId, all_probabilities: probabilities, events: undefined }
  if (seconds < clipMaxSeconds) return { ...ofClip, seconds_heard: seconds }
  const whole = yield* predictor.hear(recording)
  return whole.seconds <= clipMaxSeconds
    ? { ...ofClip, seconds_heard: whole.seconds }
    : { runId: whole.runId, all_probabilities: whole.surest, seconds_heard: whole.seconds, events: whole.events }
})

/**
 * `unknown` in place of a class below its threshold, for clients that ask for it; models of old have no thresholds. They are
 * those of the version that answered, which may not be the one that is promoted by now.
 */
const doubted = Effect.fnUntraced(function* (runId: string, likeliest_class: string, confidence: number) {
  const current = yield* promoted
  const model = Option.isSome(current) && current.value.runId === runId ? current.value : yield* readModel(runId)
  const thresholds = new Map(Object.entries(model.metadata.decision_thresholds ?? {}))
  const threshold = thresholds.get(likeliest_class) ?? 0
  return { predicted_class: confidence < threshold ? "unknown" : likeliest_class, likeliest_class, threshold }
})

const BesideUpload = {
  fields: Schema.Struct({ class_name: Schema.optionalKey(Schema.String) }),
  rules: { whole: "The form has a recording in file, and its class in class_name." }
}

const upload = (request: Request, classInQuery: string | undefined) =>
  Intake.use((intake) =>
    intake.form(request, BesideUpload, ({ file, fields }) =>
      Effect.gen(function* () {
        const { location } = yield* Store
        const { class_name = classInQuery ?? UNKNOWN } = fields
        if (class_name !== (classInQuery ?? class_name)) {
          return yield* refuse(422, "class_name is one class in the form and another in the query: send one of them.")
        }
        const { key, className, isNew } = yield* acceptUpload(file.name, class_name, file.recording)
        if (isNew) yield* (yield* Counters).uploaded
        return {
          success: true,
          message: isNew
            ? "File uploaded successfully"
            : `The same recording was uploaded before, to class ${className}; it is stored once.`,
          file_path: key,
          class: className,
          already_stored: !isNew,
          s3_uploaded: location.startsWith("s3://"),
          timestamp: yield* timestamp
        }
      })
    )
  )

/** How a recording in a body may be refused. */
const BODY = [400, 401, 408, 413, 415, 422, 429] as const

/** EcoSight's own endpoints: paths, fields and codes as its clients know them. */
export const ecosightRoutes = (handle: Handle) =>
  new Elysia({ name: "ecosight", tags: ["EcoSight"] })
    .get("/", ({ request }) => handle(request, root), {
      response: answers(Root),
      detail: { ...open, summary: "What this is" }
    })
    .get("/health", ({ request }) => handle(request, health), {
      response: answers(Health),
      detail: { ...open, summary: "Whether the service answers" }
    })
    .get("/status", ({ request }) => handle(request, status), {
      response: answers(Status),
      detail: { ...open, summary: "The promoted model; 503 without" }
    })
    .get("/metrics", ({ request }) => handle(request, metrics), {
      response: answers(Schema.Json, 404),
      detail: { ...open, summary: "The promoted model's scores" }
    })
    .get("/training-history", ({ request }) => handle(request, trainingHistory), {
      response: answers(History),
      detail: { ...open, summary: "Learning curves, and every training so far" }
    })
    .post("/predict", ({ request, query }) => handle(request, predict(request, query.unknown ?? false)), {
      query: input(Schema.Struct({ unknown: Schema.optionalKey(yesOrNo) }), "unknown must be true or false."),
      ...multipartBody(Schema.Struct({ file: Binary })),
      response: answers(Prediction, ...BODY),
      detail: {
        ...limited,
        summary:
          'Classifies a recording, and tells the events in one of up to an hour; with ?unknown=true as "unknown" where the model is not sure enough'
      }
    })
    .post("/upload", ({ request, query }) => handle(request, upload(request, query.class_name)), {
      // EcoSight takes the class from the query.
      query: input(Schema.Struct({ class_name: Schema.optionalKey(Schema.String) }), "class_name must be one class."),
      ...multipartBody(Schema.Struct({ file: Binary, ...BesideUpload.fields.fields })),
      response: answers(Uploaded, ...BODY, 409),
      detail: { ...limited, summary: "Adds a recording to the training data" }
    })
