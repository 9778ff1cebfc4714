import { DateTime, Effect, Option, Schema } from "effect"
import { Elysia } from "elysia"
import packageJson from "../../package.json"
import { Settings } from "../config.ts"
import { Store } from "../store/store.ts"
import { acceptUpload } from "./acceptUpload.ts"
import { Current } from "./current.ts"
import { Intake } from "./intake.ts"
import { Tally } from "./metrics.ts"
import { multipart } from "./openapi.ts"
import { Predictor } from "./predictor.ts"
import { refuse } from "./refusal.ts"
import { queryOf, type Run } from "./routes.ts"
import { Runs } from "./runs.ts"

const timestamp = Effect.map(DateTime.now, DateTime.formatIso)

const promoted = Current.use(({ model }) => model)

const root = Effect.succeed({
  message: "Wildlife Sound Classification API",
  version: packageJson.version,
  status: "operational",
  endpoints: { predict: "/predict", status: "/status", retrain: "/retrain", upload: "/upload", metrics: "/metrics" }
})

const health = Effect.gen(function* () {
  // Healthy means that the process answers: a store that does not is for /status to tell.
  const model = yield* Effect.orElseSucceed(promoted, () => Option.none())
  return { status: "healthy", timestamp: yield* timestamp, model_loaded: Option.isSome(model) }
})

const status = Effect.gen(function* () {
  const model = yield* promoted
  const tally = yield* Tally
  if (Option.isNone(model)) return yield* refuse(503, "Model not loaded")
  const { model_name, training_date, test_accuracy, classes } = model.value.metadata
  return {
    status: "operational",
    uptime: tally.uptime(),
    total_predictions: tally.predictions(),
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
  const has_history = loss.length > 0
  return {
    has_history,
    training_history: has_history ? { loss, val_loss, accuracy, val_accuracy, epochs } : null,
    retraining_log: log
  }
})

const predict = (request: Request) =>
  Intake.use(({ form }) =>
    form(request, ({ file }) =>
      Effect.gen(function* () {
        const began = performance.now()
        const all_probabilities = yield* (yield* Predictor).predict(file.bytes)
        const [predicted_class, confidence] = Object.entries(all_probabilities).reduce((best, next) =>
          next[1] > best[1] ? next : best
        )
        const processing_time = (performance.now() - began) / 1000
        yield* (yield* Tally).predicted(processing_time)
        return {
          success: true,
          ...(queryOf(request).get("unknown") === "1"
            ? yield* doubted(predicted_class, confidence)
            : { predicted_class }),
          confidence,
          all_probabilities,
          processing_time,
          timestamp: yield* timestamp
        }
      })
    )
  )

/** `unknown` in place of a class below its threshold, for clients that ask for it; models of old have no thresholds. */
const doubted = Effect.fnUntraced(function* (likeliest_class: string, confidence: number) {
  const model = Option.getOrUndefined(yield* promoted)
  const threshold = model?.metadata.decision_thresholds?.[likeliest_class] ?? 0
  return { predicted_class: confidence < threshold ? "unknown" : likeliest_class, likeliest_class, threshold }
})

const upload = (request: Request) =>
  Intake.use(({ form }) =>
    form(request, ({ file, fields }) =>
      Effect.gen(function* () {
        const { location } = yield* Store
        // EcoSight takes the class from the query.
        const asked = fields.get("class_name") ?? queryOf(request).get("class_name") ?? "unknown"
        const { key, className, isNew } = yield* acceptUpload(file.name, asked, file.bytes)
        if (isNew) yield* (yield* Tally).uploaded
        return {
          success: true,
          message: isNew
            ? "File uploaded successfully"
            : `The same recording was uploaded before, to class ${className}; it is stored once.`,
          file_path: key,
          class: className,
          s3_uploaded: location.startsWith("s3://"),
          timestamp: yield* timestamp
        }
      })
    )
  )

const RetrainRequest = Schema.Struct({
  trigger_reason: Schema.optionalKey(Schema.NullOr(Schema.String.check(Schema.isMaxLength(500)))),
  min_new_samples: Schema.optionalKey(Schema.NullOr(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1e9 }))))
})

const retrain = (request: Request) =>
  Effect.gen(function* () {
    const { minNewSamples } = yield* Settings
    const body = (yield* (yield* Intake).json(request)) ?? {}
    const { trigger_reason, min_new_samples } = yield* Schema.decodeUnknownEffect(RetrainRequest)(body).pipe(
      Effect.mapError(() =>
        refuse(
          422,
          "trigger_reason must be a text of at most 500 characters, and min_new_samples a whole number of at least 0."
        )
      )
    )
    const least = min_new_samples ?? minNewSamples
    const started = yield* (yield* Runs).start(trigger_reason ?? "Manual trigger", least)
    switch (started.status) {
      case "running":
        return { success: true, message: "Retraining started.", status: "running", run_id: started.runId }
      case "in_progress":
        return {
          success: false,
          message: "Retraining already in progress",
          status: "in_progress",
          run_id: started.runId
        }
      case "not_needed":
        return {
          success: false,
          message: `Only ${started.fresh} recordings are new since the last training, fewer than ${least}.`,
          status: "not_needed",
          new_samples: started.fresh
        }
    }
  })

/** EcoSight's own endpoints: paths, fields and codes as its clients know them. */
export const ecosightRoutes = (run: Run) =>
  new Elysia({ name: "ecosight", tags: ["EcoSight"] })
    .get("/", ({ request }) => run(request, root), { detail: { summary: "What this is" } })
    .get("/health", ({ request }) => run(request, health), { detail: { summary: "Whether the service answers" } })
    .get("/status", ({ request }) => run(request, status), { detail: { summary: "The promoted model; 503 without" } })
    .get("/metrics", ({ request }) => run(request, metrics), { detail: { summary: "The promoted model's scores" } })
    .get("/training-history", ({ request }) => run(request, trainingHistory), {
      detail: { summary: "Learning curves, and every training so far" }
    })
    .post("/predict", ({ request }) => run(request, predict(request)), {
      parse: "none",
      detail: {
        summary: 'Classifies a recording; with ?unknown=1 as "unknown" where the model is not sure enough',
        requestBody: multipart({})
      }
    })
    .post("/upload", ({ request }) => run(request, upload(request)), {
      parse: "none",
      detail: {
        summary: "Adds a recording to the training data",
        requestBody: multipart({ class_name: { type: "string", default: "unknown" } })
      }
    })
    .post("/retrain", ({ request }) => run(request, retrain(request)), {
      parse: "none",
      detail: {
        summary: "Starts a training",
        requestBody: {
          content: {
            "application/json": {
              schema: {
                type: "object",
                properties: {
                  trigger_reason: { type: "string", maxLength: 500 },
                  min_new_samples: { type: "integer", minimum: 0 }
                }
              }
            }
          }
        }
      }
    })
