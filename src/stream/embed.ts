import { Effect, Stream } from "effect"
import { Engine } from "../embedder/engine.ts"
import { Embeddings } from "../embeddings/embeddings.ts"
import type { EmbeddedRecording } from "../embeddings/recording.ts"
import { makeSpanReader } from "../sound/field/spanReader.ts"
import { spanOf } from "../store/keys.ts"
import { type ObjectInfo, Store } from "../store/store.ts"
import { auditCopies } from "./auditCopies.ts"
import { embedInBatches, type Prepared } from "./batches.ts"
import type { Noted, StreamResult, StreamSettings } from "./corpusPass.ts"
import { openLedger } from "./ledger.ts"
import { shareMemory } from "./memory.ts"
import type { PrepareSettings } from "./prepare.ts"
import { Preparers } from "./preparers.ts"
import { readInParts } from "./readInParts.ts"
import { isReadInParts, readRecording, ruledOut } from "./readRecording.ts"
import { corpus } from "./recordings.ts"

/** Recordings in one part and one manifest file: 3 MB at 6 variants, and what a crash can lose at most. */
export const PART_RECORDINGS = 128

/** What reading a recording in parts, or a clip out of it, holds in memory: blocks of the file, and the clip as floats. */
const PART_BYTES = 16_000_000

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
  const holding = yield* shareMemory(settings.maxRecordingMegabytes)
  const { known } = settings
  const preparers = yield* Preparers
  const store = yield* Store
  const audit = yield* auditCopies
  const spans = yield* makeSpanReader
  const ledger = yield* openLedger(settings)
  const { live, moved, skipped, unread, skip } = ledger
  const noted: Array<Noted> = []
  /** Recordings that were not there any more when they were read, or never were under the name that was listed. */
  let vanished = 0
  let [listed, embedded, patches] = [0, 0, 0]

  const memoryFor = (object: ObjectInfo): number => {
    if (spanOf(object.key) !== undefined) return PART_BYTES
    return isReadInParts(object) && store.givesWhole?.() !== true ? PART_BYTES : object.size
  }

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
        if (!(yield* ledger.claim(object, sighting))) return []
        return [
          yield* prepared.pipe(
            Effect.map((prepared): Prepared => ({ ...sighting, ...prepared })),
            Effect.tapError((error) => Effect.sync(() => ledger.disclaim(sighting, error)))
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
            if (mayPass) return ledger.postpone(object, reason)
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
        return ledger.advance
      }),
      Stream.groupedWithin(PART_RECORDINGS, settings.repeatable ? "1 day" : "30 seconds"),
      Stream.runForEach(persist)
    )

  /** What the listing did not have, whichever way it was damaged or the corpus changed meanwhile. */
  const overlooked = Stream.suspend(() => {
    const others = ledger.setAside()
    return corpus.pipe(Stream.filter(({ key }) => !live.has(key) && !others.has(key)))
  })

  yield* Effect.gen(function* () {
    yield* embedAll(settings.objects ?? corpus)
    if (settings.objects === undefined && (vanished > 0 || listed < settings.count.recordings))
      yield* embedAll(overlooked)
    yield* embedAll(Stream.fromIterable(ledger.takePostponed()))
  }).pipe(Effect.tapError(() => Effect.ignore(ledger.remember)))
  yield* ledger.close
  yield* audit.end
  return { live, moved, embedded, patches, skipped, noted, unread } satisfies StreamResult
}, Effect.scoped)
