import { Effect, Option, Schema } from "effect"
import type { Sighting } from "../embeddings/sighting.ts"
import { readSpan } from "../sound/field/readField.ts"
import type { SpanReader } from "../sound/field/spanReader.ts"
import { asLoudAsClips } from "../sound/level.ts"
import { encodeFloatWav } from "../sound/wav.ts"
import { classOf, isUnlabelled, type Span, spanOf } from "../store/keys.ts"
import { sha256 } from "../store/sha256.ts"
import { isAbsence, isVersionByTime, type ObjectInfo, Store, type StoreError, whyMisnamed } from "../store/store.ts"
import { PrepareError } from "./preparers.ts"

/** The store did not give a recording that may be fine. */
export class Unread extends Schema.TaggedError<Unread>()("Unread", {
  reason: Schema.String,
  /** Whether it may give it later, when nothing was done about it but waiting. */
  mayPass: Schema.Boolean
}) {}
/** A recording that was listed, and is not there. */
export class Vanished extends Schema.TaggedError<Vanished>()("Vanished", { reason: Schema.String }) {}

/** Of what was listed under `key`; also where it never was there by that name. */
export const vanished = (key: string) =>
  new Vanished({ reason: whyMisnamed(key) ?? "It vanished after it was listed." })

/** What is fetched at once, in bytes: 90 s of sound at 96 kHz and 16 bits, hours of the sound that telephones record. */
const WHOLE_BYTES = 1 << 24

/** Whether a recording is so large that it is fetched part by part, as far as it is heard. */
export const isReadInParts = ({ key, size }: Pick<ObjectInfo, "key" | "size">): boolean =>
  size > WHOLE_BYTES && spanOf(key) === undefined

/** Why a recording cannot be used, as far as its key or its size rule it out before it is fetched; undefined where neither does. */
export const ruledOut = (
  object: ObjectInfo,
  { maxRecordingMegabytes }: { readonly maxRecordingMegabytes: number }
): string | undefined => {
  // Of the recording that it is cut from, no more than the span is read.
  if (spanOf(object.key) !== undefined) return undefined
  if (classOf(object.key) === undefined && !isUnlabelled(object)) {
    return "It lies in no class folder: move it to extracted_audio/<class>/."
  }
  // Of it, no more than is heard.
  if (isReadInParts(object)) return undefined
  const megabytes = Math.ceil(object.size / 1e6)
  return megabytes > maxRecordingMegabytes
    ? `Its ${megabytes.toLocaleString("en")} MB are more than MAX_RECORDING_MB (${maxRecordingMegabytes}) allows.`
    : undefined
}

/**
 * Fetches one recording, in the version that it has now: newer than the listed one if it changed in between. Clips of one field
 * recording are read by one pass over it where they are read by one `spans`.
 */
export const readRecording = Effect.fnUntraced(function* (object: ObjectInfo, spans?: SpanReader) {
  const { key } = object
  const span = spanOf(key)
  if (span !== undefined) return yield* readClip(object, span, spans)
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
  return { bytes, sighting: { key, etag: version, size: bytes.length, contentHash } satisfies Sighting, notes: [] }
})

/**
 * Cuts a clip out of a field recording, as a WAV file in the recording's own rate, as loud as other clips are: its own samples
 * draw how loud. Its content is what was cut out, so that it is the same wherever the recording lies, and whatever else that
 * holds.
 */
const readClip = Effect.fnUntraced(function* (
  { key, etag, size }: ObjectInfo,
  { recording, start, end }: Span,
  spans?: SpanReader
) {
  const store = yield* Store
  const read = (from: number, to: number) => store.getRange(recording, from, to).pipe(Effect.mapError(toldOf))
  const span = { from: start, to: end }
  const reading =
    spans === undefined ? readSpan(read, size, span) : spans({ name: `${etag} ${recording}`, size, read }, span)
  const { samples, rate } = yield* reading.pipe(
    Effect.catchTag("DecodeError", ({ reason }) => Effect.fail(new PrepareError({ reason, isLasting: false })))
  )
  if (samples.length === 0) {
    return yield* new PrepareError({ reason: `${recording} ends before it begins.`, isLasting: false })
  }
  const bytes = encodeFloatWav({ samples: asLoudAsClips(samples, shareOf(samples)), sampleRate: rate })
  const sighting: Sighting = { key, etag, size: bytes.length, contentHash: sha256(bytes) }
  const missing = end - start - samples.length / rate
  const notes = missing > 0.01 ? [`The recording ends ${missing.toFixed(2)} s before what is annotated.`] : []
  return { bytes, sighting, notes }
})

/** Bytes of an object, now, as the store has it by itself. */
const sizeOf = Effect.fnUntraced(function* ({ key, size }: ObjectInfo) {
  const store = yield* Store
  const found = yield* store.find(key).pipe(Effect.mapError(toldOf))
  return Option.isSome(found) ? found.value.size : size
})

// That the whole store refuses, as with credentials that have expired, says nothing of the recording.
export const toldOf = (error: StoreError) =>
  isAbsence(error)
    ? vanished(error.key)
    : new Unread({ reason: error.message, mayPass: error.reason === "unreachable" || error.key === "" })

/** A number from 0 to 1 that these samples draw, always the same one. */
const shareOf = (samples: Float32Array): number => {
  const bytes = new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength)
  return Number.parseInt(sha256(bytes).slice(0, 8), 16) / 2 ** 32
}
