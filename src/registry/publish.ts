import { DateTime, Effect, Fiber, Option } from "effect"
import { FIELD_MODEL, KERAS_TWIN } from "../classifier/export/artifacts.ts"
import { CERTIFICATE_FILE } from "../classifier/export/certificate.ts"
import { TFLITE_FILES } from "../classifier/export/tflite.ts"
import { encodeDocument } from "../store/documents.ts"
import { modelKey, versionKey } from "../store/keys.ts"
import { removeUnneeded, Store, type StoreError } from "../store/store.ts"
import { RunEvents } from "../stream/events.ts"
import { movePointer, type Promoted, readPointer } from "./pointer.ts"
import {
  findStored,
  flawOf,
  HELD_OUT_FILE,
  listStored,
  METADATA_FILE,
  readSeal,
  readVersion,
  sealFile,
  sealOf,
  TRAINING_SET_FILE,
  VersionError
} from "./versionFiles.ts"

/** Files by name. */
export type Artifacts = ReadonlyMap<string, Uint8Array>

/** What not every version has. */
const OPTIONAL_FILES = [
  "ecosight.onnx",
  ...Object.keys(TFLITE_FILES),
  CERTIFICATE_FILE,
  KERAS_TWIN,
  FIELD_MODEL,
  HELD_OUT_FILE,
  "map.json"
]

/**
 * Writes a candidate, whole, under `models/versions/<run id>/`, and returns the keys.
 *
 * The training set comes last: a version that has it is whole, and what a dead run left without it never counts. What
 * cannot be written to its end, for want of room say, is removed again.
 */
export const writeVersion = Effect.fn("writeVersion")(function* (runId: string, artifacts: Artifacts) {
  const store = yield* Store
  const last = (yield* listStored).at(-1)?.sequence ?? 0
  // A certificate grows as more of the version's files are run.
  const sealed = [...artifacts].filter(([file]) => file !== CERTIFICATE_FILE)
  const sealing = yield* Effect.forkChild(sealOf(runId, sealed))
  const seal = sealFile(last + 1)
  const files = [...artifacts.keys(), seal]
  const bytesOf = (file: string) =>
    file === seal ? Effect.map(Fiber.join(sealing), encodeDocument) : Effect.succeed(artifacts.get(file)!)
  const put = (file: string) => Effect.flatMap(bytesOf(file), (bytes) => store.put(versionKey(runId, file), bytes))
  return yield* inOrder(files, TRAINING_SET_FILE, put).pipe(
    Effect.map((written) => written.map(({ key }) => key)),
    Effect.tapError(() =>
      Effect.forEach(files, (file) => Effect.ignore(store.remove(versionKey(runId, file))), { discard: true })
    )
  )
})

/**
 * Promotes a whole version, unless another has been promoted since `from` was read; fails with a conflict then, and
 * where `fence` does, which is asked last.
 *
 * The pointer's conditional write is what decides: versions never change, so whoever follows it reads one complete model
 * at any moment. The copies under `models/`, for programs that open fixed names, are written before it, where the store
 * can do that out of sight, so that a full disk promotes nothing; they come into place after it, for before they could
 * be of a model that loses that write. What dies in between is made good by the next promotion, rollback or run.
 *
 * @param written The version's files, where they have just been written: they are not read again.
 */
export const promoteVersion = Effect.fn("promoteVersion")(function* <E = never, R = never>(
  runId: string,
  from: Option.Option<Promoted>,
  fence: Effect.Effect<void, E, R> = Effect.void,
  written?: Artifacts
) {
  const files = written ?? (yield* Effect.flatMap(findStored(runId), readVersion))
  if (Option.isSome(from) && from.value.runId === runId) return yield* copyPromoted
  const promotedAt = DateTime.formatIso(yield* DateTime.now)
  const history = Option.match(from, {
    onNone: () => [],
    onSome: ({ etag: _, history, ...before }) => [before, ...history]
  })
  return yield* moveTo({ runId, promotedAt, history }, files, from, fence)
})

/** Goes back to the version that was promoted before the present one and is whole, and returns it. */
export const rollback = Effect.fn("rollback")(function* () {
  const store = yield* Store
  const from = yield* readPointer()
  if (Option.isNone(from)) {
    return yield* new VersionError({ runId: "", message: `No model is promoted in ${store.location}.` })
  }
  const before = yield* goBack(from.value)
  if (Option.isSome(before)) return { runId: before.value, from: from.value.runId }
  const { runId, history } = from.value
  const message =
    history.length === 0
      ? `${runId} is the first model promoted in ${store.location}.`
      : `No version promoted before ${runId} in ${store.location} is whole.`
  return yield* new VersionError({ runId, message })
})

/** Moves the pointer from a version to the one before it; one that is damaged is passed over. None where there is none. */
const goBack = Effect.fnUntraced(function* (from: Promoted) {
  for (const [at, { runId }] of from.history.entries()) {
    const files = yield* Effect.flatMap(findStored(runId), readVersion).pipe(
      Effect.catchTag("VersionError", ({ message }) => Effect.as(Effect.logWarning(message), undefined))
    )
    if (files === undefined) continue
    const promotedAt = DateTime.formatIso(yield* DateTime.now)
    yield* moveTo({ runId, promotedAt, history: from.history.slice(at + 1) }, files, Option.some(from))
    return Option.some(runId)
  }
  return Option.none<string>()
})

const moveTo = Effect.fnUntraced(function* <E = never, R = never>(
  to: Omit<Promoted, "etag">,
  files: Artifacts,
  from: Option.Option<Promoted>,
  fence: Effect.Effect<void, E, R> = Effect.void
) {
  const copies = yield* stageCopies(files)
  yield* fence
  yield* movePointer(to, from)
  const keys = yield* copies
  const after = yield* readPointer()
  // The last to end is right.
  return Option.isSome(after) && after.value.runId === to.runId ? keys : yield* copyPromoted
}, Effect.scoped)

/** The promoted version, where the copies under `models/` are not its files, or those are damaged themselves. */
export const staleCopies = Effect.gen(function* () {
  const promoted = Option.getOrUndefined(yield* readPointer())
  return promoted === undefined || (yield* isCopied(promoted.runId)) ? undefined : promoted
})

/**
 * Makes good the copies under `models/` that a promotion or rollback left behind when it died, or that something damaged.
 * Where the promoted version itself is damaged beyond that, the one that was promoted before takes its place.
 */
export const repairCopies = Effect.gen(function* () {
  const promoted = yield* staleCopies
  if (promoted === undefined) return
  const { runId } = promoted
  yield* Effect.flatMap(findStored(runId), readVersion).pipe(
    Effect.tap(() => Effect.logWarning(`models/ does not hold ${runId}, which is promoted: copying it again.`)),
    Effect.andThen(copyPromoted),
    Effect.catchTag("VersionError", ({ message }) =>
      Effect.gen(function* () {
        yield* Effect.logWarning(message)
        const before = yield* goBack(promoted)
        if (Option.isSome(before)) yield* Effect.logWarning(`${before.value}, which was promoted before it, is again.`)
      })
    )
  )
})

/** An ETag that is made of the content, as buckets have them; a folder's are not. */
const MD5 = /^[0-9a-f]{32}$/

/** Whether each file of a version is what was written, and so is its copy: by ETags where these tell, else by content. */
const isCopied = Effect.fnUntraced(function* (runId: string) {
  const store = yield* Store
  const version = yield* findStored(runId)
  if (!version.isWhole) return false
  const seal = Option.getOrUndefined(yield* readSeal(version))
  const isRight = Effect.fnUntraced(function* (file: string) {
    const [own, copy] = [version.files.get(file), yield* store.find(modelKey(file))]
    const sealed = seal?.files[file]
    if (own === undefined || Option.isNone(copy) || copy.value.size !== own.size) return false
    if (sealed !== undefined && sealed.size !== own.size) return false
    if (copy.value.etag === own.etag && MD5.test(own.etag)) return true
    const { bytes } = yield* store.get(modelKey(file))
    if (sealed !== undefined) return flawOf(bytes, sealed) === undefined
    return Buffer.compare(bytes, (yield* store.get(own.key)).bytes) === 0
  })
  const files = new Set([...version.files.keys(), ...Object.keys(seal?.files ?? {})])
  const right = yield* Effect.forEach(files, isRight, { concurrency: 8 })
  return right.every((isOne) => isOne)
})

/** Copies the promoted version to `models/`, and again if the pointer has moved meanwhile: the last to end is right. */
const copyPromoted: Effect.Effect<ReadonlyArray<string>, StoreError | VersionError, Store> = Effect.gen(function* () {
  const promoted = yield* readPointer()
  if (Option.isNone(promoted)) return []
  const { runId } = promoted.value
  const files = yield* Effect.flatMap(findStored(runId), readVersion)
  const keys = yield* yield* stageCopies(files)
  const after = yield* readPointer()
  return Option.isSome(after) && after.value.runId === runId ? keys : yield* copyPromoted
}).pipe(Effect.scoped)

/** Writes a version's copies out of sight, where the store can; the effect that it returns puts them in place. */
const stageCopies = Effect.fnUntraced(function* (files: Artifacts) {
  const store = yield* Store
  const copies = new Map(
    yield* Effect.forEach(
      files,
      ([file, bytes]) => {
        const key = modelKey(file)
        const copy = store.stage === undefined ? Effect.succeed(store.put(key, bytes)) : store.stage(key, bytes)
        return Effect.map(copy, (placing) => [file, placing] as const)
      },
      { concurrency: AT_ONCE }
    )
  )
  return Effect.gen(function* () {
    // Of a model before it, which had them.
    yield* removeUnneeded(OPTIONAL_FILES.filter((file) => !files.has(file)).map(modelKey))
    const placed = yield* inOrder([...files.keys()], METADATA_FILE, (file) => copies.get(file)!)
    return placed.map(({ key }) => key)
  })
})

/** Files that are written at once. */
const AT_ONCE = 4

/** Writes files some at a time, and `last`, which says that the others are there, after them. */
const inOrder = Effect.fnUntraced(function* <A, E, R>(
  files: ReadonlyArray<string>,
  last: string,
  write: (file: string) => Effect.Effect<A, E, R>
) {
  const emit = yield* RunEvents
  let done = 0
  const one = (file: string) =>
    write(file).pipe(Effect.tap(() => emit({ stage: "publish", done: ++done, total: files.length })))
  const others = files.filter((file) => file !== last)
  const written = yield* Effect.forEach(others, one, { concurrency: AT_ONCE })
  const end = files.includes(last) ? [yield* one(last)] : []
  return [...written, ...end]
})
