import { Effect, Option, Schema, SchemaTransformation, Struct } from "effect"
import { Elysia } from "elysia"
import { counted } from "../config/inWords.ts"
import { Settings } from "../config/settings.ts"
import { isRunId } from "../registry/runRecord.ts"
import { RunSummary } from "../runs/summary.ts"
import { endForAnybody, eventForAnybody, runForAnybody } from "./forAnybody.ts"
import { mayReadAll } from "./guard.ts"
import type { Handle } from "./handle.ts"
import { refuse } from "./refusal.ts"
import { Run } from "./runHistory.ts"
import { END_ID, EventData, eventStream, type LoggedEvent, makeRunLog } from "./runLog.ts"
import { Runs } from "./runs.ts"
import { oneLine } from "./serviceLog.ts"
import { answers, Done, input, jsonBody, lastEventId, open, streams, Timestamp, wholeNumber } from "./stated.ts"

/** What a run came to, as far as it trained: whether its model took over, and how it did on its own holdout. */
const Result = Schema.Struct({
  promoted: Schema.Boolean,
  recordings: Schema.Int,
  macroF1: Schema.NullOr(Schema.Finite),
  accuracy: Schema.NullOr(Schema.Finite)
})
const Listed = Schema.Struct({
  ...Struct.omit(Run.fields, ["summary"]),
  startedAt: Schema.NullOr(Timestamp),
  result: Schema.NullOr(Result)
})
/** What runs of every version have told; newer ones tell more. */
const Summary = Schema.StructWithRest(
  Schema.Struct({
    ...Struct.pick(RunSummary.fields, [
      "recordings",
      "embedded",
      "reused",
      "variants",
      "skipped",
      "noted",
      "silent",
      "notes",
      "seconds",
      "engine",
      "holdout",
      "field",
      "keras"
    ]),
    comparison: Schema.optionalKey(RunSummary.fields.comparison)
  }),
  [Schema.Record(Schema.String, Schema.Json)]
)
const RunDetails = Schema.Struct({ ...Listed.fields, summary: Schema.NullOr(Summary) })

const list = Effect.fnUntraced(function* (
  request: Request,
  { limit = 20, before }: { limit?: number; before?: string }
) {
  const runs = yield* Runs
  const listed = yield* runs.list(limit, before)
  return {
    runs: (mayReadAll(request, yield* Settings) ? listed : listed.map(endForAnybody)).map(withResult),
    running: runs.running() ?? null
  }
})

const withResult = (run: Run) => {
  const told = Option.getOrUndefined(Schema.decodeUnknownOption(Told)(run.summary))
  const result = told && { promoted: told.promoted, recordings: told.recordings, ...told.holdout }
  return { ...run, result: result ?? null }
}
const Told = Schema.Struct({
  ...Struct.pick(RunSummary.fields, ["promoted", "recordings"]),
  holdout: Schema.Struct(Struct.pick(Result.fields, ["macroF1", "accuracy"]))
})

const show = Effect.fnUntraced(function* (request: Request, id: string) {
  const found = yield* (yield* Runs).get(id)
  const { summary, ...run } = withResult(mayReadAll(request, yield* Settings) ? found : runForAnybody(found))
  return { ...run, summary: Option.getOrNull(Schema.decodeUnknownOption(Summary)(summary)) }
})

const events = Effect.fnUntraced(function* (request: Request, id: string, last: number) {
  const runs = yield* Runs
  const told = mayReadAll(request, yield* Settings) ? (event: LoggedEvent) => [event] : eventForAnybody
  const { status, outcome } = yield* runs.get(id)
  // 204 tells an EventSource not to come back.
  if (last >= END_ID) return new Response(null, { status: 204 })
  const log = runs.log(id)
  if (log !== undefined) return eventStream(log, last, told)
  if (status === "running") return yield* refuse(409, "This run was not started here, so its events are elsewhere.")
  // Of a service before this one: what it told last is not known, but that the client has not seen the end is.
  const ended = makeRunLog()
  ended.end({ status, outcome })
  return eventStream(ended, last, told)
})

const cancel = Effect.fnUntraced(function* (id: string) {
  yield* (yield* Runs).cancel(id)
  return { success: true, message: "The run is cancelled.", status: "cancelled" } as const
})

/** It goes into records, onto pages and terminals. */
const Reason = Schema.String.check(Schema.isMaxLength(500)).pipe(
  Schema.decodeTo(Schema.String, SchemaTransformation.transform({ decode: oneLine, encode: (text) => text }))
)

const RetrainRequest = Schema.Struct({
  trigger_reason: Schema.optionalKey(Schema.NullOr(Reason)),
  min_new_samples: Schema.optionalKey(Schema.NullOr(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1e9 }))))
})

const retrain = Effect.fnUntraced(function* ({ trigger_reason, min_new_samples }: typeof RetrainRequest.Type) {
  const { minNewSamples } = yield* Settings
  const least = min_new_samples ?? minNewSamples
  const started = yield* (yield* Runs).start(trigger_reason || "Manual trigger", least)
  if (started.status === "not_needed") {
    const { status, fresh } = started
    const message = `Only ${counted(fresh, "recording is", "recordings are")} new since the last training, fewer than ${least}.`
    return { success: false, message, status, new_samples: fresh }
  }
  const { status, runId } = started
  const success = status === "running"
  const message = success ? "Retraining started." : "Retraining already in progress"
  return { success, message, status, run_id: runId }
})

const Retraining = Schema.Struct({
  ...Done,
  status: Schema.Literals(["running", "in_progress", "not_needed"]),
  /** The run that was started, or is under way. */
  run_id: Schema.optionalKey(Schema.String),
  /** How many recordings are new, where they are too few. */
  new_samples: Schema.optionalKey(Schema.Int)
})

/** Training runs: start, list, one, live events, cancel. */
export const runRoutes = (handle: Handle) =>
  new Elysia({ name: "runs", tags: ["Runs"] })
    .get("/runs", ({ request, query }) => handle(request, list(request, query)), {
      query: input(
        Schema.Struct({
          limit: Schema.optionalKey(wholeNumber(1, 100)),
          before: Schema.optionalKey(Schema.String.check(Schema.makeFilter(isRunId)))
        }),
        "limit must be a whole number from 1 to 100, and before a run's id."
      ),
      response: answers(Schema.Struct({ runs: Schema.Array(Listed), running: Schema.NullOr(Schema.String) }), 422),
      detail: { ...open, summary: "Runs, newest first; what a run says of its files and machines is told one by one" }
    })
    .get("/runs/:id", ({ request, params }) => handle(request, show(request, params.id)), {
      response: answers(RunDetails, 404),
      detail: { ...open, summary: "A run, with its report once it has finished; only the token reads what names files" }
    })
    .get(
      "/runs/:id/events",
      ({ request, params, headers }) => handle(request, events(request, params.id, headers["last-event-id"] ?? 0)),
      {
        headers: lastEventId,
        detail: {
          ...open,
          summary: "A run's progress as Server-Sent Events: progress, epoch, skip, end",
          responses: streams(
            "text/event-stream",
            "An event's data",
            Schema.Union(Object.values(EventData)),
            400,
            404,
            409
          )
        }
      }
    )
    .post("/runs/:id/cancel", ({ request, params }) => handle(request, cancel(params.id)), {
      parse: "none",
      response: answers(Schema.Struct({ ...Done, status: Schema.Literal("cancelled") }), 401, 404, 409, 422),
      detail: { summary: "Cancels a run" }
    })
    .post("/retrain", ({ request, body }) => handle(request, retrain(body)), {
      ...jsonBody(
        RetrainRequest,
        "trigger_reason must be a text of at most 500 characters, and min_new_samples a whole number of at least 0."
      ),
      response: answers(Retraining, 400, 401, 413, 422),
      detail: { summary: "Starts a training", tags: ["EcoSight"] }
    })
