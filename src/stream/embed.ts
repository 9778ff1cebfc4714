import { Effect, Schema, Stream } from "effect"
import { Engine } from "../embedder/engine.ts"
import type { FrontEnd } from "../embedder/frontEnd.ts"
import { Embeddings } from "../embeddings/embeddings.ts"
import type { Recipe } from "../embeddings/recipe.ts"
import type { EmbeddedRecording } from "../embeddings/recording.ts"
import { classOf, isUnlabelled, variantKey } from "../store/keys.ts"
import { type ObjectInfo, Store, type StoreError } from "../store/store.ts"
import { embedInBatches, type Prepared } from "./batches.ts"
import { RunEvents } from "./events.ts"
import { writeManifest } from "./manifest.ts"
import { type Holding, shareMemory } from "./memory.ts"
import type { PrepareSettings } from "./prepare.ts"
import { Preparers } from "./preparers.ts"
import { type CorpusCount, isStored, recordings, type StoredVersions } from "./recordings.ts"

/** Recordings in one part and one manifest file: 3 MB at 6 variants, and what a crash can lose at most. */
export const PART_RECORDINGS = 128

export interface StreamSettings extends PrepareSettings {
  readonly recipe: Recipe
  /** What to embed, as far as it is not stored yet; the whole corpus unless given. */
  readonly objects?: Stream.Stream<ObjectInfo, StoreError>
  readonly stored: StoredVersions
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

/** What a pass over the corpus came to. */
export interface StreamResult {
  /** The version of every usable recording: key to ETag. */
  readonly live: ReadonlyMap<string, string>
  readonly embedded: number
  readonly reused: number
  /** Patches embedded in this pass. */
  readonly patches: number
  readonly skipped: ReadonlyArray<Skipped>
  /** The keys of those that were skipped because the store did not give them: they may be fine. */
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
 */
export const embedCorpus = Effect.fn("embedCorpus")(function* (settings: StreamSettings) {
  const engine = yield* Engine
  const embeddings = yield* Embeddings
  const emit = yield* RunEvents
  const holding = yield* shareMemory(settings.maxRecordingMegabytes)
  const live = new Map<string, string>()
  const skipped: Array<Skipped> = []
  const unread: Array<string> = []
  const total = settings.count.recordings - settings.count.stored
  let reused = 0
  let embedded = 0
  let patches = 0

  const skip = Effect.fnUntraced(function* (key: string, reason: string) {
    skipped.push({ key, reason })
    yield* emit({ stage: "skip", key, reason })
    if (skipped.length > settings.maxSkipped * settings.count.recordings) {
      return yield* TooManySkipped.of(skipped, settings)
    }
    return []
  })

  const prepare = (object: ObjectInfo) =>
    prepareObject(object, engine.frontEnd, settings, holding).pipe(
      Effect.map((prepared) => [prepared]),
      Effect.catchTags({
        Unusable: ({ reason }) => skip(object.key, reason),
        Unread: ({ reason }) => {
          unread.push(object.key)
          return skip(object.key, reason)
        },
        PrepareError: ({ reason }) => skip(object.key, reason)
      })
    )

  const persist = Effect.fnUntraced(function* (finished: ReadonlyArray<EmbeddedRecording>) {
    if (settings.audit) yield* writeManifest(finished)
    yield* embeddings.append(settings.recipe, finished)
    for (const recording of finished) live.set(recording.key, recording.etag)
  })

  yield* (settings.objects ?? recordings).pipe(
    Stream.filter((object) => {
      if (!isStored(settings.stored, object)) return true
      live.set(object.key, object.etag)
      reused++
      return false
    }),
    Stream.mapEffect(prepare, { concurrency: settings.fetchConcurrency }),
    Stream.flattenIterable,
    embedInBatches(engine),
    Stream.tap((recording) => {
      embedded++
      patches += recording.variants.reduce((sum, variant) => sum + variant.patches, 0)
      return emit({ stage: "stream", done: embedded + skipped.length, total })
    }),
    Stream.groupedWithin(PART_RECORDINGS, settings.repeatable ? "1 day" : "30 seconds"),
    Stream.runForEach(persist)
  )
  return { live, embedded, reused, patches, skipped, unread } satisfies StreamResult
})

class Unread extends Schema.TaggedError<Unread>()("Unread", { reason: Schema.String }) {}
class Unusable extends Schema.TaggedError<Unusable>()("Unusable", { reason: Schema.String }) {}

/** Fetches one recording, prepares it in a worker and writes its audit copies. */
const prepareObject = Effect.fn("prepareObject")(function* (
  object: ObjectInfo,
  frontEnd: FrontEnd,
  settings: StreamSettings,
  holding: Holding
) {
  const store = yield* Store
  const preparers = yield* Preparers
  if (classOf(object.key) === undefined && !isUnlabelled(object)) {
    return yield* new Unusable({ reason: "It lies in no class folder: move it to extracted_audio/<class>/." })
  }
  const megabytes = Math.ceil(object.size / 1e6)
  if (megabytes > settings.maxRecordingMegabytes) {
    return yield* new Unusable({
      reason: `Its ${megabytes.toLocaleString("en")} MB are more than MAX_RECORDING_MB (${settings.maxRecordingMegabytes}) allows.`
    })
  }
  const prepared = yield* Effect.gen(function* () {
    const { bytes, etag } = yield* store.get(object.key).pipe(
      Effect.mapError(({ reason, message }) => {
        return reason === "missing"
          ? new Unusable({ reason: "It vanished after it was listed." })
          : new Unread({ reason: message })
      })
    )
    // The version fetched, which is newer than the listed one if the object changed in between.
    const version = { key: object.key, etag, size: bytes.length }
    // Nothing else can, or should, cross to a worker.
    const { clipMaxSeconds, augmentations, audit } = settings
    return {
      ...version,
      ...(yield* preparers.prepare(bytes, frontEnd, { clipMaxSeconds, augmentations, audit }))
    } satisfies Prepared
  }).pipe(holding(object.size))
  yield* Effect.forEach(
    prepared.variants,
    ({ draw, wav }) => (wav ? store.put(variantKey(object.key, draw.variant), wav) : Effect.void),
    { concurrency: 3, discard: true }
  )
  return prepared
})
