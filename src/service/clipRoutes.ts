import { Effect, Option } from "effect"
import { Elysia } from "elysia"
import { VARIANT_NAMES, type VariantName } from "../augment/variants.ts"
import { Settings } from "../config.ts"
import { classOf, isRecording, isUnlabelled, variantKey } from "../store/keys.ts"
import { Store } from "../store/store.ts"
import { Corpus } from "./corpus.ts"
import { Intake } from "./intake.ts"
import { rangeResponse } from "./range.ts"
import { refuse } from "./refusal.ts"
import { numberIn, queryOf, type Run } from "./routes.ts"
import { Runs } from "./runs.ts"

const classes = Effect.gen(function* () {
  const { minNewSamples, allowNewClasses } = yield* Settings
  const snapshot = yield* (yield* Corpus).snapshot
  return {
    classes: [...snapshot.classes].map(([name, { recordings, fresh }]) => ({ name, recordings, new: fresh })),
    recordings: snapshot.objects.length,
    new_since_training: snapshot.fresh,
    threshold: minNewSamples,
    new_classes_allowed: allowNewClasses,
    running: (yield* Runs).running() ?? null
  }
})

const clips = (request: Request) =>
  Effect.gen(function* () {
    const query = queryOf(request)
    const limit = yield* numberIn(query, "limit", 50, 500)
    const className = query.get("class")
    const after = query.get("after") ?? ""
    const { objects } = yield* (yield* Corpus).snapshot
    const found = objects.filter(({ key }) => className === null || classOf(key) === className)
    const first = found.findIndex(({ key }) => key > after)
    const page = first < 0 ? [] : found.slice(first, first + limit)
    const isLast = first < 0 || first + limit >= found.length
    return {
      clips: page.map(({ key, size }) => ({
        key,
        class: classOf(key) ?? null,
        name: key.slice(key.lastIndexOf("/") + 1),
        size
      })),
      total: found.length,
      next: isLast ? null : page.at(-1)!.key
    }
  })

/** The recording that a query names; nothing else in the store can be asked for. */
const recordingIn = (query: URLSearchParams) => {
  const key = query.get("key") ?? ""
  return (isRecording({ key }) && classOf(key) !== undefined) || isUnlabelled({ key })
    ? Effect.succeed(key)
    : Effect.fail(refuse(404, "There is no such recording."))
}

const isVariant = (name: string): name is VariantName => VARIANT_NAMES.some((variant) => variant === name)

const variants = (request: Request) =>
  Effect.gen(function* () {
    const key = yield* recordingIn(queryOf(request))
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

const audio = (request: Request) =>
  Effect.gen(function* () {
    const query = queryOf(request)
    const recording = yield* recordingIn(query)
    const variant = query.get("variant")
    if (variant !== null && !isVariant(variant)) return yield* refuse(404, "There is no such variant.")
    const key = variant === null ? recording : variantKey(recording, variant)
    const store = yield* Store
    const found = yield* store.find(key)
    if (Option.isNone(found)) return yield* refuse(404, "There is no such recording, or no such variant of it.")
    // Never a type that a browser would run, whatever was uploaded.
    const type = TYPES[key.slice(key.lastIndexOf(".") + 1).toLowerCase()] ?? "application/octet-stream"
    const { holding } = yield* Intake
    return yield* rangeResponse(found.value, type, request, (first, end) =>
      (first === 0 && end === found.value.size
        ? Effect.map(store.get(key), ({ bytes }) => bytes)
        : store.getRange(key, first, end)
      ).pipe(holding(end - first))
    )
  })

/** The training data: classes, recordings, and their sound. */
export const clipRoutes = (run: Run) =>
  new Elysia({ name: "clips", tags: ["Training data"] })
    .get("/classes", ({ request }) => run(request, classes), {
      detail: { summary: "Recordings by class, and how many are new since the last training" }
    })
    .get("/clips", ({ request }) => run(request, clips(request)), {
      detail: { summary: "Recordings by key; ?class, ?limit, ?after" }
    })
    .get("/clips/variants", ({ request }) => run(request, variants(request)), {
      detail: { summary: "Which augmented variants of ?key were kept" }
    })
    .get("/clips/audio", ({ request }) => run(request, audio(request)), {
      detail: { summary: "The sound of ?key, or of its ?variant; takes Range" }
    })
