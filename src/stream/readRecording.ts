import { Effect, Option, Schema } from "effect"
import type { Sighting } from "../embeddings/sighting.ts"
import { classOf, isUnlabelled } from "../store/keys.ts"
import { sha256 } from "../store/sha256.ts"
import { isAbsence, isVersionByTime, type ObjectInfo, Store, type StoreError } from "../store/store.ts"

/** The store did not give a recording that may be fine. */
export class Unread extends Schema.TaggedError<Unread>()("Unread", {
  reason: Schema.String,
  /** Whether it may give it later, when nothing was done about it but waiting. */
  mayPass: Schema.Boolean
}) {}
/** A recording that was listed, and is not there. */
export class Vanished extends Schema.TaggedError<Vanished>()("Vanished", { reason: Schema.String }) {}

/** Why a recording cannot be used, as far as its key or its size rule it out before it is fetched; undefined where neither does. */
export const ruledOut = (
  object: ObjectInfo,
  { maxRecordingMegabytes }: { readonly maxRecordingMegabytes: number }
): string | undefined => {
  if (classOf(object.key) === undefined && !isUnlabelled(object)) {
    return "It lies in no class folder: move it to extracted_audio/<class>/."
  }
  const megabytes = Math.ceil(object.size / 1e6)
  return megabytes > maxRecordingMegabytes
    ? `Its ${megabytes.toLocaleString("en")} MB are more than MAX_RECORDING_MB (${maxRecordingMegabytes}) allows.`
    : undefined
}

/** Fetches one recording, in the version that it has now: newer than the listed one if it changed in between. */
export const readRecording = Effect.fnUntraced(function* (object: ObjectInfo) {
  const { key } = object
  const store = yield* Store
  const { bytes, etag } = yield* store.get(key).pipe(Effect.mapError(toldOf))
  const isListed = etag === object.etag || isVersionByTime(object.etag)
  if (isListed && bytes.length !== object.size) {
    const size = yield* sizeOf(object)
    if (size !== bytes.length) {
      return yield* new Unread({ reason: `${bytes.length} of its ${size} bytes came.`, mayPass: true })
    }
  }
  const contentHash = sha256(bytes)
  const version = isVersionByTime(object.etag) && bytes.length === object.size ? object.etag : etag
  return { bytes, sighting: { key, etag: version, size: bytes.length, contentHash } satisfies Sighting }
})

/** Bytes of an object, now, as the store has it by itself. */
const sizeOf = Effect.fnUntraced(function* ({ key, size }: ObjectInfo) {
  const store = yield* Store
  const found = yield* store.find(key).pipe(Effect.mapError(toldOf))
  return Option.isSome(found) ? found.value.size : size
})

// That the whole store refuses, as with credentials that have expired, says nothing of the recording.
const toldOf = (error: StoreError) =>
  isAbsence(error)
    ? new Vanished({ reason: "It vanished after it was listed." })
    : new Unread({ reason: error.message, mayPass: error.reason === "unreachable" || error.key === "" })
