import { Effect } from "effect"
import { Embeddings } from "../embeddings/embeddings.ts"
import type { Sighting } from "../embeddings/sighting.ts"
import { spanOf } from "../store/keys.ts"
import { type ObjectInfo, StoreError } from "../store/store.ts"
import { KEPT, type Skipped, type StreamSettings, TooManySkipped } from "./corpusPass.ts"
import { RunEvents } from "./events.ts"

/** Recordings found to be copies of others that are remembered at once. */
const SIGHTINGS = 1024

/**
 * What becomes of each recording of a pass that is not stored yet: it is embedded, or has the bytes of one that is, or is
 * left out, or asked for again. Told as it goes on, and remembered for the next pass.
 */
export const openLedger = Effect.fnUntraced(function* (settings: StreamSettings) {
  const embeddings = yield* Embeddings
  const emit = yield* RunEvents
  const { known } = settings
  const live = new Map<string, string>()
  const moved = new Map<string, string>()
  const skipped: Array<Skipped> = []
  const unread: Array<string> = []
  /** What the store could not give yet, and how much of it in a row. */
  const postponed = new Map<string, { readonly object: ObjectInfo; readonly reason: string }>()
  let failures = 0
  /** Recordings that cannot be used. */
  let refused = 0
  /** The contents that this pass embeds, and why where it cannot. */
  const taken = new Map<string, string | undefined>()
  /** Recordings with the same bytes as one that is being embedded. */
  const copies: Array<Sighting> = []
  const found: Array<Sighting> = []
  const total = settings.count.recordings - settings.count.stored
  let done = 0

  /** One more is through. */
  const advance = Effect.suspend(() => emit({ stage: "stream", done: Math.min(++done, total), total }))

  /** Leaves a recording out; fails where these are too many. */
  const skip = Effect.fnUntraced(function* (key: string, reason: string, wasCounted = true) {
    skipped.push({ key, reason })
    if (wasCounted) done++
    yield* emit({ stage: "skip", key, reason })
    // That an annotation cannot be used says nothing of the recordings.
    if (spanOf(key) === undefined && ++refused > settings.maxSkipped * settings.count.recordings) {
      return yield* TooManySkipped.of(skipped, settings)
    }
    return []
  })

  /** Puts a recording off to the end; fails where the store gives nothing any more. */
  const postpone = Effect.fnUntraced(function* (object: ObjectInfo, reason: string) {
    postponed.set(object.key, { object, reason })
    // Each of them has used up the store's patience already.
    if (++failures <= 2 * settings.fetchConcurrency) return []
    return yield* new StoreError({ reason: "unreachable", key: object.key, message: `${reason} ${KEPT}` })
  })

  const remember = Effect.suspend(() => embeddings.sighted(found.splice(0)))

  const refuse = (sighting: Sighting, unusable: string) => {
    known.see({ ...sighting, unusable })
    found.push({ ...sighting, unusable })
  }

  const take = Effect.fnUntraced(function* (sighting: Sighting) {
    known.see(sighting)
    live.set(sighting.key, sighting.contentHash)
    found.push(sighting)
    yield* advance
    if (found.length >= SIGHTINGS) yield* remember
  })

  /** Whether what was read is for this pass to embed: it is usable, not embedded yet, and no copy of what is in hand. */
  const claim = Effect.fnUntraced(function* (object: ObjectInfo, sighting: Sighting) {
    failures = 0
    const { contentHash } = sighting
    const unusable = known.whyUnusable(contentHash)
    if (unusable !== undefined) {
      refuse(sighting, unusable)
      yield* skip(object.key, unusable)
      return false
    }
    if (sighting.etag !== object.etag || object.etag === "") moved.set(object.key, contentHash)
    if (known.has(contentHash)) {
      yield* take(sighting)
      return false
    }
    if (taken.has(contentHash)) {
      copies.push(sighting)
      return false
    }
    taken.set(contentHash, undefined)
    return true
  })

  /** Nothing comes of what was claimed; its copies will not do any better. */
  const disclaim = (
    sighting: Sighting,
    { reason, isLasting }: { readonly reason: string; readonly isLasting: boolean }
  ) => {
    taken.set(sighting.contentHash, reason)
    if (isLasting) refuse(sighting, reason)
  }

  /** Those put off, to be asked for again. */
  const takePostponed = (): ReadonlyArray<ObjectInfo> => {
    const again = [...postponed.values()].map(({ object }) => object)
    postponed.clear()
    failures = 0
    return again
  }

  /** The keys of all that is neither embedded nor claimed. */
  const setAside = (): ReadonlySet<string> =>
    new Set([...skipped, ...copies, ...postponed.values().map(({ object }) => object)].map(({ key }) => key))

  /** What is still put off was not read, and copies are what the first of them came to. */
  const close = Effect.gen(function* () {
    for (const [key, { reason }] of postponed) {
      unread.push(key)
      yield* emit({ stage: "skip", key, reason })
    }
    for (const copy of copies) {
      const reason = taken.get(copy.contentHash)
      if (reason === undefined) yield* take(copy)
      else {
        if (known.whyUnusable(copy.contentHash) !== undefined) refuse(copy, reason)
        yield* skip(copy.key, reason)
      }
    }
    yield* remember
  })

  return {
    live,
    moved,
    skipped,
    unread,
    advance,
    skip,
    postpone,
    claim,
    disclaim,
    takePostponed,
    setAside,
    /** Stores what was found since the last call. */
    remember,
    close
  }
})
