import { Effect, Option, Stream } from "effect"
import type { FrontEndOrigin } from "../embedder/frontEnd.ts"
import type { Sighting } from "../embeddings/sighting.ts"
import { readIndex } from "../sound/field/mp4Index.ts"
import { BLOCK_BYTES, blocksOf } from "../store/blocks.ts"
import { isVersionByTime, type ObjectInfo, Store } from "../store/store.ts"
import { GRAIN_BYTES, type Progress } from "./growingRecording.ts"
import { mostSeconds } from "./longClip.ts"
import type { PrepareSettings } from "./prepare.ts"
import { PrepareError, Preparers } from "./preparers.ts"
import { toldOf, Unread, vanished } from "./readRecording.ts"

/** What is fetched of a recording that does not tell yet how many of its bytes last a second. */
const UNTOLD_BYTES = 8 * BLOCK_BYTES
/** By how much more the bytes of a second are taken for than so far. */
const MARGIN = 1.005

/**
 * Fetches a large recording part by part into a worker that prepares it, as far as it is heard: its first ten minutes. Its
 * content is what was fetched, and all of it where that is all of it.
 */
export const readInParts = Effect.fn("readInParts")(function* (
  object: ObjectInfo,
  frontEnd: FrontEndOrigin,
  settings: PrepareSettings,
  maxRecordingMegabytes: number
) {
  const { key, etag, size } = object
  const store = yield* Store
  const preparers = yield* Preparers
  const maxWholeBytes = maxRecordingMegabytes * 1e6
  const most = mostSeconds(settings.clipMaxSeconds)
  // Fetched before it waits for a worker.
  const read = (from: number, to: number) => store.getRange(key, from, to).pipe(Effect.mapError(toldOf))
  const first = yield* read(0, Math.min(size, BLOCK_BYTES))
  if (store.givesWhole?.() === true && size > maxWholeBytes) {
    const limit = `more than MAX_RECORDING_MB (${maxRecordingMegabytes}) allows where a server gives no ranges`
    const reason = `Its ${Math.ceil(size / 1e6).toLocaleString("en")} MB are ${limit}.`
    return yield* new PrepareError({ reason, isLasting: false })
  }
  const index = yield* readIndex(read, size, first)
  const growing = yield* preparers.begin({ size, maxWholeBytes, index, settings }, frontEnd)
  let at = first.length
  let progress = yield* growing.push(first)
  while (!progress.isEnough && at < size) {
    const before = at
    const to = Math.min(size, progress.seconds > 0 ? endOf(progress, most, at) : at + UNTOLD_BYTES)
    yield* blocksOf(store, object, { from: at, to }).pipe(
      Stream.mapError(toldOf),
      Stream.mapEffect(
        Effect.fnUntraced(function* (bytes) {
          at += bytes.length
          progress = yield* growing.push(bytes)
        })
      ),
      Stream.takeUntil(() => progress.isEnough),
      Stream.runDrain
    )
    if (at === before) return yield* new Unread({ reason: `${at} of its ${size} bytes came.`, mayPass: true })
  }
  const { contentHash, outcome } = yield* growing.end
  if (!(yield* isUnchanged(object))) {
    return yield* new Unread({ reason: "It changed while it was read.", mayPass: true })
  }
  const sighting: Sighting = { key, etag, size, contentHash }
  return { sighting, outcome }
}, Effect.scoped)

/** Up to which byte as much lasts as is used, by what lasts so far; beyond `at`, behind which more is needed. */
const endOf = ({ seconds, bytes }: Progress, most: number, at: number): number =>
  Math.ceil(Math.max(at + 1, (MARGIN * bytes * most) / seconds) / GRAIN_BYTES) * GRAIN_BYTES

/** Whether the object is still what was listed. */
const isUnchanged = Effect.fnUntraced(function* ({ key, etag }: ObjectInfo) {
  if (isVersionByTime(etag) || etag === "") return true
  const store = yield* Store
  const found = yield* store.find(key).pipe(Effect.mapError(toldOf))
  if (Option.isNone(found)) return yield* vanished(key)
  return found.value.etag === etag
})
