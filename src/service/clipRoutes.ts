import { Effect, Option, Schema } from "effect"
import { Elysia } from "elysia"
import { VARIANT_NAMES, type VariantName } from "../augment/variants.ts"
import { Settings } from "../config/settings.ts"
import { classOf, fileName, isRecording, isUnlabelled, variantKey } from "../store/keys.ts"
import { Store } from "../store/store.ts"
import { ClipFilter, inOrder, matching, ORDERS } from "./clipQuery.ts"
import { Corpus } from "./corpus.ts"
import type { Handle } from "./handle.ts"
import { mayBeNew } from "./newClasses.ts"
import { sendObject } from "./range.ts"
import { refuse } from "./refusal.ts"
import { Runs } from "./runs.ts"
import { answers, Binary, headerInput, input, open, streams, wholeNumber } from "./stated.ts"

const Classes = Schema.Struct({
  classes: Schema.Array(Schema.Struct({ name: Schema.String, recordings: Schema.Int, new: Schema.Int })),
  recordings: Schema.Int,
  /** Files beside them that are left alone. */
  others: Schema.Int,
  new_since_training: Schema.Int,
  threshold: Schema.Int,
  new_classes_allowed: Schema.Boolean,
  /** The run under way. */
  running: Schema.NullOr(Schema.String)
})

const classes = Effect.gen(function* () {
  const { minNewSamples } = yield* Settings
  const corpus = yield* Corpus
  const snapshot = yield* corpus.snapshot
  return {
    classes: [...snapshot.classes].map(([name, { recordings, fresh }]) => ({ name, recordings, new: fresh })),
    recordings: snapshot.objects.length,
    others: yield* corpus.others,
    new_since_training: snapshot.fresh,
    threshold: minNewSamples,
    new_classes_allowed: yield* mayBeNew,
    running: (yield* Runs).running() ?? null
  }
})

const Clip = Schema.Struct({
  key: Schema.String,
  class: Schema.NullOr(Schema.String),
  /** Its file's name. */
  name: Schema.String,
  /** In bytes. */
  size: Schema.Int
})

const PageQuery = Schema.Struct({
  ...ClipFilter.fields,
  order: Schema.optionalKey(Schema.Literals(ORDERS)),
  skip: Schema.optionalKey(wholeNumber(0, 1e9)),
  limit: Schema.optionalKey(wholeNumber(1, 500)),
  after: Schema.optionalKey(Schema.String)
})

const clips = Effect.fnUntraced(function* (query: typeof PageQuery.Type) {
  const { limit = 50, after, skip = 0, order = "key" } = query
  const { objects } = yield* (yield* Corpus).snapshot
  const found = inOrder(matching(objects, query), order)
  // Goes on after a key, wherever that has gone meanwhile; other orders know places only.
  const first = after !== undefined && order === "key" ? found.findIndex(({ key }) => key > after) : skip
  const page = first < 0 ? [] : found.slice(first, first + limit)
  const isLast = first < 0 || first + limit >= found.length
  return {
    clips: page.map(({ key, size }) => ({
      key,
      class: classOf(key) ?? null,
      name: fileName(key),
      size
    })),
    total: found.length,
    next: isLast ? null : page.at(-1)!.key
  }
})

/** The recording that is asked for; nothing else in the store can be. */
const recordingAt = (key: string) =>
  (isRecording({ key }) && classOf(key) !== undefined) || isUnlabelled({ key })
    ? Effect.succeed(key)
    : Effect.fail(refuse(404, "There is no such recording."))

const isVariant = (name: string): name is VariantName => VARIANT_NAMES.some((variant) => variant === name)

const variants = Effect.fnUntraced(function* (asked: string) {
  const key = yield* recordingAt(asked)
  const store = yield* Store
  const found = yield* Effect.filter(
    VARIANT_NAMES,
    (variant) => Effect.map(store.find(variantKey(key, variant)), Option.isSome),
    { concurrency: 6 }
  )
  return { key, variants: found }
})

const TYPES: Readonly<Record<string, string>> = {
  wav: "audio/wav",
  wave: "audio/wav",
  mp3: "audio/mpeg",
  flac: "audio/flac",
  ogg: "audio/ogg",
  oga: "audio/ogg",
  opus: "audio/ogg",
  m4a: "audio/mp4",
  aac: "audio/aac",
  aif: "audio/aiff",
  aiff: "audio/aiff",
  webm: "audio/webm"
}

const audio = Effect.fnUntraced(function* (request: Request, asked: string, variant: string | undefined) {
  const recording = yield* recordingAt(asked)
  if (variant !== undefined && !isVariant(variant)) return yield* refuse(404, "There is no such variant.")
  const key = variant === undefined ? recording : variantKey(recording, variant)
  const store = yield* Store
  const found = yield* store.find(key)
  if (Option.isNone(found)) return yield* refuse(404, "There is no such recording, or no such variant of it.")
  // Never a type that a browser would run, whatever was uploaded.
  const type = TYPES[key.slice(key.lastIndexOf(".") + 1).toLowerCase()] ?? "application/octet-stream"
  return yield* sendObject(found.value, type, request)
})

const KEY_MISSING = "key must be that of a recording."

/** The training data: classes, recordings, and their sound. */
export const clipRoutes = (handle: Handle) =>
  new Elysia({ name: "clips", tags: ["Training data"] })
    .get("/classes", ({ request }) => handle(request, classes), {
      response: answers(Classes),
      detail: { ...open, summary: "Recordings by class, and how many are new since the last training" }
    })
    .get("/clips", ({ request, query }) => handle(request, clips(query)), {
      query: input(
        PageQuery,
        "limit must be a whole number from 1 to 500, skip one of at least 0, order one of key, name, largest and smallest; class, search and after one text each."
      ),
      response: answers(
        Schema.Struct({ clips: Schema.Array(Clip), total: Schema.Int, next: Schema.NullOr(Schema.String) }),
        401,
        422
      ),
      detail: {
        summary:
          "Recordings by class and search, page by page: by skip, or, by key, with next as the after of the one that follows"
      }
    })
    .get("/clips/variants", ({ request, query }) => handle(request, variants(query.key)), {
      query: input(Schema.Struct({ key: Schema.String }), KEY_MISSING),
      response: answers(
        Schema.Struct({ key: Schema.String, variants: Schema.Array(Schema.Literals(VARIANT_NAMES)) }),
        401,
        404,
        422
      ),
      detail: { summary: "Which augmented variants of a recording were kept" }
    })
    .get("/clips/audio", ({ request, query }) => handle(request, audio(request, query.key, query.variant)), {
      query: input(Schema.Struct({ key: Schema.String, variant: Schema.optionalKey(Schema.String) }), KEY_MISSING),
      headers: headerInput(Schema.Struct({ range: Schema.optionalKey(Schema.String) }), "Range must be a text."),
      detail: {
        summary: "The sound of a recording, or of a variant of it, whole or by Range",
        responses: streams("audio/*", "The recording's own bytes", Binary, 401, 404, 409, 422)
      }
    })
