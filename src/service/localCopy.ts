import { stat } from "node:fs/promises"
import { join } from "node:path"
import { Effect, Option, Schema, Stream } from "effect"
import { Settings } from "../config/settings.ts"
import { movePointer, readPointer } from "../registry/pointer.ts"
import { readDocumentIfWhole, writeDocument } from "../store/documents.ts"
import { folderStore } from "../store/folder.ts"
import {
  CURRENT_KEY,
  EMBEDDERS_PREFIX,
  embedderKey,
  VERSIONS_PREFIX,
  versionKey,
  versionPrefix
} from "../store/keys.ts"
import { sha256 } from "../store/sha256.ts"
import { orNone, Store, StoreError } from "../store/store.ts"
import { EmbedderInMetadata } from "./versionModel.ts"

/** By one of these a version predicts: the first, or the second behind an embedder that came in a file. */
const MODELS = ["ecosight.onnx", "classifier.onnx"] as const

/** A version's files by which the service predicts, and tells of it. */
const SERVED = [
  "class_names.json",
  ...MODELS,
  "model_metadata.json",
  "performance_metrics.json",
  "training_history.pkl",
  "retraining_log.json"
]

/** The hex SHA-256 of each file, among the files of the copy. */
const DIGESTS_FILE = "digests.json"
const Digests = Schema.Record(Schema.String, Schema.String)

/**
 * The folder of this machine that holds the version that was served last from the store at `location`, laid out as the
 * store is: with it the service predicts while the store is away.
 */
export const localCopyOf = Effect.fnUntraced(function* (location: string) {
  const { modelCache } = yield* Settings
  return folderStore(join(modelCache, sha256(location).slice(0, 16)))
})

/** Whether nobody else can have put a model there: the digests beside it would be theirs, too. */
const isOwn = (folder: string) =>
  Effect.promise(() => stat(folder).catch(() => undefined)).pipe(
    Effect.map((found) => {
      const isForeign = found !== undefined && (found.uid !== process.getuid?.() || (found.mode & 0o002) !== 0)
      return process.platform === "win32" || !isForeign
    })
  )

/** Reads a version's file from the copy as from the store; what is damaged, or may be another user's, counts as missing. */
export const readCopied = (copy: Store["Service"]): Store["Service"]["get"] =>
  Effect.fnUntraced(
    function* (key) {
      // Whose name says what its content is, to who reads it.
      if (key.startsWith(EMBEDDERS_PREFIX)) return yield* copy.get(key)
      const [, runId = "", file = ""] = /^(.*)\/([^/]*)$/.exec(key.slice(VERSIONS_PREFIX.length)) ?? []
      const digests = yield* readDocumentIfWhole(versionKey(runId, DIGESTS_FILE), Digests)
      const found = yield* copy.get(key)
      const isWhole = Option.isSome(digests) && digests.value.value[file] === sha256(found.bytes)
      if (isWhole && (yield* isOwn(copy.location))) return found
      return yield* new StoreError({ reason: "missing", key, message: `The copy of ${key} is damaged.` })
    },
    Effect.provideService(Store, copy)
  )

/** The version that lies in the copy whole; none where there is none. */
export const copiedVersion = (copy: Store["Service"]) =>
  Effect.gen(function* () {
    const pointer = yield* readPointer().pipe(Effect.catch(() => Effect.succeedNone))
    if (Option.isNone(pointer)) return Option.none<string>()
    const { runId } = pointer.value
    const digests = yield* readDocumentIfWhole(versionKey(runId, DIGESTS_FILE), Digests)
    const file = MODELS.find((name) => Option.isSome(digests) && name in digests.value.value)
    if (file === undefined) return Option.none<string>()
    return Option.as(yield* Effect.option(readCopied(copy)(versionKey(runId, file))), runId)
  }).pipe(Effect.provideService(Store, copy))

/** Copies a version that is being served, in place of the one before; what it says is moved last. */
export const copyVersion = Effect.fn("copyVersion")(function* (copy: Store["Service"], runId: string) {
  if (Option.contains(yield* copiedVersion(copy), runId) || !(yield* isOwn(copy.location))) return
  const store = yield* Store
  const digests: Record<string, string> = {}
  for (const file of SERVED) {
    const found = yield* orNone(store.get(versionKey(runId, file)))
    if (Option.isNone(found)) continue
    const { bytes } = found.value
    yield* copy.put(versionKey(runId, file), bytes)
    digests[file] = sha256(bytes)
  }
  const embedder = yield* readEmbedder(runId)
  if (Option.isSome(embedder)) yield* copy.put(embedder.value.key, embedder.value.bytes)
  yield* copy.list(EMBEDDERS_PREFIX).pipe(
    Stream.filter(({ key }) => !Option.exists(embedder, (own) => own.key === key)),
    Stream.runForEach(({ key }) => copy.remove(key))
  )
  yield* pointAt(copy, runId, digests)
})

/** The file of a version's embedder, where it came in one. */
const readEmbedder = Effect.fnUntraced(function* (runId: string) {
  const store = yield* Store
  const metadata = yield* readDocumentIfWhole(versionKey(runId, "model_metadata.json"), EmbedderInMetadata)
  const description = Option.isSome(metadata) ? metadata.value.value.embedder : undefined
  if (description === undefined) return Option.none()
  const key = embedderKey(description.sha256)
  return Option.map(yield* orNone(store.get(key)), ({ bytes }) => ({ key, bytes }))
})

const pointAt = (
  copy: Store["Service"],
  runId: string,
  digests: typeof Digests.Type
): Effect.Effect<void, StoreError> =>
  Effect.gen(function* () {
    yield* writeDocument(versionKey(runId, DIGESTS_FILE), Digests, digests)
    yield* copy.remove(CURRENT_KEY)
    yield* movePointer({ runId, promotedAt: new Date().toISOString(), history: [] }, Option.none())
    yield* copy.list(VERSIONS_PREFIX).pipe(
      Stream.filter(({ key }) => !key.startsWith(versionPrefix(runId))),
      Stream.runForEach(({ key }) => copy.remove(key))
    )
  }).pipe(Effect.provideService(Store, copy))
