import { Effect, Schema } from "effect"
import type { Sighting } from "../embeddings/sighting.ts"
import { classOf, isUnlabelled } from "../store/keys.ts"
import { type ObjectInfo, Store } from "../store/store.ts"

/** The store did not give a recording that may be fine. */
export class Unread extends Schema.TaggedError<Unread>()("Unread", { reason: Schema.String }) {}
/** A recording that cannot be used, whatever the store does. */
export class Unusable extends Schema.TaggedError<Unusable>()("Unusable", { reason: Schema.String }) {}

/** Refuses what its key or its size rules out, before it is fetched. */
export const requireUsable = Effect.fnUntraced(function* (
  object: ObjectInfo,
  { maxRecordingMegabytes }: { readonly maxRecordingMegabytes: number }
) {
  if (classOf(object.key) === undefined && !isUnlabelled(object)) {
    return yield* new Unusable({ reason: "It lies in no class folder: move it to extracted_audio/<class>/." })
  }
  const megabytes = Math.ceil(object.size / 1e6)
  if (megabytes > maxRecordingMegabytes) {
    return yield* new Unusable({
      reason: `Its ${megabytes.toLocaleString("en")} MB are more than MAX_RECORDING_MB (${maxRecordingMegabytes}) allows.`
    })
  }
})

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
