import { Effect, Option, Schema, Stream } from "effect"
import { Elysia } from "elysia"
import { Settings } from "../config.ts"
import { readPointer } from "../registry/pointer.ts"
import { keep, type Move, relabel, restore, setAside } from "../review/moves.ts"
import { openItems, readReview } from "../review/review.ts"
import { SET_ASIDE_PREFIX, versionKey } from "../store/keys.ts"
import { orNone, Store } from "../store/store.ts"
import { Corpus } from "./corpus.ts"
import { Intake } from "./intake.ts"
import { refuse } from "./refusal.ts"
import { Reviews } from "./reviews.ts"
import type { Run } from "./routes.ts"

/** Items of each kind in one answer: what is decided makes room for the next. */
const MOST = 100

const look = Effect.gen(function* () {
  const store = yield* Store
  const reviews = yield* Reviews
  const { objects, classes } = yield* (yield* Corpus).snapshot
  const there = new Set(objects.map(({ key }) => key))
  const found = yield* readReview
  if (Option.isSome(found)) {
    // Not among the corpus: asked for one by one, since those on offer are few, and all may be many.
    const offered = yield* Effect.filter(
      found.value.unlabelled,
      ({ key }) => Effect.map(store.find(key), Option.isSome),
      { concurrency: 16 }
    )
    for (const { key } of offered) there.add(key)
  }
  const open = Option.isNone(found) ? undefined : yield* openItems(found.value, (key) => there.has(key))
  const aside = yield* store.list(SET_ASIDE_PREFIX).pipe(
    Stream.map(({ key }) => key),
    Stream.take(MOST),
    Stream.runCollect
  )
  return {
    running: reviews.progress() ?? null,
    failure: reviews.failure() ?? null,
    classes: [...classes.keys()],
    aside,
    review:
      open === undefined
        ? null
        : {
            date: open.date,
            recordings: open.recordings,
            unknown: open.unknown,
            counts: {
              suspects: open.suspects.length,
              duplicates: open.duplicates.length,
              silent: open.silent.length,
              unlabelled: open.unlabelled.length
            },
            suspects: open.suspects.slice(0, MOST),
            duplicates: open.duplicates.slice(0, MOST),
            silent: open.silent.slice(0, MOST),
            unlabelled: open.unlabelled
          }
  }
})

const start = Effect.gen(function* () {
  const started = yield* (yield* Reviews).start
  return {
    success: true,
    status: started ? "running" : "in_progress",
    message: started ? "The recordings are being looked through." : "The recordings are being looked through already."
  }
})

const Decision = Schema.Union([
  Schema.Struct({ decision: Schema.Literals(["keep", "set aside", "restore"]), key: Schema.String }),
  Schema.Struct({ decision: Schema.Literal("relabel"), key: Schema.String, class: Schema.String })
])

const STATUS = { missing: 404, conflict: 409, invalid: 400 } as const

const decide = Effect.fnUntraced(
  function* (request: Request) {
    const body = yield* (yield* Intake).json(request)
    const decision = yield* Schema.decodeUnknownEffect(Decision)(body).pipe(
      Effect.mapError(() =>
        refuse(422, "The body must be {decision, key}: keep, set aside or restore; or relabel, with a class.")
      )
    )
    const { allowNewClasses: allowNew } = yield* Settings
    switch (decision.decision) {
      case "keep":
        yield* keep(decision.key)
        return { success: true, message: "Kept as it is.", key: decision.key }
      case "relabel":
        return yield* moved(yield* relabel(decision.key, decision.class, { allowNew }))
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

const noMap = refuse(404, "There is no map yet: it comes with the next training that is promoted.")

const map = Effect.gen(function* () {
  const store = yield* Store
  const promoted = yield* readPointer()
  if (Option.isNone(promoted)) return yield* noMap
  const found = yield* orNone(store.get(versionKey(promoted.value.runId, "map.json")))
  if (Option.isNone(found)) return yield* noMap
  return yield* Schema.decodeUnknownEffect(Schema.fromJsonString(Schema.Json))(
    new TextDecoder().decode(found.value.bytes)
  )
})

/** Review of the recordings: what is worth a look, decisions, and the map. */
export const reviewRoutes = (run: Run) =>
  new Elysia({ name: "review", tags: ["Training data"] })
    .get("/review", ({ request }) => run(request, look), {
      detail: { summary: "Likely wrong labels, near-duplicates and silence, as far as nobody has decided" }
    })
    .post("/review", ({ request }) => run(request, start), {
      parse: "none",
      detail: { summary: "Looks through the recordings anew, in a process of its own" }
    })
    .post("/review/decide", ({ request }) => run(request, decide(request)), {
      parse: "none",
      detail: { summary: "Carries out {decision, key}: keep, set aside, restore, or relabel with a class" }
    })
    .get("/map", ({ request }) => run(request, map), {
      detail: { summary: "The promoted model's recordings on a plane" }
    })
