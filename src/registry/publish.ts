import { DateTime, Effect, Option, Schema, Stream } from "effect"
import { readDocumentIfWhole } from "../store/documents.ts"
import { modelKey, versionKey, versionPrefix } from "../store/keys.ts"
import { removeUnneeded, Store } from "../store/store.ts"
import { RunEvents } from "../stream/events.ts"
import { movePointer, type Promoted, readPointer } from "./pointer.ts"
import { TRAINING_SET_FILE } from "./trainingSet.ts"

/** Files by name. */
export type Artifacts = ReadonlyMap<string, Uint8Array>

/** A version that cannot be promoted. */
export class VersionError extends Schema.TaggedError<VersionError>()("VersionError", {
  runId: Schema.String,
  message: Schema.String
}) {}

/** Names the version that the copies under `models/` were made from; copied last. */
const METADATA_FILE = "model_metadata.json"
/** What not every version has. */
const EDGE_FILE = "ecosight.onnx"
const Metadata = Schema.Struct({ run_id: Schema.String })

/**
 * Writes a candidate, whole, under `models/versions/<run id>/`, and returns the keys.
 *
 * The training set comes last: a version that has it is whole, and what a dead run left without it never counts.
 */
export const writeVersion = Effect.fn("writeVersion")(function* (runId: string, artifacts: Artifacts) {
  const store = yield* Store
  const put = (file: string) => store.put(versionKey(runId, file), artifacts.get(file)!)
  return yield* inOrder([...artifacts.keys()], TRAINING_SET_FILE, put)
})

/**
 * Promotes a whole version, unless another has been promoted since `from` was read; fails with a conflict then.
 *
 * The pointer's conditional write is what decides: versions never change, so whoever follows it reads one complete model
 * at any moment. The copies under `models/`, for programs that open fixed names, are made from it afterwards. Copied
 * before, they could be of a model that loses that write. What dies in between is made good by the next promotion,
 * rollback or run.
 */
export const promoteVersion = Effect.fn("promoteVersion")(function* (runId: string, from: Option.Option<Promoted>) {
  yield* requireWhole(runId)
  const isPromoted = Option.isSome(from) && from.value.runId === runId
  if (!isPromoted) {
    // Half-made copies would pass for whole ones once the pointer names what they were made over.
    yield* repairCopies
    const promotedAt = DateTime.formatIso(yield* DateTime.now)
    const history = Option.match(from, {
      onNone: () => [],
      onSome: ({ etag: _, history, ...before }) => [before, ...history]
    })
    yield* movePointer({ runId, promotedAt, history }, from)
  }
  return yield* copyPromoted
})

/** Goes back to the version that was promoted before the present one, and returns it. */
export const rollback = Effect.fn("rollback")(function* () {
  const store = yield* Store
  const from = yield* readPointer()
  if (Option.isNone(from)) {
    return yield* new VersionError({ runId: "", message: `No model is promoted in ${store.location}.` })
  }
  const [previous, ...history] = from.value.history
  if (previous === undefined) {
    const { runId } = from.value
    return yield* new VersionError({ runId, message: `${runId} is the first model promoted in ${store.location}.` })
  }
  yield* requireWhole(previous.runId)
  yield* repairCopies
  const promotedAt = DateTime.formatIso(yield* DateTime.now)
  yield* movePointer({ runId: previous.runId, promotedAt, history }, from)
  yield* copyPromoted
  return { runId: previous.runId, from: from.value.runId }
})

/** Makes good the copies under `models/` that a promotion or rollback left behind when it died. */
export const repairCopies = Effect.gen(function* () {
  const promoted = yield* readPointer()
  if (Option.isNone(promoted)) return
  const names = yield* readDocumentIfWhole(modelKey(METADATA_FILE), Metadata)
  if (Option.isSome(names) && names.value.value.run_id === promoted.value.runId) return
  yield* Effect.logWarning(`models/ does not hold ${promoted.value.runId}, which is promoted: copying it again.`)
  yield* copyPromoted
})

const requireWhole = Effect.fnUntraced(function* (runId: string) {
  const store = yield* Store
  if (Option.isSome(yield* store.find(versionKey(runId, TRAINING_SET_FILE)))) return
  return yield* new VersionError({ runId, message: `${store.location} holds no whole version ${runId}.` })
})

/** Copies the promoted version to `models/`, and again if the pointer has moved meanwhile: the last to end is right. */
const copyPromoted: Effect.Effect<
  ReadonlyArray<string>,
  Effect.Error<ReturnType<typeof readPointer>>,
  Store
> = Effect.gen(function* () {
  const store = yield* Store
  const promoted = yield* readPointer()
  if (Option.isNone(promoted)) return []
  const { runId } = promoted.value
  const prefix = versionPrefix(runId)
  const files = yield* store.list(prefix).pipe(
    Stream.map(({ key }) => key.slice(prefix.length)),
    Stream.runCollect
  )
  const copy = (file: string) =>
    Effect.flatMap(store.get(versionKey(runId, file)), ({ bytes }) => store.put(modelKey(file), bytes))
  // Of a model before it, whose embedder could be one graph.
  if (!files.includes(EDGE_FILE)) yield* removeUnneeded([modelKey(EDGE_FILE)])
  const keys = yield* inOrder(files, METADATA_FILE, copy)
  const after = yield* readPointer()
  return Option.isSome(after) && after.value.runId === runId ? keys : yield* copyPromoted
})

/** Writes files four at a time, and `last`, which says that the others are there, after them. */
const inOrder = Effect.fnUntraced(function* <E, R>(
  files: ReadonlyArray<string>,
  last: string,
  write: (file: string) => Effect.Effect<{ readonly key: string }, E, R>
) {
  const emit = yield* RunEvents
  let done = 0
  const one = (file: string) =>
    write(file).pipe(Effect.tap(() => emit({ stage: "publish", done: ++done, total: files.length })))
  const others = files.filter((file) => file !== last)
  const written = yield* Effect.forEach(others, one, { concurrency: 4 })
  const end = files.includes(last) ? [yield* one(last)] : []
  return [...written, ...end].map(({ key }) => key)
})
