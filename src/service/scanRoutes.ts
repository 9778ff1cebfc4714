import { Effect, Option, Schema, Struct } from "effect"
import { Elysia } from "elysia"
import { ALARM_RATES } from "../config/alarmRates.ts"
import { Settings } from "../config/settings.ts"
import { acceptField } from "./acceptField.ts"
import { checkScan } from "./checkScan.ts"
import { Current } from "./current.ts"
import { Field } from "./field.ts"
import { mayReadAll } from "./guard.ts"
import type { Handle } from "./handle.ts"
import { Intake, readJson } from "./intake.ts"
import { Alarms, ScanTask, Threshold } from "./protocols.ts"
import { refuse } from "./refusal.ts"
import { END_ID, eventStream } from "./runLog.ts"
import { ScanData, type ScanEvent } from "./scanLog.ts"
import { type Scan, ScanRunner } from "./scanRunner.ts"
import { readShape } from "./shape.ts"
import {
  answers,
  Binary,
  Done,
  decimal,
  input,
  lastEventId,
  limited,
  open,
  stated,
  streams,
  Timestamp,
  wholeNumber
} from "./stated.ts"

/** What is asked of a scan; each may be left out. */
const MEMBERS = {
  recording: "a field recording's key",
  site: "a site's name",
  model: "the run of a version of the model",
  threshold: "a number from 0.01 to 1",
  alarms: `${ALARM_RATES.slice(0, -1).join(", ")} or ${ALARM_RATES.at(-1)} an hour`
}
const readTask = readShape(ScanTask, {
  whole: "The body must be an object of JSON, such as {recording}, {site}, or {} for all that is new.",
  members: MEMBERS
})

/** What a form says of its scan: fields are text. */
const { model, threshold, alarms } = ScanTask.fields
const BesideRecording = {
  fields: Schema.Struct({
    site: Schema.String,
    model,
    threshold: Schema.optionalKey(decimal.pipe(Schema.decodeTo(Threshold))),
    alarms: Schema.optionalKey(decimal.pipe(Schema.decodeTo(Alarms)))
  }),
  rules: { whole: "The form has a recording in file, and a site.", members: Struct.omit(MEMBERS, ["recording"]) }
}
const Upload = Schema.Struct({ file: Binary, site: Schema.String, model, threshold, alarms })

const Started = Schema.Struct({
  ...Done,
  status: Schema.Literals(["running", "in_progress", "no_model"]),
  /** The scan that was started, or is under way: then another follows it. */
  scan_id: Schema.optionalKey(Schema.String),
  /** Where an uploaded recording lies. */
  key: Schema.optionalKey(Schema.String),
  already_stored: Schema.optionalKey(Schema.Boolean),
  /** What is wrong with it, where what is whole of it is heard all the same. */
  note: Schema.optionalKey(Schema.String)
})

const begin = Effect.fnUntraced(function* (task: ScanTask) {
  const { status, id } = yield* (yield* ScanRunner).start(task)
  const message = status === "running" ? "The scan has begun." : "A scan is under way; another follows it."
  return { success: true, message, status, scan_id: id }
})

const byKey = Effect.fnUntraced(function* (body: unknown) {
  const task = yield* Effect.mapError(Effect.fromResult(readTask(body)), (wrong) => refuse(422, wrong))
  yield* checkScan(task)
  return yield* begin(task)
})

/** Field recordings are as long as they are: their bound is that of any recording. */
const byUpload = Effect.fnUntraced(function* (request: Request) {
  const { maxRecordingMegabytes } = yield* Settings
  const intake = yield* Intake
  return yield* intake.form(
    request,
    BesideRecording,
    ({ file, fields: { site, ...asked } }) =>
      Effect.gen(function* () {
        yield* checkScan(asked)
        const { isNew, ...lies } = yield* acceptField(file.name, site, file.recording)
        yield* (yield* Field).forget
        const stored = { ...lies, already_stored: !isNew }
        if (Option.isNone(yield* (yield* Current).model)) {
          return { success: true, message: UNHEARD, status: "no_model" as const, ...stored }
        }
        return { ...(yield* begin(asked)), ...stored }
      }),
    maxRecordingMegabytes * 1_000_000
  )
})

const UNHEARD = "The recording is stored; once a model is trained, a scan hears it."

const OTHERWISE =
  "The body is neither JSON, such as {recording}, {site}, or {} for all that is new, nor multipart/form-data with a file and a site."

const tell = ({ id, startedAt, task, progress, ending }: Scan) => ({
  id,
  startedAt,
  task,
  status: ending?.status ?? ("running" as const),
  outcome: ending?.outcome ?? null,
  progress: progress ?? null
})

const ToldScan = Schema.Struct({
  id: Schema.String,
  startedAt: Timestamp,
  task: ScanTask,
  status: Schema.Literals(["running", ...ScanData.end.fields.status.literals]),
  outcome: Schema.NullOr(Schema.String),
  progress: Schema.NullOr(ScanData.progress)
})

const list = ({ limit = 20 }: { readonly limit?: number }) =>
  ScanRunner.useSync((scans) => ({ running: scans.running() ?? null, scans: scans.list().slice(0, limit).map(tell) }))

const find = Effect.fnUntraced(function* (id: string) {
  const scan = (yield* ScanRunner).get(id)
  return scan ?? (yield* refuse(404, "There is no such scan."))
})

const events = Effect.fnUntraced(function* (request: Request, id: string, last: number) {
  const { log } = yield* find(id)
  const told = mayReadAll(request, yield* Settings) ? (event: ScanEvent) => [event] : forAnybody
  // 204 tells an EventSource not to come back.
  return last >= END_ID ? new Response(null, { status: 204 }) : eventStream(log, last, told)
})

/** Anybody may follow a scan: what names recordings, or why a scan failed, is told with it alone. */
const forAnybody = (event: ScanEvent): ReadonlyArray<ScanEvent> => {
  if (event.type === "skip") return []
  const { status } = event.data as ScanData["end"]
  return status === "failed"
    ? [{ ...event, data: { status, outcome: "The scan failed; why is told with the token." } }]
    : [event]
}

/** Scans of the field recordings: start, list, live events, stop. */
export const scanRoutes = (handle: Handle) =>
  new Elysia({ name: "scans", tags: ["Field recordings"] })
    .post(
      "/scan",
      ({ request, body }) => (isForm(request) ? handle(request, byUpload(request)) : handle(request, byKey(body))),
      {
        parse: [
          ({ request }: { readonly request: Request }) =>
            isForm(request) ? {} : readJson(request, { otherwise: OTHERWISE }),
          // Of these two none is left to read: they state what may come.
          "json" as const,
          "formdata" as const
        ],
        body: stated(Schema.Union([ScanTask, Upload])),
        response: answers(Started, 400, 401, 404, 408, 409, 413, 415, 422, 429),
        detail: {
          ...limited,
          summary: "Hears field recordings: one by key, a site's, all that are new, or one that is uploaded"
        }
      }
    )
    .get("/scans", ({ request, query }) => handle(request, list(query)), {
      query: input(
        Schema.Struct({ limit: Schema.optionalKey(wholeNumber(1, 20)) }),
        "limit must be a whole number from 1 to 20."
      ),
      response: answers(
        Schema.Struct({ running: Schema.NullOr(Schema.String), scans: Schema.Array(ToldScan) }),
        401,
        422
      ),
      detail: { summary: "The scans of this service, newest first" }
    })
    .get("/scans/:id", ({ request, params }) => handle(request, Effect.map(find(params.id), tell)), {
      response: answers(ToldScan, 401, 404),
      detail: { summary: "A scan: how far it is, or how it ended" }
    })
    .get(
      "/scans/:id/events",
      ({ request, params, headers }) => handle(request, events(request, params.id, headers["last-event-id"] ?? 0)),
      {
        headers: lastEventId,
        detail: {
          ...open,
          summary: "A scan's progress as Server-Sent Events: progress, skip, end",
          responses: streams("text/event-stream", "An event's data", Schema.Union(Object.values(ScanData)), 400, 404)
        }
      }
    )
    .post(
      "/scans/:id/cancel",
      ({ request, params }) =>
        handle(
          request,
          ScanRunner.use(({ cancel }) => cancel(params.id)).pipe(
            Effect.as({ success: true, message: "The scan stops.", status: "cancelled" as const })
          )
        ),
      {
        parse: "none",
        response: answers(Schema.Struct({ ...Done, status: Schema.Literal("cancelled") }), 401, 404, 409, 422),
        detail: { summary: "Stops a scan; what it has heard is kept" }
      }
    )

const isForm = ({ headers }: Request): boolean => /^multipart\//i.test(headers.get("content-type") ?? "")
