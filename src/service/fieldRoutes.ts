import { Clock, Effect, Schema } from "effect"
import { Elysia } from "elysia"
import { StoredFacts } from "../embeddings/scans/scannedRecording.ts"
import { odditiesIn } from "../runs/scan/oddities.ts"
import { mayBeRight } from "../sound/field/timeline.ts"
import { fileName, siteOf } from "../store/keys.ts"
import { Field, type FieldRecording, startedAt } from "./field.ts"
import type { Handle } from "./handle.ts"
import { refuse } from "./refusal.ts"
import { answers, input, wholeNumber } from "./stated.ts"

const Site = Schema.Struct({
  /** The first folder below `field_audio/`; empty for recordings in none. */
  name: Schema.String,
  recordings: Schema.Int,
  /** Of them, those that were heard, and how many seconds that was. */
  heard: Schema.Int,
  /** Those that the last scan could not hear. */
  refused: Schema.Int,
  seconds: Schema.Finite,
  /** By the recorders' clocks; null where none is known that may be right. */
  first: Schema.NullOr(Schema.String),
  last: Schema.NullOr(Schema.String),
  /** Of the model in use. */
  events: Schema.Int
})

const heardOf = (one: FieldRecording) => {
  if (one.heard === undefined) return null
  const { seconds, repairs, facts } = one.heard
  const start = startedAt(one)
  return { seconds, repairs, ...facts, ...(start === undefined ? {} : { startedAt: start }) }
}

const sites = Effect.gen(function* () {
  const field = yield* Field
  const recordings = yield* field.recordings
  const heard = yield* field.heard(undefined)
  const now = yield* Clock.currentTimeMillis
  const there = new Set(recordings.map(({ recording }) => recording.key))
  const placesOf = yield* field.placesOf
  const events = countedAt(heard?.events ?? [], ({ recording }) =>
    placesOf(recording)
      .filter((place) => there.has(place))
      .map(siteOf)
  )
  const bySite = Map.groupBy(recordings, ({ site }) => site)
  return {
    model: heard?.model ?? null,
    sites: [...bySite].sort().map(([name, found]) => {
      const times = found.map(startedAt).filter((time) => time !== undefined && mayBeRight(time, now))
      return {
        name,
        recordings: found.length,
        heard: found.filter((one) => one.heard !== undefined).length,
        refused: found.filter((one) => one.refused !== undefined).length,
        seconds: found.reduce((sum, one) => sum + (one.heard?.seconds ?? 0), 0),
        first: times.toSorted()[0] ?? null,
        last: times.toSorted().at(-1) ?? null,
        events: events.get(name) ?? 0
      }
    })
  }
})

/** How many events there are at each place, once each. */
const countedAt = <E>(events: ReadonlyArray<E>, placesOf: (event: E) => ReadonlyArray<string>) => {
  const counts = new Map<string, number>()
  for (const event of events) {
    for (const place of new Set(placesOf(event))) counts.set(place, (counts.get(place) ?? 0) + 1)
  }
  return counts
}

const Recording = Schema.Struct({
  key: Schema.String,
  name: Schema.String,
  /** In bytes. */
  size: Schema.Int,
  /** Null where it was not heard yet. */
  heard: Schema.NullOr(
    Schema.Struct({
      seconds: Schema.Finite,
      /** What reading it took that is not usual, a sentence each. */
      repairs: Schema.Array(Schema.String),
      ...StoredFacts.fields
    })
  ),
  /** Why the last scan could not hear it; null where it could, or none has tried. */
  refused: Schema.NullOr(Schema.String),
  /** The first key at which the same content lies, where that is another one: there its events are listed. */
  copy_of: Schema.NullOr(Schema.String),
  /** Of its content, wherever these are listed. */
  events: Schema.Int
})

const Odd = Schema.Struct({
  kind: Schema.Literals(["gap", "overlap", "clock"]),
  /** The recording that it is found at, and the one before it of the same recorder. */
  key: Schema.String,
  before: Schema.optionalKey(Schema.String),
  /** How long a gap or an overlap is. */
  seconds: Schema.optionalKey(Schema.Finite),
  what: Schema.String
})

/** In one answer: the longest first. */
const MOST_ODD = 100

const SiteQuery = Schema.Struct({
  name: Schema.String,
  skip: Schema.optionalKey(wholeNumber(0, 1e9)),
  limit: Schema.optionalKey(wholeNumber(1, 500))
})

const site = Effect.fnUntraced(function* ({ name, skip = 0, limit = 50 }: typeof SiteQuery.Type) {
  const field = yield* Field
  const found = (yield* field.recordings).filter((one) => one.site === name)
  if (found.length === 0) return yield* refuse(404, "There is no such site.")
  const own = new Set(found.map(({ recording }) => recording.key))
  const placesOf = yield* field.placesOf
  const events = ((yield* field.heard(undefined))?.events ?? []).filter(({ recording }) =>
    placesOf(recording).some((place) => own.has(place))
  )
  const byRecording = countedAt(events, ({ recording }) => placesOf(recording))
  const odd = odditiesIn(
    found.flatMap(({ recording, heard }) => (heard === undefined ? [] : [{ key: recording.key, recording: heard }])),
    yield* Clock.currentTimeMillis
  )
  return {
    recordings: found.slice(skip, skip + limit).map((one) => ({
      key: one.recording.key,
      name: fileName(one.recording.key),
      size: one.recording.size,
      heard: heardOf(one),
      refused: one.refused ?? null,
      copy_of: one.copyOf ?? null,
      events: byRecording.get(one.recording.key) ?? 0
    })),
    total: found.length,
    odd: odd.toSorted((a, b) => (b.seconds ?? 0) - (a.seconds ?? 0)).slice(0, MOST_ODD),
    classes: [...Map.groupBy(events, (event) => event.class)]
      .map(([className, { length }]) => ({ name: className, events: length }))
      .sort((a, b) => b.events - a.events)
  }
})

/** Where recorders stand, what they recorded, and how much of it was heard. */
export const fieldRoutes = (handle: Handle) =>
  new Elysia({ name: "field", tags: ["Field recordings"] })
    .get("/field", ({ request }) => handle(request, sites), {
      response: answers(Schema.Struct({ model: Schema.NullOr(Schema.String), sites: Schema.Array(Site) }), 401),
      detail: { summary: "The sites: recordings, hours heard, events of the model in use" }
    })
    .get("/field/site", ({ request, query }) => handle(request, site(query)), {
      query: input(
        SiteQuery,
        "name must be that of a site, limit a whole number from 1 to 500, skip one of at least 0."
      ),
      response: answers(
        Schema.Struct({
          recordings: Schema.Array(Recording),
          total: Schema.Int,
          /** Gaps that no schedule explains, overlaps, and clocks that jump or were never set. */
          odd: Schema.Array(Odd),
          classes: Schema.Array(Schema.Struct({ name: Schema.String, events: Schema.Int }))
        }),
        401,
        404,
        422
      ),
      detail: { summary: "A site: its recordings with what their recorders say, what is odd in time, events by class" }
    })
