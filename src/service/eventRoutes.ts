import { Effect, Option, Schema } from "effect"
import { Elysia } from "elysia"
import { compareEvents } from "../classifier/events/compareEvents.ts"
import { Event } from "../classifier/events/event.ts"
import { RunName } from "../registry/runRecord.ts"
import { judge } from "../review/judge.ts"
import { isFieldRecording, siteOf } from "../store/keys.ts"
import { Store } from "../store/store.ts"
import { activityOf, EVENT_ORDERS, EventFilter, filterEvents, orderEvents } from "./eventQuery.ts"
import { Field } from "./field.ts"
import type { Handle } from "./handle.ts"
import { checkClass, knownClasses } from "./newClasses.ts"
import { Predictor } from "./predictor.ts"
import { refuse } from "./refusal.ts"
import { sendTable } from "./sendTable.ts"
import { answers, Binary, Done, input, jsonBody, limited, seconds, streams, wholeNumber } from "./stated.ts"

const Told = Schema.Struct({
  ...Event.fields,
  /** By the recorder's clock; null where no clock is known. */
  at: Schema.NullOr(Schema.String),
  site: Schema.String,
  /** What a person said that it is: a class, or nothing (the empty text); null where nobody has yet. */
  judged: Schema.NullOr(Schema.String)
})

const tellAs =
  (judgedAs: (event: Event) => string | null) =>
  (event: Event): typeof Told.Type => ({
    ...event,
    at: event.at ?? null,
    site: siteOf(event.recording),
    judged: judgedAs(event)
  })

const Query = Schema.Struct({ ...EventFilter.fields, model: Schema.optionalKey(RunName) })
const FILTER =
  "site, recording, class and model are one text each, least and most probabilities from 0 to 1, since and until times " +
  "such as 2026-05-31T04:30, judged yes or no"

const PageQuery = Schema.Struct({
  ...Query.fields,
  order: Schema.optionalKey(Schema.Literals(EVENT_ORDERS)),
  skip: Schema.optionalKey(wholeNumber(0, 1e9)),
  limit: Schema.optionalKey(wholeNumber(1, 500))
})

/** The events of the model that is asked for, or of the one in use, that a filter means. */
const found = Effect.fnUntraced(function* ({ model, ...filter }: typeof Query.Type) {
  const field = yield* Field
  const heard = yield* field.heard(model)
  if (heard === undefined) return { model: null, all: [], events: [], judgedAs: () => null }
  const judged = yield* field.judgements
  const events = filterEvents(heard.events, filter, judged)
  return { model: heard.model, all: heard.events, events, judgedAs: (event: Event) => judged(event) ?? null }
})

const list = Effect.fnUntraced(function* ({ order = "newest", skip = 0, limit = 50, ...query }: typeof PageQuery.Type) {
  const field = yield* Field
  const { model, all, events, judgedAs } = yield* found(query)
  const page = orderEvents(events, order).slice(skip, skip + limit)
  return {
    events: page.map(tellAs(judgedAs)),
    total: events.length,
    model,
    models: yield* field.models,
    sites: distinct(all.map(({ recording }) => siteOf(recording))),
    classes: distinct(all.map((event) => event.class)),
    known_classes: yield* knownClasses
  }
})

const distinct = (texts: ReadonlyArray<string>): ReadonlyArray<string> =>
  [...new Set(texts)].filter((text) => text !== "").sort()

const HEAD = ["recording", "site", "at", "start", "end", "class", "peak", "mean", "windows", "judged"]

const table = Effect.fnUntraced(function* (query: typeof Query.Type) {
  const { events, judgedAs } = yield* found(query)
  return yield* sendTable("events.csv", HEAD, orderEvents(events, "time"), (event) => [
    event.recording,
    siteOf(event.recording),
    event.at ?? "",
    event.start,
    event.end,
    event.class,
    event.peak.toFixed(4),
    event.mean.toFixed(4),
    event.windows,
    judgedAs(event) ?? ""
  ])
})

const activity = Effect.fnUntraced(function* (query: typeof Query.Type) {
  const { events } = yield* found(query)
  const recordings = yield* Field.use(({ recordings }) => recordings)
  const spans = recordings.flatMap(({ site, recording, heard }) => {
    const isMeant = (query.site ?? site) === site && (query.recording ?? recording.key) === recording.key
    const startedAt = heard?.facts.startedAt
    return isMeant && startedAt !== undefined ? [{ startedAt, seconds: heard!.seconds }] : []
  })
  const isMeant = (text: string) =>
    (query.since === undefined || text >= query.since.slice(0, 13)) &&
    (query.until === undefined || text.slice(0, query.until.length) <= query.until)
  const hours = activityOf(events, spans).filter(({ day, hour }) => isMeant(`${day}T${String(hour).padStart(2, "0")}`))
  return { hours, without_time: events.filter(({ at }) => at === undefined).length }
})

const Changes = Schema.Struct({
  from: RunName,
  to: RunName,
  site: Schema.optionalKey(Schema.String),
  class: Schema.optionalKey(Schema.String),
  kind: Schema.optionalKey(Schema.Literals(["gained", "lost", "moved"])),
  skip: Schema.optionalKey(wholeNumber(0, 1e9)),
  limit: Schema.optionalKey(wholeNumber(1, 500))
})
const Change = Schema.Struct({
  kind: Schema.Literals(["gained", "lost", "moved"]),
  before: Schema.NullOr(Told),
  after: Schema.NullOr(Told)
})

const changes = Effect.fnUntraced(function* ({ from, to, kind, skip = 0, limit = 50, ...filter }: typeof Changes.Type) {
  const [before, after] = [yield* found({ ...filter, model: from }), yield* found({ ...filter, model: to })]
  for (const [{ model }, asked] of [
    [before, from],
    [after, to]
  ] as const) {
    if (model === null) return yield* refuse(404, `The model ${asked} has heard no recording yet: scan with it first.`)
  }
  const { gained, lost, moved, same } = compareEvents(before.events, after.events)
  const tell = tellAs(after.judgedAs)
  const all = [
    ...gained.map((event) => ({ kind: "gained" as const, before: null, after: tell(event) })),
    ...lost.map((event) => ({ kind: "lost" as const, before: tell(event), after: null })),
    ...moved.map((one) => ({ kind: "moved" as const, before: tell(one.before), after: tell(one.after) }))
  ].filter((change) => kind === undefined || change.kind === kind)
  return {
    counts: { gained: gained.length, lost: lost.length, moved: moved.length, same },
    changes: all.slice(skip, skip + limit),
    total: all.length
  }
})

const Judging = Schema.Struct({
  recording: Schema.String,
  start: Schema.Finite,
  end: Schema.Finite,
  class: Schema.String,
  answer: Schema.Literals(["yes", "no", "other", "none"]),
  /** The class that it is instead. */
  other: Schema.optionalKey(Schema.String)
})

const judgeEvent = Effect.fnUntraced(function* ({
  recording,
  start,
  end,
  answer,
  other,
  ...event
}: typeof Judging.Type) {
  if (!(start >= 0 && end > start)) return yield* refuse(422, "start must be 0 or later, and end after start.")
  if (answer === "other" && other === undefined) return yield* refuse(422, "Name the class that it is in `other`.")
  const label = { yes: event.class, no: "", other: other ?? "", none: null }[answer]
  if (answer === "other") yield* checkClass(other!)
  const store = yield* Store
  if (!isFieldRecording({ key: recording }) || Option.isNone(yield* store.find(recording))) {
    return yield* refuse(404, "There is no such field recording.")
  }
  yield* judge({ recording, start, end }, label).pipe(
    Effect.catchTag("AnnotationError", ({ message }) => Effect.fail(refuse(409, message)))
  )
  yield* Field.use(({ forget }) => forget)
  return { success: true, message: MESSAGES[answer](label ?? ""), judged: label }
})

const MESSAGES = {
  yes: (label: string) => `It is ${label}: the next training hears it.`,
  no: () => "Nothing is there: the next training hears that.",
  other: (label: string) => `It is ${label}: the next training hears it.`,
  none: () => "Taken back."
}

const MOST_SOUND = 120

const sound = Effect.fnUntraced(function* ({ recording, start, end, around = 0 }: typeof SoundQuery.Type) {
  if (end <= start) return yield* refuse(422, "end must be after start.")
  const from = Math.max(0, start - around)
  if (end + around - from > MOST_SOUND) {
    return yield* refuse(422, `At most ${MOST_SOUND} s of a recording are given at once.`)
  }
  const wav = yield* (yield* Predictor).span({ recording, start: from, end: end + around })
  return new Response(wav as Uint8Array<ArrayBuffer>, {
    headers: { "content-type": "audio/wav", "cache-control": "private, max-age=300", "x-sound-from": String(from) }
  })
})

const SoundQuery = Schema.Struct({
  recording: Schema.String,
  start: seconds,
  end: seconds,
  around: Schema.optionalKey(seconds)
})

const alike = Effect.fnUntraced(function* (span: { recording: string; start: number; end: number }) {
  if (span.end <= span.start) return yield* refuse(422, "end must be after start.")
  const { windows, ...searched } = yield* (yield* Predictor).alike(span)
  const heard = yield* Field.use(({ heard }) => heard(undefined))
  const judged = yield* Field.use(({ judgements }) => judgements)
  const byRecording = Map.groupBy(heard?.events ?? [], ({ recording }) => recording)
  return {
    ...searched,
    windows: windows.map((window) => {
      // What the model in use heard there, if it did.
      const event = byRecording
        .get(window.recording)
        ?.find(({ start, end }) => start < window.end && end > window.start)
      const heardAs = event?.class ?? ""
      return {
        ...window,
        site: siteOf(window.recording),
        class: heardAs,
        peak: event?.peak ?? 0,
        mean: event?.mean ?? 0,
        windows: 1,
        judged: judged({ ...window, class: heardAs }) ?? null
      }
    })
  }
})

/** What models heard in field recordings: lists, activity, sound, judgements, and what changed between two models. */
export const eventRoutes = (handle: Handle) =>
  new Elysia({ name: "events", tags: ["Field recordings"] })
    .get("/events", ({ request, query }) => handle(request, list(query)), {
      query: input(PageQuery, `limit must be a whole number from 1 to 500, skip one of at least 0; ${FILTER}.`),
      response: answers(
        Schema.Struct({
          events: Schema.Array(Told),
          total: Schema.Int,
          /** Whose events these are; null where nothing has been heard. */
          model: Schema.NullOr(Schema.String),
          models: Schema.Array(Schema.Struct({ runId: Schema.String, isPromoted: Schema.Boolean })),
          sites: Schema.Array(Schema.String),
          classes: Schema.Array(Schema.String),
          /** What an event may be said to be: the classes of the store and of the model in use. */
          known_classes: Schema.Array(Schema.String)
        }),
        401,
        422
      ),
      detail: { summary: "What a model heard in field recordings, page by page; without a model, the one in use" }
    })
    .get("/events/list.csv", ({ request, query }) => handle(request, table(query)), {
      query: input(Query, `${FILTER}.`),
      detail: {
        summary: "The same as a table",
        responses: streams("text/csv", "The events, by time", Schema.String, 401, 422)
      }
    })
    .get("/events/activity", ({ request, query }) => handle(request, activity(query)), {
      query: input(Query, `${FILTER}.`),
      response: answers(
        Schema.Struct({
          hours: Schema.Array(
            Schema.Struct({ day: Schema.String, hour: Schema.Int, events: Schema.Int, heard: Schema.Finite })
          ),
          /** Events of recordings whose clock is not known, which are in no hour. */
          without_time: Schema.Int
        }),
        401,
        422
      ),
      detail: { summary: "Events by day and hour of the recorders' clocks, and what share of each hour was heard" }
    })
    .get("/events/changes", ({ request, query }) => handle(request, changes(query)), {
      query: input(Changes, "from and to are the models' runs; kind is gained, lost or moved."),
      response: answers(
        Schema.Struct({
          counts: Schema.Struct({ gained: Schema.Int, lost: Schema.Int, moved: Schema.Int, same: Schema.Int }),
          changes: Schema.Array(Change),
          total: Schema.Int
        }),
        401,
        404,
        422
      ),
      detail: { summary: "Events that one model hears and another does not, or at other times" }
    })
    .post("/events/judge", ({ request, body }) => handle(request, judgeEvent(body)), {
      ...jsonBody(
        Judging,
        "The body must be {recording, start, end, class, answer}: yes, no, none (takes an answer back) or other, with the class in `other`."
      ),
      response: answers(Schema.Struct({ ...Done, judged: Schema.NullOr(Schema.String) }), 400, 401, 404, 409, 413, 422),
      detail: { summary: "Writes what a person says of an event as an annotation, or takes that back" }
    })
    .get("/events/like", ({ request, query }) => handle(request, alike(query)), {
      query: input(
        Schema.Struct({ recording: Schema.String, start: seconds, end: seconds }),
        "recording must be a key; start and end are seconds."
      ),
      response: answers(
        Schema.Struct({
          /** The most alike first; `class`, `peak` and `mean` are of what the model in use heard there, if it did. */
          windows: Schema.Array(Schema.Struct({ ...Told.fields, likeness: Schema.Finite })),
          /** Windows that were compared, and in how many seconds. */
          searched: Schema.Int,
          seconds: Schema.Finite
        }),
        401,
        422
      ),
      detail: { ...limited, summary: "What sounds most like a span of a recording, over all that was heard" }
    })
    .get("/events/audio", ({ request, query }) => handle(request, sound(query)), {
      query: input(SoundQuery, "recording must be a key; start, end and around are seconds."),
      detail: {
        summary:
          "An event's sound with `around` seconds before and after it, as WAV; X-Sound-From says where it begins",
        responses: streams("audio/wav", "Mono, at the recording's own rate", Binary, 400, 401, 404, 422)
      }
    })
