import { Effect, Option, Result, Stream } from "effect"
import { EMBEDDINGS_PREFIX, isRecording, RECORDINGS_PREFIX, recordingKey } from "./keys.ts"
import type { ObjectInfo, Store, StoreError } from "./store.ts"

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

/** What became of a file. */
export type Uploaded =
  | { readonly outcome: "uploaded" | "unchanged"; readonly key: string; readonly size: number }
  | ({ readonly outcome: "refused" } & Refusal)

/**
 * Puts one file where the plan says, unless the same bytes are there already. In a dry run it only looks.
 *
 * A file that cannot be read, or that the store can never hold, is refused; that the store cannot be used is an error.
 */
export const upload = Effect.fn("upload")(function* (
  folder: Store["Service"],
  store: Store["Service"],
  { source, key }: Upload,
  options: { readonly dryRun: boolean }
) {
  const refuse = ({ message }: StoreError): Uploaded => ({ outcome: "refused", source, reason: message })
  const read = yield* Effect.result(folder.get(source))
  if (Result.isFailure(read)) return refuse(read.failure)
  const { bytes } = read.success
  const there = yield* store.find(key)
  if (Option.isSome(there) && (yield* holds(store, there.value, bytes))) {
    return { outcome: "unchanged", key, size: bytes.length } satisfies Uploaded
  }
  if (!options.dryRun) {
    const put = yield* Effect.result(store.put(key, bytes))
    if (Result.isFailure(put) && put.failure.reason === "invalid") return refuse(put.failure)
    yield* Effect.fromResult(put)
  }
  return { outcome: "uploaded", key, size: bytes.length } satisfies Uploaded
})

// S3's ETag is the MD5 of what was written in one piece, unless the bucket encrypts by keys of its own, and looks the same
// then: where it is not, the bytes themselves are compared.
const holds = Effect.fn("holds")(function* (store: Store["Service"], there: ObjectInfo, bytes: Uint8Array) {
  if (there.size !== bytes.length) return false
  if (there.etag === new Bun.CryptoHasher("md5").update(bytes).digest("hex")) return true
  return Buffer.compare((yield* store.get(there.key)).bytes, bytes) === 0
})
