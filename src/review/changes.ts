import { DateTime, Effect, Option, Schema } from "effect"
import { readDocument, writeDocument } from "../store/documents.ts"
import { changeKey, classOf, RECORDINGS_PREFIX, recordingKey, trashKey } from "../store/keys.ts"
import { RecordingPlace } from "../store/receipt.ts"
import { Store } from "../store/store.ts"
import { type Move, move } from "./moves.ts"

/** A change of many recordings at once, planned before the first of them moves: what dies is gone on with, or undone. */
export const Change = Schema.Struct({
  /** Sorts by time. */
  id: Schema.String.check(Schema.makeFilter((id) => isChangeId(id))),
  at: Schema.String,
  action: Schema.Literals(["relabel", "remove"]),
  /** Where they go; null where they are removed. */
  class: Schema.NullOr(Schema.String),
  moves: Schema.Array(Schema.Struct({ from: RecordingPlace, to: RecordingPlace })),
  state: Schema.Literals(["begun", "done", "undoing", "undone"]),
  /** Recordings that stayed where they were, each with a sentence why. */
  failed: Schema.Array(Schema.Struct({ key: Schema.String, reason: Schema.String }))
})
export type Change = typeof Change.Type

/** Plans to give recordings another class. `isTaken` says which keys hold a recording already. */
export const planRelabel = Effect.fn("planRelabel")(function* (
  keys: ReadonlyArray<string>,
  className: string,
  isTaken: (key: string) => boolean
) {
  const planned = new Set<string>()
  const moves = keys
    .filter((key) => classOf(key) !== className)
    .map((from) => {
      const to = freeKey(from, className, (key) => planned.has(key) || isTaken(key))
      planned.add(to)
      return { from, to }
    })
  return yield* newChange("relabel", className, () => moves)
})

/** Plans to remove recordings: they go to the trash, whole. */
export const planRemoval = Effect.fn("planRemoval")((keys: ReadonlyArray<string>) =>
  newChange("remove", null, (id) => keys.map((from) => ({ from, to: trashKey(id, from) })))
)

/**
 * The same path below the other class; where that is taken, below a folder named as the class it comes from: its file's
 * name, which tells its source, stays.
 */
const freeKey = (from: string, className: string, isTaken: (key: string) => boolean): string => {
  const before = classOf(from) ?? ""
  const path = from.slice(recordingKey(before, "").length)
  for (let turn = 0; ; turn++) {
    const folder = ["", `${before}/`][turn] ?? `${before}-${turn}/`
    const to = recordingKey(className, folder + path)
    if (!isTaken(to)) return to
  }
}

const newChange = Effect.fnUntraced(function* (
  action: Change["action"],
  className: string | null,
  movesOf: (id: string) => Change["moves"]
) {
  const at = DateTime.formatIso(yield* DateTime.now)
  const id = `${at.replaceAll(/[-:.]/g, "")}-${crypto.randomUUID().slice(0, 8)}`
  return { id, at, action, class: className, moves: movesOf(id), state: "begun", failed: [] } satisfies Change
})

/** Whether this is a change's name; nothing else becomes part of a key. */
export const isChangeId = (id: string): boolean => /^\d{8}T\d{9}Z-[0-9a-f]{8}$/.test(id)

export const readChange = (id: string) =>
  Effect.map(
    readDocument(changeKey(id), Change),
    Option.map(({ value }) => value)
  )

export const writeChange = (change: Change) => writeDocument(changeKey(change.id), Change, change)

/** Moves at once: each is a handful of small requests. */
const AT_ONCE = 4

/**
 * Moves what a change has planned, or back what it has moved, and returns the change as it stands then. May be done again
 * at any time: what lies where it should is passed over. `moved` is told of each move.
 */
export const carryOut = Effect.fn("carryOut")(function* <R>(
  change: Change,
  moved: (one: Pick<Move, "from" | "to">) => Effect.Effect<void, never, R>
) {
  const isUndo = change.state === "undoing"
  const stayed = new Set(change.failed.map(({ key }) => key))
  const moves = isUndo
    ? change.moves.filter(({ from }) => !stayed.has(from)).map(({ from, to }) => ({ from: to, to: from }))
    : change.moves
  const outcomes = yield* Effect.forEach(
    moves,
    ({ from, to }) =>
      move(isUndo ? "undo" : change.action, from, to).pipe(
        Effect.asVoid,
        Effect.catchTag("MoveError", ({ reason, message }) =>
          reason === "missing" ? isThere(from, to) : Effect.succeed({ key: from, reason: message })
        ),
        Effect.tap((failure) => (failure === undefined ? moved({ from, to }) : Effect.void))
      ),
    { concurrency: AT_ONCE }
  )
  const failed = outcomes.filter((outcome) => outcome !== undefined)
  return { ...change, state: isUndo ? "undone" : "done", failed } satisfies Change
})

/** What is gone from its place was moved before this was begun again, or was never there. */
const isThere = Effect.fnUntraced(function* (from: string, to: string) {
  const store = yield* Store
  if (Option.isSome(yield* store.find(to))) return undefined
  return {
    key: from,
    reason: `${from.slice(from.startsWith(RECORDINGS_PREFIX) ? RECORDINGS_PREFIX.length : 0)} is gone.`
  }
})
