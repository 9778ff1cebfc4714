import { Effect, Option, Result, Stream } from "effect"
import { isClassName } from "./className.ts"
import { readDocumentIfWhole } from "./documents.ts"
import {
  classOf,
  EMBEDDINGS_PREFIX,
  isRecording,
  RECORDINGS_PREFIX,
  recordingKey,
  UPLOADS_PREFIX,
  uploadKey
} from "./keys.ts"
import { Receipt } from "./receipt.ts"
import { sha256 } from "./sha256.ts"
import { isAbsence, type ObjectInfo, Store, type StoreError } from "./store.ts"

/** A file to upload. */
export interface Upload {
  /** Its key in the folder that it comes from. */
  readonly source: string
  readonly key: string
  /** Bytes, as listed. */
  readonly size: number
}

/** A file that stays where it is. */
export interface Refusal {
  readonly source: string
  readonly reason: string
}

/** What there is to upload. */
export interface UploadPlan {
  readonly uploads: ReadonlyArray<Upload>
  /** What is embedded of them, where the folder is a store itself: it need not be again. */
  readonly embeddings: ReadonlyArray<Upload>
  readonly refused: ReadonlyArray<Refusal>
  /** Files that file managers and archivers leave behind. */
  readonly ignored: number
}

/**
 * Decides which files of a folder become recordings: `<class>/<path>`, or what lies in its `extracted_audio`, if it has
 * one. A file whose key would not be read back as a recording is refused.
 */
export const planUpload = Effect.fn("planUpload")(function* (folder: Store["Service"]) {
  const inside = yield* Stream.runCollect(folder.list(RECORDINGS_PREFIX))
  const found = inside.length > 0 ? inside : yield* Stream.runCollect(folder.list(""))
  const below = inside.length > 0 ? RECORDINGS_PREFIX : ""
  const files = found.filter(({ key }) => isRecording({ key: RECORDINGS_PREFIX + key.slice(below.length) }))
  const planned = files.map((file) => planFile(file, file.key.slice(below.length)))
  return {
    embeddings: inside.length > 0 ? yield* planParts(folder) : [],
    uploads: planned.filter(Result.isSuccess).map(({ success }) => success),
    refused: planned.filter(Result.isFailure).map(({ failure }) => failure),
    ignored: found.length - files.length
  } satisfies UploadPlan
})

/**
 * The classes of a plan that cannot be: the store has none of that name, and none may get it. A class that the store has, it
 * keeps, whoever named it.
 */
export const wrongClasses = Effect.fn("wrongClasses")(function* (store: Store["Service"], { uploads }: UploadPlan) {
  const names = new Set(uploads.map(({ key }) => classOf(key)).filter((name) => name !== undefined))
  return yield* Effect.filter([...names].filter((name) => !isClassName(name)).sort(), (name) =>
    store.list(recordingKey(name, "")).pipe(
      Stream.take(1),
      Stream.runCollect,
      Effect.map(({ length }) => length === 0)
    )
  )
})

const planParts = (folder: Store["Service"]) =>
  folder.list(EMBEDDINGS_PREFIX).pipe(
    Stream.filter(({ key }) => /^[^/]+\/[^/]+\.parquet$/.test(key.slice(EMBEDDINGS_PREFIX.length))),
    Stream.map(({ key, size }): Upload => ({ source: key, key, size })),
    Stream.runCollect
  )

const planFile = ({ key: source, size }: ObjectInfo, path: string): Result.Result<Upload, Refusal> => {
  const refuse = (reason: string) => Result.fail({ source, reason })
  const [className, ...names] = path.split("/")
  const key = recordingKey(className!, names.join("/"))
  if (names.length === 0) return refuse("it lies in no class's folder")
  if (path.includes("\ufffd")) return refuse("its name is not valid UTF-8")
  if (Buffer.byteLength(key) > 1024) return refuse("its name is too long: S3 allows 1,024 bytes, folders included")
  return Result.succeed({ source, key, size })
}

/** The contents (hex SHA-256) for which the store holds a receipt: uploaded by the service, under names of its own. */
export const listReceipts = Effect.fn("listReceipts")(function* (store: Store["Service"]) {
  const keys = yield* Stream.runCollect(store.list(UPLOADS_PREFIX))
  return new Set(keys.map(({ key }) => key.slice(UPLOADS_PREFIX.length, -".json".length)))
})

/** What became of a file. */
export type Uploaded =
  | { readonly outcome: "uploaded" | "unchanged"; readonly key: string; readonly size: number }
  | ({ readonly outcome: "refused" } & Refusal)

/**
 * Puts one file where the plan says, unless the same bytes are there already, or lie elsewhere in the store by a receipt.
 * In a dry run it only looks.
 *
 * A file that cannot be read, or that the store does not take, such as one whose name is too long for it, is refused; that the
 * store cannot be used is an error.
 */
export const upload = Effect.fn("upload")(function* (
  folder: Store["Service"],
  store: Store["Service"],
  file: Upload,
  options: { readonly dryRun: boolean; readonly receipts: ReadonlySet<string> }
) {
  const { source, key } = file
  const refuse = ({ message }: StoreError) => ({ outcome: "refused", source, reason: message }) satisfies Uploaded
  const read = yield* Effect.result(folder.get(source))
  if (Result.isFailure(read)) return refuse(read.failure)
  return yield* putUnlessThere(store, file, read.success.bytes, options).pipe(
    Effect.catchIf(
      (error) => error.key === key && isRefusal(error),
      (error) =>
        // That it does not exist answers a question that was not asked.
        Effect.succeed(isAbsence(error) ? { ...refuse(error), reason: noPlace(store, key) } : refuse(error))
    )
  )
})

const noPlace = (store: Store["Service"], key: string): string =>
  `${store.location} does not take ${key}, and answers as if it were asked for it (HTTP 404): rename the file`

/** Whether the store answered, and does not take this: asking for another object may well work. */
const isRefusal = ({ reason }: StoreError): boolean => reason !== "unreachable" && reason !== "conflict"

const putUnlessThere = Effect.fnUntraced(function* (
  store: Store["Service"],
  { source, key }: Upload,
  bytes: Uint8Array,
  options: { readonly dryRun: boolean; readonly receipts: ReadonlySet<string> }
) {
  const there = yield* store.find(key)
  if (Option.isSome(there) && (yield* holds(store, there.value, bytes))) {
    return { outcome: "unchanged", key, size: bytes.length } satisfies Uploaded
  }
  const uploaded = yield* uploadedAs(store, bytes, options.receipts)
  if (uploaded !== undefined && uploaded.class !== classOf(key) && classOf(key) !== undefined) {
    const reason = `the same recording was uploaded to class ${uploaded.class}, as ${uploaded.key}: relabel it (bun run review)`
    return { outcome: "refused", source, reason } satisfies Uploaded
  }
  if (uploaded !== undefined) return { outcome: "unchanged", key: uploaded.key, size: bytes.length } satisfies Uploaded
  if (!options.dryRun) yield* store.put(key, bytes)
  return { outcome: "uploaded", key, size: bytes.length } satisfies Uploaded
})

/** Where the service has put these bytes, if they are there and whole. */
const uploadedAs = Effect.fnUntraced(function* (
  store: Store["Service"],
  bytes: Uint8Array,
  receipts: ReadonlySet<string>
) {
  if (receipts.size === 0) return undefined
  const contentHash = sha256(bytes)
  if (!receipts.has(contentHash)) return undefined
  const receipt = yield* readDocumentIfWhole(uploadKey(contentHash), Receipt).pipe(Effect.provideService(Store, store))
  if (Option.isNone(receipt)) return undefined
  const there = yield* store.find(receipt.value.value.key)
  return Option.isSome(there) && (yield* holds(store, there.value, bytes)) ? receipt.value.value : undefined
})

/** Whether what lies there is these bytes. */
// S3's ETag is the MD5 of what was written in one piece, unless the bucket encrypts by keys of its own, and looks the same
// then: where it is not, the bytes themselves are compared.
export const holds = Effect.fn("holds")(function* (store: Store["Service"], there: ObjectInfo, bytes: Uint8Array) {
  if (there.size !== bytes.length) return false
  if (there.etag === new Bun.CryptoHasher("md5").update(bytes).digest("hex")) return true
  return Buffer.compare((yield* store.get(there.key)).bytes, bytes) === 0
})
