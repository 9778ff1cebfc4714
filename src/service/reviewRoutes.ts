import { Effect, Option, Schema, Stream } from "effect"
import { Elysia } from "elysia"
import { DataMap } from "../classifier/mapRecordings.ts"
import { readPointer } from "../registry/pointer.ts"
import { newestVersion } from "../registry/trainingSet.ts"
import { readVersionDocument } from "../registry/versionFiles.ts"
import { keep, type Move, relabel, restore, setAside } from "../review/moves.ts"
import { openItems, Review, readReview } from "../review/review.ts"
import { SET_ASIDE_PREFIX } from "../store/keys.ts"
import { Store } from "../store/store.ts"
import { Corpus } from "./corpus.ts"
import type { Handle } from "./handle.ts"
import { checkClass } from "./newClasses.ts"
import { refuse } from "./refusal.ts"
import { Reviews } from "./reviews.ts"
import { answers, Done, jsonBody, Timestamp } from "./stated.ts"

/** Items of each kind in one answer: what is decided makes room for the next. */
const MOST = 100

const ReviewState = Schema.Struct({
  /** How far the review under way is. */
  running: Schema.NullOr(Schema.String),
  /** Why the last one failed. */
  failure: Schema.NullOr(Schema.String),
  classes: Schema.Array(Schema.String),
  /** Whether there is a training whose recordings can be looked through. */
  trained: Schema.Boolean,
  /** Keys of recordings that are set aside. */
  aside: Schema.Array(Schema.String),
  /** What the last one found, as far as nobody has decided: of each kind the first hundred. */
  review: Schema.NullOr(
    Schema.Struct({
      ...Review.fields,
      date: Timestamp,
      counts: Schema.Struct({
        suspects: Schema.Int,
        duplicates: Schema.Int,
        silent: Schema.Int,
        unlabelled: Schema.Int
      })
    })
  )
})

/** The keys among which a review's items still are: the training data's, and those on offer to be labelled. */
const presentKeys = Effect.fnUntraced(function* (found: Option.Option<Review>) {
  const store = yield* Store
  const { objects } = yield* (yield* Corpus).snapshot
  const present = new Set(objects.map(({ key }) => key))
  if (Option.isNone(found)) return present
  // Not among the corpus: asked for one by one, since those on offer are few, and all may be many.
  const offered = yield* Effect.filter(
    found.value.unlabelled,
    ({ key }) => Effect.map(store.find(key), Option.isSome),
    { concurrency: 16 }
  )
  for (const { key } of offered) present.add(key)
  return present
})

const look = Effect.gen(function* () {
  const store = yield* Store
  const reviews = yield* Reviews
  const { classes } = yield* (yield* Corpus).snapshot
  const found = yield* readReview
  const present = yield* presentKeys(found)
  const open = Option.isNone(found) ? undefined : yield* openItems(found.value, (key) => present.has(key))
  const aside = yield* store.list(SET_ASIDE_PREFIX).pipe(
    Stream.map(({ key }) => key),
    Stream.take(MOST),
    Stream.runCollect
  )
  return {
    running: reviews.progress() ?? null,
    failure: reviews.failure() ?? null,
    classes: [...classes.keys()],
    trained: Option.isSome(found) || Option.isSome(yield* newestVersion),
    aside,
    review: open === undefined ? null : firstOf(open)
  }
})

const firstOf = (open: Review): NonNullable<(typeof ReviewState.Type)["review"]> => ({
  ...open,
  counts: {
    suspects: open.suspects.length,
    duplicates: open.duplicates.length,
    silent: open.silent.length,
    unlabelled: open.unlabelled.length
  },
  suspects: open.suspects.slice(0, MOST),
  duplicates: open.duplicates.slice(0, MOST),
  silent: open.silent.slice(0, MOST)
})

const start = Effect.gen(function* () {
  const started = yield* (yield* Reviews).start
  return {
    success: true,
    status: started ? ("running" as const) : ("in_progress" as const),
    message: started ? "The recordings are being looked through." : "The recordings are being looked through already."
  }
})

const Decision = Schema.Union([
  Schema.Struct({ decision: Schema.Literals(["keep", "set aside", "restore"]), key: Schema.String }),
  Schema.Struct({ decision: Schema.Literal("relabel"), key: Schema.String, class: Schema.String })
])

const STATUS = { missing: 404, conflict: 409, invalid: 400 } as const

const decide = Effect.fnUntraced(
  function* (decision: typeof Decision.Type) {
    switch (decision.decision) {
      case "keep":
        yield* keep(decision.key)
        return { success: true, message: "Kept as it is.", key: decision.key }
      case "relabel":
        yield* checkClass(decision.class)
        // What is no class was refused.
        return yield* moved(yield* relabel(decision.key, decision.class, { allowNew: true }))
      case "set aside":
        return yield* moved(yield* setAside(decision.key))
      case "restore":
        return yield* moved(yield* restore(decision.key))
    }
  },
  Effect.catchTag("MoveError", ({ reason, message }) =>
    // That of a missing one names the store, which is for the log.
    Effect.fail(refuse(STATUS[reason], reason === "missing" ? "There is no such recording." : message))
  )
)

/** Lets the service's listing see a move at once. */
const moved = Effect.fnUntraced(function* ({ from, to }: Move) {
  const store = yield* Store
  const corpus = yield* Corpus
  yield* corpus.removed([from])
  const there = yield* store.find(to)
  if (Option.isSome(there) && !to.startsWith(SET_ASIDE_PREFIX)) yield* corpus.added(there.value)
  return { success: true, message: `Moved to ${to}.`, key: to }
})

const promotedMap = Effect.gen(function* () {
  const promoted = yield* readPointer()
  const found = Option.isSome(promoted)
    ? yield* readVersionDocument(promoted.value.runId, "map.json", DataMap)
    : Option.none()
  if (Option.isSome(found)) return found.value
  return yield* refuse(404, "There is no map yet: it comes with the next training that is promoted.")
})

/** Review of the recordings: what is worth a look, decisions, and the map. */
export const reviewRoutes = (handle: Handle) =>
  new Elysia({ name: "review", tags: ["Training data"] })
    .get("/review", ({ request }) => handle(request, look), {
      response: answers(ReviewState, 401),
      detail: { summary: "Likely wrong labels, near-duplicates and silence, as far as nobody has decided" }
    })
    .post("/review", ({ request }) => handle(request, start), {
      parse: "none",
      response: answers(Schema.Struct({ ...Done, status: Schema.Literals(["running", "in_progress"]) }), 401, 422),
      detail: { summary: "Looks through the recordings anew, in a process of its own" }
    })
    .post("/review/decide", ({ request, body }) => handle(request, decide(body)), {
      ...jsonBody(Decision, "The body must be {decision, key}: keep, set aside or restore; or relabel, with a class."),
      response: answers(Schema.Struct({ ...Done, key: Schema.String }), 400, 401, 404, 409, 413, 422),
      detail: { summary: "Keeps a recording as it is, sets it aside, puts it back, or gives it another class" }
    })
    .get("/map", ({ request }) => handle(request, promotedMap), {
      response: answers(DataMap, 401, 404),
      detail: { summary: "The promoted model's recordings on a plane" }
    })
