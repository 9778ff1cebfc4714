import { DateTime, Effect, Option, Schema, Stream } from "effect"
import { CLASS_NAME_RULE, isClassName } from "../store/className.ts"
import { readDocumentIfWhole, writeDocument } from "../store/documents.ts"
import {
  classOf,
  isRecording,
  isUnlabelled,
  keptKey,
  MOVES_BEGUN_PREFIX,
  moveBegunKey,
  moveKey,
  RECORDINGS_PREFIX,
  recordingKey,
  SET_ASIDE_PREFIX,
  setAsideKey,
  TRASH_PREFIX,
  UNLABELLED_PREFIX,
  uploadKey
} from "../store/keys.ts"
import { Receipt, RecordingPlace } from "../store/receipt.ts"
import { sha256 } from "../store/sha256.ts"
import { orNone, Store } from "../store/store.ts"

/** A decision that cannot be carried out; nothing was lost. */
export class MoveError extends Schema.TaggedError<MoveError>()("MoveError", {
  reason: Schema.Literals(["missing", "conflict", "invalid"]),
  message: Schema.String
}) {}

const Move = Schema.Struct({
  action: Schema.Literals(["label", "relabel", "set aside", "restore", "remove", "undo"]),
  from: RecordingPlace,
  to: RecordingPlace,
  /** Hex SHA-256 of the recording. */
  contentHash: Schema.String,
  at: Schema.String,
  why: Schema.String
})
export type Move = typeof Move.Type

/** That a recording is right where it is, as a person said. */
const Kept = Schema.Struct({
  key: Schema.String,
  className: Schema.String,
  contentHash: Schema.String,
  at: Schema.String
})

const WHY =
  "Asked for in a review. Recordings are written by upload only; a review's moves are the one exception: copied, compared, then removed here."

/** Remembers that a recording is right where it is: a review does not bring it up again unless it changes. */
export const keep = Effect.fn("keep")(function* (key: string) {
  const className = yield* classIn(key)
  const { contentHash } = yield* read(key)
  const at = DateTime.formatIso(yield* DateTime.now)
  const record: typeof Kept.Type = { key, className, contentHash, at }
  yield* writeDocument(keptKey(className, contentHash), Kept, record)
  return record
})

/** Moves a recording to another class, or an unlabelled one to its first; to one without recordings only if it may be new. */
export const relabel = Effect.fn("relabel")(function* (
  key: string,
  className: string,
  options: { readonly allowNew: boolean }
) {
  const store = yield* Store
  const from = isUnlabelled({ key }) ? undefined : yield* classIn(key)
  const below = from === undefined ? UNLABELLED_PREFIX : recordingKey(from, "")
  const to = recordingKey(className, key.slice(below.length))
  if (className.includes("/") || !isRecording({ key: to }) || classOf(to) !== className) {
    return yield* new MoveError({
      reason: "invalid",
      message: `"${className}" cannot be the name of a class. ${CLASS_NAME_RULE}`
    })
  }
  if (className === from) {
    return yield* new MoveError({ reason: "invalid", message: `${key} is of class ${className} already.` })
  }
  const others = yield* store.list(recordingKey(className, "")).pipe(Stream.take(1), Stream.runCollect)
  if (others.length === 0 && !isClassName(className)) {
    return yield* new MoveError({
      reason: "invalid",
      message: `"${className}" cannot be the name of a class. ${CLASS_NAME_RULE}`
    })
  }
  if (others.length === 0 && !options.allowNew) {
    return yield* new MoveError({
      reason: "invalid",
      message: `There is no class "${className}" yet. Check its name, or make it with --new-class.`
    })
  }
  return yield* move(from === undefined ? "label" : "relabel", key, to)
})

/** Takes a recording out of the training set: it goes to the same place below `set_aside/`. */
export const setAside = Effect.fn("setAside")(function* (key: string) {
  yield* classIn(key)
  return yield* move("set aside", key, setAsideKey(key))
})

/** Puts a recording back that was set aside; takes its key under `set_aside/`, or the one that it had. */
export const restore = Effect.fn("restore")(function* (key: string) {
  const { from, to } = WAYS.restore(key)
  yield* checkNamed("restore", key)
  return yield* move("restore", from, to)
})

/** From where to where each decision takes the recording that a person names by `key`. */
const WAYS = {
  keep: (key: string) => ({ from: key, to: key }),
  "set aside": (key: string) => ({ from: key, to: setAsideKey(key) }),
  restore: (key: string) => {
    const aside = key.startsWith(SET_ASIDE_PREFIX) ? key : setAsideKey(key)
    return { from: aside, to: RECORDINGS_PREFIX + aside.slice(SET_ASIDE_PREFIX.length) }
  }
}

/**
 * Carries out one decision on all of these recordings, or on none: that each can be is known before the first is touched. One
 * that is named twice counts once. Returns what `decide` made of each.
 */
export const onAll = Effect.fn("onAll")(function* <A, E, R>(
  decision: keyof typeof WAYS,
  keys: ReadonlyArray<string>,
  decide: (key: string) => Effect.Effect<A, E, R>
) {
  const store = yield* Store
  const named = new Map(keys.map((key) => [WAYS[decision](key).from, key]))
  const missing: Array<string> = []
  for (const key of named.values()) {
    const { from, to } = WAYS[decision](key)
    yield* checkNamed(decision, key)
    if (Option.isNone(yield* store.find(from))) missing.push(from)
    else if (from !== to && Option.isSome(yield* store.find(to)) && (yield* hashOf(from)) !== (yield* hashOf(to))) {
      return yield* heldByAnother(from, to)
    }
  }
  if (missing.length > 0) {
    const message = `${store.location} holds no ${missing.join(", ")}. Nothing was changed: name recordings that are there.`
    return yield* new MoveError({ reason: "missing", message })
  }
  return yield* Effect.forEach(named.values(), decide)
})

const heldByAnother = (from: string, to: string) =>
  new MoveError({
    reason: "conflict",
    message: `${to} holds another recording already: rename one of them first. ${from} stays where it is.`
  })

/** Ends moves whose process died: what was copied whole is removed where it was, anything else stays as it is. */
export const finishMoves = Effect.gen(function* () {
  const store = yield* Store
  const begun = yield* Stream.runCollect(store.list(MOVES_BEGUN_PREFIX))
  yield* Effect.forEach(
    begun,
    ({ key }) =>
      Effect.gen(function* () {
        const record = yield* readDocumentIfWhole(key, Move)
        const id = key.slice(MOVES_BEGUN_PREFIX.length, -".json".length)
        const isCopied =
          Option.isSome(record) && (yield* hashOf(record.value.value.to)) === record.value.value.contentHash
        if (isCopied) yield* removeMoved(id, record.value.value)
        else yield* store.remove(key)
      }),
    { discard: true }
  )
})

/**
 * Moves one recording: copied, compared, then removed where it was, and journalled, so that it is whole wherever this dies.
 * Nothing is written over: a key that holds another recording is a conflict.
 */
export const move = Effect.fn("move")(function* (action: Move["action"], from: string, to: string) {
  const store = yield* Store
  const { bytes, contentHash } = yield* read(from)
  const now = DateTime.formatIso(yield* DateTime.now)
  const record: Move = { action, from, to, contentHash, at: now, why: WHY }
  // By key: copies of one recording may move in the same millisecond.
  const id = `${now.replaceAll(/[-:.]/g, "")}-${sha256(new TextEncoder().encode(from)).slice(0, 8)}`
  yield* writeDocument(moveBegunKey(id), Move, record)
  const there = yield* hashOf(to)
  if (there === undefined) yield* store.put(to, bytes, { ifNoneMatch: "*" })
  if ((yield* hashOf(to)) !== contentHash) {
    yield* store.remove(moveBegunKey(id))
    return yield* heldByAnother(from, to)
  }
  yield* removeMoved(id, record)
  return record
})

/** The last steps of a move: the copy is whole, so the recording's receipt names it, and it alone stays. */
const removeMoved = Effect.fnUntraced(function* (id: string, record: Move) {
  const store = yield* Store
  const { from, to, contentHash } = record
  const receipt = yield* readDocumentIfWhole(uploadKey(contentHash), Receipt)
  if (to.startsWith(TRASH_PREFIX)) {
    // Sent again, it is a recording like any other, not one that is there already.
    if (Option.isSome(receipt) && receipt.value.value.key === from) yield* store.remove(uploadKey(contentHash))
  } else if (from.startsWith(TRASH_PREFIX)) {
    const back: typeof Receipt.Type = { key: to, class: classOf(to) ?? "" }
    if (Option.isNone(receipt)) yield* writeDocument(uploadKey(contentHash), Receipt, back)
  } else if (Option.isSome(receipt) && receipt.value.value.key === from) {
    // The class it would have in the training set, also while it is set aside.
    const className = classOf(RECORDINGS_PREFIX + to.slice(to.indexOf("/") + 1)) ?? ""
    yield* writeDocument(uploadKey(contentHash), Receipt, { key: to, class: className })
  }
  // Written over meanwhile: that is another recording, and stays.
  if ((yield* hashOf(from)) === contentHash) yield* store.remove(from)
  yield* writeDocument(moveKey(id), Move, record)
  yield* store.remove(moveBegunKey(id))
})

/** That a person names a recording by `key`, as this decision has them named. */
const checkNamed = (decision: keyof typeof WAYS, key: string): Effect.Effect<unknown, MoveError> => {
  if (decision !== "restore") return classIn(key)
  const { to } = WAYS.restore(key)
  const isPlace = key.startsWith(SET_ASIDE_PREFIX) || key.startsWith(RECORDINGS_PREFIX)
  if (isPlace && classOf(to) !== undefined && isRecording({ key: to })) return Effect.void
  const message = `"${key}" is not the key of a recording that is set aside: write set_aside/<class>/<name>, as bun run review aside lists them.`
  return Effect.fail(new MoveError({ reason: "invalid", message }))
}

const classIn = (key: string) => {
  const className = classOf(key)
  return className !== undefined && isRecording({ key })
    ? Effect.succeed(className)
    : Effect.fail(
        new MoveError({
          reason: "invalid",
          message: `"${key}" is not the key of a recording: write extracted_audio/<class>/<name>.`
        })
      )
}

const read = Effect.fnUntraced(function* (key: string) {
  const store = yield* Store
  const found = yield* orNone(store.get(key))
  if (Option.isNone(found)) {
    return yield* new MoveError({ reason: "missing", message: `${store.location} holds no ${key}.` })
  }
  return { bytes: found.value.bytes, contentHash: sha256(found.value.bytes) }
})

const hashOf = Effect.fnUntraced(function* (key: string) {
  const store = yield* Store
  const found = yield* orNone(store.get(key))
  return Option.getOrUndefined(Option.map(found, ({ bytes }) => sha256(bytes)))
})
