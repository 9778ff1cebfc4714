import { Clock, Effect, Schema } from "effect"
import { compareEvents } from "../classifier/events/compareEvents.ts"
import { Event } from "../classifier/events/event.ts"
import { RunName } from "../registry/runRecord.ts"
import { mayBeRight } from "../sound/field/timeline.ts"
import { siteOf } from "../store/keys.ts"
import { checkVersion } from "./checkVersion.ts"
import { activityOf, EVENT_ORDERS, EventFilter, filterEvents, orderEvents } from "./eventQuery.ts"
import { Field, startedAt } from "./field.ts"
import { knownClasses } from "./newClasses.ts"
import { Predictor } from "./predictor.ts"
import { refuse } from "./refusal.ts"
import { sendTable } from "./sendTable.ts"
import { seconds, wholeNumber } from "./stated.ts"

// What is asked of events, and what is answered; `eventRoutes` says where.

export const Told = Schema.Struct({
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

export const Query = Schema.Struct({ ...EventFilter.fields, model: Schema.optionalKey(RunName) })
export const FILTER =
  "site, recording, class and model are one text each, least and most probabilities from 0 to 1, since and until days or times that " +
  "there are, such as 2026-05-31 or 2026-05-31T04:30, judged yes or no"

export const PageQuery = Schema.Struct({
  ...Query.fields,
  order: Schema.optionalKey(Schema.Literals(EVENT_ORDERS)),
  skip: Schema.optionalKey(wholeNumber(0, 1e9)),
  limit: Schema.optionalKey(wholeNumber(1, 500))
})

/** The events of the model that is asked for, or of the one in use, that a filter means. */
const found = Effect.fnUntraced(function* ({ model, ...filter }: typeof Query.Type) {
  const { least = 0, most = 1, since = "", until } = filter
  if (least > most) return yield* refuse(422, `No event has a probability of at least ${least} and at most ${most}.`)
  if (until !== undefined && since.slice(0, until.length) > until) {
    return yield* refuse(422, `Nothing is heard since ${since} and until ${until}, which is before.`)
  }
  const field = yield* Field
  const heard = yield* field.heard(model)
  // Of a version that is gone, what it heard is still told.
  if (heard === undefined && model !== undefined) yield* checkVersion(model)
  if (heard === undefined) return { model: null, all: [], events: [], judgedAs: () => null }
  const judged = yield* field.judgements
  const events = filterEvents(heard.events, filter, judged, yield* field.placesOf)
  return { model: heard.model, all: heard.events, events, judgedAs: (event: Event) => judged(event) ?? null }
})

export const list = Effect.fnUntraced(function* ({
  order = "newest",
  skip = 0,
  limit = 50,
  ...query
}: typeof PageQuery.Type) {
  const field = yield* Field
  const { model, all, events, judgedAs } = yield* found(query)
  const placesOf = yield* field.placesOf
  const page = orderEvents(events, order, yield* Clock.currentTimeMillis).slice(skip, skip + limit)
  return {
    events: page.map(tellAs(judgedAs)),
    total: events.length,
    model,
    models: yield* field.models,
    sites: distinct(all.flatMap(({ recording }) => placesOf(recording).map(siteOf))),
    classes: distinct(all.map((event) => event.class)),
    known_classes: yield* knownClasses
  }
})

const distinct = (texts: ReadonlyArray<string>): ReadonlyArray<string> =>
  [...new Set(texts)].filter((text) => text !== "").sort()

const HEAD = ["recording", "site", "at", "start", "end", "class", "peak", "mean", "windows", "judged"]

export const table = Effect.fnUntraced(function* (query: typeof Query.Type) {
  const { events, judgedAs } = yield* found(query)
  const ordered = orderEvents(events, "time", yield* Clock.currentTimeMillis)
  return yield* sendTable("events.csv", HEAD, ordered, (event) => [
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

export const activity = Effect.fnUntraced(function* (query: typeof Query.Type) {
  const { events } = yield* found(query)
  const recordings = yield* Field.use(({ recordings }) => recordings)
  const now = yield* Clock.currentTimeMillis
  const isHour = (text: string) =>
    (query.since === undefined || text >= query.since.slice(0, 13)) &&
    (query.until === undefined || text.slice(0, query.until.length) <= query.until)
  const spans = recordings.flatMap((one) => {
    const { site, recording, heard } = one
    const isMeant = (query.site ?? site) === site && (query.recording ?? recording.key) === recording.key
    const start = startedAt(one)
    return isMeant && start !== undefined ? [{ startedAt: start, seconds: heard!.seconds }] : []
  })
  const byClock = Map.groupBy(spans, ({ startedAt }) => mayBeRight(startedAt, now))
  const timed = events.filter(({ at }) => at !== undefined && mayBeRight(at, now))
  const hours = activityOf(timed, byClock.get(true) ?? []).filter(({ day, hour }) =>
    isHour(`${day}T${String(hour).padStart(2, "0")}`)
  )
  return {
    hours,
    without_time: events.filter(({ at }) => at === undefined).length,
    wrong_clock: (byClock.get(false) ?? []).filter(({ startedAt }) => isHour(startedAt.slice(0, 13))).length
  }
})

export const Changes = Schema.Struct({
  from: RunName,
  to: RunName,
  site: Schema.optionalKey(Schema.String),
  class: Schema.optionalKey(Schema.String),
  kind: Schema.optionalKey(Schema.Literals(["gained", "lost", "moved"])),
  skip: Schema.optionalKey(wholeNumber(0, 1e9)),
  limit: Schema.optionalKey(wholeNumber(1, 500))
})
export const Change = Schema.Struct({
  kind: Schema.Literals(["gained", "lost", "moved"]),
  before: Schema.NullOr(Told),
  after: Schema.NullOr(Told)
})

export const changes = Effect.fnUntraced(function* ({
  from,
  to,
  kind,
  skip = 0,
  limit = 50,
  ...filter
}: typeof Changes.Type) {
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

const MOST_SOUND = 120

export const sound = Effect.fnUntraced(function* ({ recording, start, end, around = 0 }: typeof SoundQuery.Type) {
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

export const SoundQuery = Schema.Struct({
  recording: Schema.String,
  start: seconds,
  end: seconds,
  around: Schema.optionalKey(seconds)
})

export const alike = Effect.fnUntraced(function* (span: { recording: string; start: number; end: number }) {
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
