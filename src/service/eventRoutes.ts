import { Schema } from "effect"
import { Elysia } from "elysia"
import {
  activity,
  alike,
  Change,
  Changes,
  changes,
  FILTER,
  list,
  PageQuery,
  Query,
  SoundQuery,
  sound,
  Told,
  table
} from "./eventAnswers.ts"
import type { Handle } from "./handle.ts"
import { Judging, judgeEvent } from "./judgeEvent.ts"
import { answers, Binary, Done, input, jsonBody, limited, seconds, streams } from "./stated.ts"

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
        404,
        422
      ),
      detail: { summary: "What a model heard in field recordings, page by page; without a model, the one in use" }
    })
    .get("/events/list.csv", ({ request, query }) => handle(request, table(query)), {
      query: input(Query, `${FILTER}.`),
      detail: {
        summary: "The same as a table",
        responses: streams("text/csv", "The events, by time", Schema.String, 401, 404, 422)
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
          without_time: Schema.Int,
          /** Recordings whose clock was never set or is in the future: they and their events are in no hour, either. */
          wrong_clock: Schema.Int
        }),
        401,
        404,
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
        404,
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
