import { Effect, Schema } from "effect"
import type { Sighting } from "../embeddings/sighting.ts"
import { classOf, isUnlabelled } from "../store/keys.ts"
import { type ObjectInfo, Store } from "../store/store.ts"

/** The store did not give a recording that may be fine. */
export class Unread extends Schema.TaggedError<Unread>()("Unread", { reason: Schema.String }) {}
/** A recording that cannot be used, whatever the store does. */
export class Unusable extends Schema.TaggedError<Unusable>()("Unusable", { reason: Schema.String }) {}

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
export const readRecording = Effect.fnUntraced(function* ({ key }: Pick<ObjectInfo, "key">) {
  const store = yield* Store
  const { bytes, etag } = yield* store.get(key).pipe(
    Effect.mapError(({ reason, message }) => {
      return reason === "missing"
        ? new Unusable({ reason: "It vanished after it was listed." })
        : new Unread({ reason: message })
    })
  )
  const contentHash = new Bun.CryptoHasher("sha256").update(bytes).digest("hex")
  return { bytes, sighting: { key, etag, size: bytes.length, contentHash } satisfies Sighting }
})
