import { Effect, Schema, Struct } from "effect"
import { Elysia } from "elysia"
import { counted } from "../config/inWords.ts"
import { Settings } from "../config/settings.ts"
import { Change, planRelabel, planRemoval } from "../review/changes.ts"
import { CLASS_NAME_RULE, isClassName } from "../store/className.ts"
import { classOf } from "../store/keys.ts"
import { Changes } from "./changeRunner.ts"
import { ClipFilter, matching } from "./clipQuery.ts"
import { Corpus } from "./corpus.ts"
import type { Handle } from "./handle.ts"
import type { Snapshot } from "./recordingIndex.ts"
import { refuse } from "./refusal.ts"
import { answers, Done, jsonBody } from "./stated.ts"

/** Recordings by key, or all that match a filter; `expected` is how many the client takes these to be. */
const Selection = Schema.Union([
  Schema.Struct({ keys: Schema.Array(Schema.String).check(Schema.isMinLength(1), Schema.isMaxLength(100)) }),
  Schema.Struct({ matching: ClipFilter, expected: Schema.Int })
])
type Selection = typeof Selection.Type

const ChangeRequest = Schema.Union([
  Schema.Struct({ action: Schema.Literal("relabel"), recordings: Selection, class: Schema.String }),
  Schema.Struct({ action: Schema.Literal("remove"), recordings: Selection })
])

const Told = Schema.Struct({
  ...Struct.omit(Change.fields, ["moves", "failed"]),
  recordings: Schema.Int,
  /** How many stayed where they were, and why the first hundred did. */
  stayed: Schema.Int,
  failed: Change.fields.failed
})
const MOST_FAILED = 100

const told = ({ moves, failed, ...change }: Change): typeof Told.Type => ({
  ...change,
  recordings: moves.length,
  stayed: failed.length,
  failed: failed.slice(0, MOST_FAILED)
})

const list = Effect.gen(function* () {
  const changes = yield* Changes
  return { running: changes.progress() ?? null, changes: (yield* changes.latest).map(told) }
})

const begin = Effect.fnUntraced(function* (request: typeof ChangeRequest.Type) {
  const snapshot = yield* (yield* Corpus).snapshot
  const keys = yield* selected(snapshot, request.recordings)
  const change =
    request.action === "remove" ? yield* planRemoval(keys) : yield* relabelling(snapshot, keys, request.class)
  if (change.moves.length === 0) {
    return yield* refuse(409, request.action === "remove" ? "There is nothing to remove." : ALREADY)
  }
  yield* (yield* Changes).start(change)
  const what = change.class === null ? "moving to the trash" : `moving to the class ${change.class}`
  return {
    success: true,
    message: `${counted(change.moves.length, "recording is", "recordings are")} ${what}.`,
    change: told(change)
  }
})

const ALREADY = "They are of this class already."

const selected = Effect.fnUntraced(function* ({ objects }: Snapshot, selection: Selection) {
  if ("keys" in selection) {
    const present = new Set(objects.map(({ key }) => key))
    const gone = selection.keys.filter((key) => !present.has(key) || classOf(key) === undefined)
    if (gone.length === 0) return [...new Set(selection.keys)]
    return yield* refuse(
      404,
      `${counted(gone.length, "of these recordings is", "of these recordings are")} not there (any more): list them anew.`
    )
  }
  const { class: className, search = "" } = selection.matching
  // Every path holds a slash.
  if (className === undefined && !/[\p{L}\p{N}]/u.test(search)) {
    return yield* refuse(400, "Name a class or a search: all recordings at once are not changed.")
  }
  const keys = matching(objects, selection.matching).flatMap(({ key }) => (classOf(key) === undefined ? [] : [key]))
  if (keys.length === selection.expected) return keys
  return yield* refuse(
    409,
    `There ${keys.length === 1 ? "is" : "are"} ${counted(keys.length, "such recording")} now, not ${selection.expected}: look at them again.`
  )
})

const relabelling = Effect.fnUntraced(function* (
  { objects, classes }: Snapshot,
  keys: ReadonlyArray<string>,
  className: string
) {
  if (!classes.has(className)) {
    if (!isClassName(className)) return yield* refuse(400, CLASS_NAME_RULE)
    const { allowNewClasses } = yield* Settings
    if (!allowNewClasses && !isWholeClass(classes, keys)) {
      return yield* refuse(400, `There is no class "${className}" yet; known are ${[...classes.keys()].join(", ")}.`)
    }
  }
  const present = new Set(objects.map(({ key }) => key))
  return yield* planRelabel(keys, className, (key) => present.has(key))
})

/** A class that gets another name is no new one. */
const isWholeClass = (classes: Snapshot["classes"], keys: ReadonlyArray<string>): boolean => {
  const names = new Set(keys.map(classOf))
  return names.size === 1 && classes.get([...names][0] ?? "")?.recordings === keys.length
}

/** Changes of many recordings at once: another class, removal, and undoing either. */
export const changeRoutes = (handle: Handle) =>
  new Elysia({ name: "changes", tags: ["Training data"] })
    .get("/clips/changes", ({ request }) => handle(request, list), {
      response: answers(
        Schema.Struct({
          running: Schema.NullOr(Schema.Struct({ id: Schema.String, done: Schema.Int, total: Schema.Int })),
          changes: Schema.Array(Told)
        }),
        401
      ),
      detail: { summary: "The latest changes of many recordings, and how far the one under way is" }
    })
    .post("/clips/changes", ({ request, body }) => handle(request, begin(body)), {
      ...jsonBody(
        ChangeRequest,
        "The body must be {action: relabel, recordings, class} or {action: remove, recordings}; recordings are {keys}, at most 100, or {matching: {class, search}, expected}."
      ),
      response: answers(Schema.Struct({ ...Done, change: Told }), 400, 401, 404, 409, 413, 422),
      detail: {
        summary: "Gives recordings another class, or moves them to the trash; a whole class is renamed or merged so"
      }
    })
    .post(
      "/clips/changes/:id/undo",
      ({ request, params }) =>
        handle(
          request,
          Changes.use((changes) => changes.undo(params.id)).pipe(
            Effect.map((change) => ({
              success: true,
              message: `${counted(change.moves.length, "recording is", "recordings are")} moving back.`,
              change: told(change)
            }))
          )
        ),
      {
        parse: "none",
        response: answers(Schema.Struct({ ...Done, change: Told }), 401, 404, 409, 422),
        detail: { summary: "Puts recordings back where they were before a change" }
      }
    )
