import { Effect, Schema, Stream } from "effect"
import { Engine } from "../embedder/engine.ts"
import { Embeddings } from "../embeddings/embeddings.ts"
import type { Recipe } from "../embeddings/recipe.ts"
import type { EmbeddedRecording } from "../embeddings/recording.ts"
import type { KnownRecordings, Sighting } from "../embeddings/sighting.ts"
import { makeSpanReader } from "../sound/field/spanReader.ts"
import { spanOf } from "../store/keys.ts"
import { type ObjectInfo, Store, StoreError } from "../store/store.ts"
import { auditCopies } from "./auditCopies.ts"
import { embedInBatches, type Prepared } from "./batches.ts"
import { RunEvents } from "./events.ts"
import { shareMemory } from "./memory.ts"
import type { PrepareSettings } from "./prepare.ts"
import { Preparers } from "./preparers.ts"
import { readInParts } from "./readInParts.ts"
import { isReadInParts, readRecording, ruledOut } from "./readRecording.ts"
import { type CorpusCount, corpus } from "./recordings.ts"

/** Recordings in one part and one manifest file: 3 MB at 6 variants, and what a crash can lose at most. */
export const PART_RECORDINGS = 128
/** Recordings found to be copies of others that are remembered at once. */
const SIGHTINGS = 1024

/** What reading a recording in parts, or a clip out of it, holds in memory: blocks of the file, and the clip as floats. */
const PART_BYTES = 16_000_000

/** What holds when a run ends because of the store. */
const KEPT = "What was embedded is kept; start again once it can be read."

export interface StreamSettings extends PrepareSettings {
  readonly recipe: Recipe
  /** What to embed, as far as it is not stored yet; the whole corpus unless given. */
  readonly objects?: Stream.Stream<ObjectInfo, StoreError>
  /** What is stored already; the stream adds what it stores and finds. */
  readonly known: KnownRecordings
  readonly count: CorpusCount
  /** The share of the corpus, 0 to 1, that may be unusable. */
  readonly maxSkipped: number
  readonly fetchConcurrency: number
  /** Larger recordings are skipped, and no more than this is in memory between fetching and decoding. */
  readonly maxRecordingMegabytes: number
  /** Whether parts are cut by count alone, so that doing the same again writes the same parts; else also every 30 s. */
  readonly repeatable?: boolean
}

/** A recording that was left out, and why. */
export interface Skipped {
  readonly key: string
  readonly reason: string
}

/** A recording that was not read as usual, and how. */
export interface Noted {
  readonly key: string
  readonly note: string
}

/** What a pass over the corpus came to. */
export interface StreamResult {
  /** The content of every usable recording: key to hex SHA-256. */
  readonly live: ReadonlyMap<string, string>
  /** Those of them that were read in another version than listed, or whose version the store does not tell. */
  readonly moved: ReadonlyMap<string, string>
  /** Contents embedded in this pass. */
  readonly embedded: number
  /** Patches embedded in this pass. */
  readonly patches: number
  readonly skipped: ReadonlyArray<Skipped>
  readonly noted: ReadonlyArray<Noted>
  /**
   * The keys of those that the store did not give: they may be fine. Of these, it refused those that are skipped, too; the
   * others it could not give, even when it was asked again at the end.
   */
  readonly unread: ReadonlyArray<string>
}

/** So many recordings are unusable that something is wrong with the corpus, not with the recordings. */
export class TooManySkipped extends Schema.TaggedError<TooManySkipped>()("TooManySkipped", {
  skipped: Schema.Array(Schema.Struct({ key: Schema.String, reason: Schema.String })),
  message: Schema.String
}) {
  static readonly of = (skipped: ReadonlyArray<Skipped>, { maxSkipped, count }: StreamSettings) => {
    const { key, reason } = skipped.at(-1)!
    const share = `${skipped.length} of ${count.recordings} recordings cannot be used`
    return new TooManySkipped({
      skipped,
      message: `${share}, more than MAX_SKIPPED (${maxSkipped * 100} %) allows; the last was ${key}. ${reason}`
    })
  }
}

/**
 * The pipeline: lists the corpus lazily, and fetches, decodes, augments, audits, embeds and stores what is not stored
 * yet. Every stage is bounded and waits for the next; nothing touches a disk but audit copies, manifests and parts.
 *
 * What is not known by key and version is fetched. Bytes that are embedded already, wherever they lay, are not again: it is
 * only remembered where they lie now.
 */
export const embedCorpus = Effect.fn("embedCorpus")(function* (settings: StreamSettings) {
  const engine = yield* Engine
  const embeddings = yield* Embeddings
  const emit = yield* RunEvents
  const holding = yield* shareMemory(settings.maxRecordingMegabytes)
  const { known } = settings
  const preparers = yield* Preparers
  const store = yield* Store
  const audit = yield* auditCopies
  const spans = yield* makeSpanReader
  const live = new Map<string, string>()
  const moved = new Map<string, string>()
  const skipped: Array<Skipped> = []
  const noted: Array<Noted> = []
  const unread: Array<string> = []
  /** What the store could not give yet, and how much of it in a row. */
  const postponed = new Map<string, { readonly object: ObjectInfo; readonly reason: string }>()
  let failures = 0
  /** Recordings that cannot be used. */
  let refused = 0
  /** Recordings that were not there any more when they were read, or never were under the name that was listed. */
  let vanished = 0
  let listed = 0
  /** The contents that this pass embeds, and why where it cannot. */
  const taken = new Map<string, string | undefined>()
  /** Recordings with the same bytes as one that is being embedded. */
  const copies: Array<Sighting> = []
  const found: Array<Sighting> = []
  const total = settings.count.recordings - settings.count.stored
  let done = 0
  let embedded = 0
  let patches = 0

  const memoryFor = (object: ObjectInfo): number => {
    if (spanOf(object.key) !== undefined) return PART_BYTES
    return isReadInParts(object) && store.givesWhole?.() !== true ? PART_BYTES : object.size
  }

  const advance = Effect.suspend(() => emit({ stage: "stream", done: Math.min(++done, total), total }))

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

  /** One recording, and what a worker makes of it; of a large one it has been made with the reading. */
  const read = Effect.fnUntraced(function* (object: ObjectInfo) {
    // Nothing else can, or should, cross to a worker.
    const { clipMaxSeconds, augmentations, variants = [], audit } = settings
    const own: PrepareSettings = { clipMaxSeconds, augmentations, variants, audit }
    if (isReadInParts(object)) {
      const { sighting, outcome } = yield* readInParts(object, engine.frontEnd, own, settings.maxRecordingMegabytes)
      return { sighting, prepared: Effect.fromResult(outcome) }
    }
    const { bytes, sighting, notes } = yield* readRecording(object, spans)
    const place = store.folder === undefined ? undefined : { folder: store.folder, key: object.key }
    const prepared = preparers
      .prepare(bytes, sighting.contentHash, engine.frontEnd, own, place)
      .pipe(Effect.map((it) => ({ ...it, notes: [...notes, ...it.notes] })))
    return { sighting, prepared }
  })

  const prepare = Effect.fnUntraced(
    function* (object: ObjectInfo) {
      const before = ruledOut(object, settings) ?? known.whyUnusable(known.contentOf(object))
      if (before !== undefined) return yield* skip(object.key, before, false)
      return yield* Effect.gen(function* () {
        const { sighting, prepared } = yield* read(object)
        failures = 0
        const { contentHash } = sighting
        const unusable = known.whyUnusable(contentHash)
        if (unusable !== undefined) {
          refuse(sighting, unusable)
          return yield* skip(object.key, unusable)
        }
        if (sighting.etag !== object.etag || object.etag === "") moved.set(object.key, contentHash)
        if (known.has(contentHash)) {
          yield* take(sighting)
          return []
        }
        if (taken.has(contentHash)) {
          copies.push(sighting)
          return []
        }
        taken.set(contentHash, undefined)
        return [
          yield* prepared.pipe(
            Effect.map((prepared): Prepared => ({ ...sighting, ...prepared })),
            Effect.tapError(({ reason, isLasting }) =>
              Effect.sync(() => {
                taken.set(contentHash, reason)
                if (isLasting) refuse(sighting, reason)
              })
            )
          )
        ]
      }).pipe(holding(memoryFor(object)))
    },
    (effect, object) =>
      effect.pipe(
        Effect.catchTags({
          Vanished: ({ reason }) => {
            vanished++
            return skip(object.key, reason)
          },
          Unread: ({ reason, mayPass }) => {
            if (mayPass) return postpone(object, reason)
            unread.push(object.key)
            return skip(object.key, reason)
          },
          PrepareError: ({ reason }) => skip(object.key, reason)
        }),
        Effect.tap((prepared) => Effect.forEach(prepared, audit.write, { discard: true }))
      )
  )

  const persist = Effect.fnUntraced(function* (finished: ReadonlyArray<EmbeddedRecording>) {
    if (settings.audit) yield* audit.record(finished)
    yield* embeddings.append(settings.recipe, finished)
    for (const recording of finished) {
      known.see(recording)
      known.embed(recording.contentHash)
      live.set(recording.key, recording.contentHash)
      for (const note of recording.notes ?? []) noted.push({ key: recording.key, note })
    }
  })

  const embedAll = <E, R>(objects: Stream.Stream<ObjectInfo, E, R>) =>
    objects.pipe(
      Stream.filter((object) => {
        listed++
        const contentHash = known.storedContentOf(object)
        if (contentHash !== undefined) live.set(object.key, contentHash)
        return contentHash === undefined
      }),
      Stream.mapEffect(prepare, { concurrency: settings.fetchConcurrency }),
      Stream.flattenIterable,
      embedInBatches(engine),
      Stream.tap((recording) => {
        embedded++
        patches += recording.variants.reduce((sum, variant) => sum + variant.patches, 0)
        return advance
      }),
      Stream.groupedWithin(PART_RECORDINGS, settings.repeatable ? "1 day" : "30 seconds"),
      Stream.runForEach(persist)
    )

  /** What the listing did not have, whichever way it was damaged or the corpus changed meanwhile. */
  const overlooked = Stream.suspend(() => {
    const others = new Set(
      [...skipped, ...copies, ...postponed.values().map(({ object }) => object)].map(({ key }) => key)
    )
    return corpus.pipe(Stream.filter(({ key }) => !live.has(key) && !others.has(key)))
  })

  yield* Effect.gen(function* () {
    yield* embedAll(settings.objects ?? corpus)
    if (settings.objects === undefined && (vanished > 0 || listed < settings.count.recordings))
      yield* embedAll(overlooked)
    const again = [...postponed.values()]
    postponed.clear()
    failures = 0
    yield* embedAll(Stream.fromIterable(again).pipe(Stream.map(({ object }) => object)))
  }).pipe(Effect.tapError(() => Effect.ignore(remember)))
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
  yield* audit.end
  return { live, moved, embedded, patches, skipped, noted, unread } satisfies StreamResult
}, Effect.scoped)

/** Fails where the store could not give recordings that it has: what is made without them would leave them out for good. */
export const requireAllRead = Effect.fnUntraced(function* ({
  skipped,
  unread
}: Pick<StreamResult, "skipped" | "unread">) {
  const refused = new Set(skipped.map(({ key }) => key))
  const missing = unread.filter((key) => !refused.has(key))
  const [key] = missing
  if (key === undefined) return
  const { location } = yield* Store
  const what = missing.length === 1 ? `${key}` : `${missing.length} recordings, such as ${key}`
  return yield* new StoreError({
    reason: "unreachable",
    key,
    message: `${location} has not given ${what}, not even when it was asked again at the end. ${KEPT}`
  })
})
