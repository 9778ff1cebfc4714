import { Clock, Effect, Option, Schema, Stream } from "effect"
import type { Event } from "../../classifier/events/event.ts"
import type { EventSettings } from "../../classifier/events/findEvents.ts"
import type { AlarmRate } from "../../config/alarmRates.ts"
import { Settings } from "../../config/settings.ts"
import type { Embedder } from "../../embedder/embedder.ts"
import type { KnownScans } from "../../embeddings/scans/knownScans.ts"
import type { ScannedRecording } from "../../embeddings/scans/scannedRecording.ts"
import { makeScanRecipe, type ScanRecipe } from "../../embeddings/scans/scanRecipe.ts"
import { Scans } from "../../embeddings/scans/scans.ts"
import { readPointer } from "../../registry/pointer.ts"
import { backgroundOf } from "../../store/className.ts"
import { siteOf } from "../../store/keys.ts"
import { type ObjectInfo, removeUnneeded, Store } from "../../store/store.ts"
import { Listeners } from "../../stream/field/listeners.ts"
import { type EventRequest, settleEvents } from "./eventOptions.ts"
import { judgedBy, readPart, tellBy, writeEvents } from "./eventParts.ts"
import { listField, type PlacedRecording, type Placing, placeRecordings, type Selection } from "./fieldRecordings.ts"
import { hear } from "./hear.ts"
import { judgeRecordings } from "./judgeRecordings.ts"
import { odditiesIn } from "./oddities.ts"
import { openWindowModel, type WindowModel } from "./windowModel.ts"

/** What there is nothing to do with; `message` is one sentence. */
export class ScanError extends Schema.TaggedError<ScanError>()("ScanError", { message: Schema.String }) {}

/** How far a scan is. */
export interface ScanProgress {
  /** Hours of sound heard so far in this scan, and about how many there are to hear. */
  readonly hours: number
  readonly totalHours: number
  /** Hours heard in an hour. */
  readonly speed: number
  readonly secondsLeft: number
}

export interface ScanOptions extends Selection {
  /** The version that says what is heard; the promoted one unless said. */
  readonly model?: string | undefined
  readonly events: EventRequest
  readonly onProgress: (progress: ScanProgress) => Effect.Effect<void>
  readonly onSkip: (key: string, reason: string) => Effect.Effect<void>
}

/** What a scan came to. */
export interface ScanSummary {
  readonly store: string
  readonly recipe: string
  /** Null where no version is promoted yet: then there are vectors, and no events. */
  readonly model: string | null
  /** Field recordings that were meant, and of these those that this scan heard. */
  readonly recordings: number
  readonly heard: number
  /** Hours of sound heard in this scan, and in all. */
  readonly hours: number
  readonly storedHours: number
  readonly seconds: number
  /** Hours heard in an hour. */
  readonly speed: number
  readonly skipped: ReadonlyArray<{ readonly key: string; readonly reason: string }>
  /** What it took to read recordings of this scan that is not usual. */
  readonly repaired: ReadonlyArray<{ readonly key: string; readonly note: string }>
  /** What is odd about the recordings of a site in time: gaps, overlaps, clocks that jump. */
  readonly odd: ReadonlyArray<{ readonly key: string; readonly note: string }>
  /** Events of each class in all recordings that were meant. */
  readonly events: Readonly<Record<string, number>>
  /** The probability from which each class's events are told. */
  readonly thresholds: Readonly<Record<string, number>>
  /**
   * Those whose probability is known from the model's test in the field, those of which nothing was there to be found, and
   * those that nothing is known of nor asked for.
   */
  readonly tested: ReadonlyArray<string>
  readonly silent: ReadonlyArray<string>
  readonly untested: ReadonlyArray<string>
  /** The false alarms of each class tested an hour that these allow; null where none is. */
  readonly alarmsPerHour: AlarmRate | null
}

/** Recordings that are judged together: each part of the store is read once for them. */
const JUDGED_TOGETHER = 64
/** Recordings whose events are written while the next ones are judged: a disk that makes sure of them takes as long as judging. */
const WRITTEN_AT_ONCE = 8

/** Hears recordings, in this process or on a cluster's workers, and stores what it hears. */
export type HearAll<E, R> = (
  archive: Archive,
  fresh: ReadonlyArray<ObjectInfo>,
  told: Pick<ScanOptions, "onProgress" | "onSkip">
) => Effect.Effect<FreshlyHeard, E, R>

/** What came of it. */
export interface FreshlyHeard {
  /** All that is heard by now. */
  readonly known: KnownScans
  readonly heard: ReadonlyArray<ScannedRecording>
  readonly skipped: ReadonlyArray<{ readonly key: string; readonly reason: string }>
  readonly seconds: number
}

/**
 * Has the field recordings heard that were not heard yet, and says what the model hears in all of them that it has not
 * judged by these settings yet.
 *
 * Vectors are stored first, and events come from them as they are stored, so that those of `rescan` are the same. Stopped
 * at any time it goes on where it was: parts and events that are written stay.
 */
export const scanBy = Effect.fn("scan")(function* <E, R>(
  hearAll: HearAll<E, R>,
  embedder: Pick<Embedder, "frontEnd" | "hash">,
  options: ScanOptions
) {
  const began = yield* Clock.currentTimeMillis
  const { precision } = yield* Settings
  const { location } = yield* Store
  const recipe = makeScanRecipe(embedder, precision)
  const runId = options.model ?? Option.getOrUndefined(yield* readPointer())?.runId
  const model = runId === undefined ? undefined : yield* openWindowModel(runId, recipe)
  if (model !== undefined) yield* checkThresholds(model, options.events)
  const before = yield* Effect.flatMap(Scans, (scans) => scans.index(recipe))
  const objects = yield* listField(options)
  if (objects.length === 0) yield* checkMeant(location, options, before)
  const events = settleEvents(options.events, model)
  if (model !== undefined) yield* tellBy(model.runId, events)
  const archive: Archive = { recipe, known: before, model, events }
  const fresh = objects.filter((object) => before.contentOf(object) === undefined)
  const { known, heard, skipped, seconds: hearing } = yield* hearAll(archive, fresh, options)
  const placing = placeRecordings(known, objects, options)
  yield* judgePlaced({ ...archive, known }, placing)
  const hours = heard.reduce((sum, { seconds }) => sum + seconds, 0) / 3600
  return {
    store: location,
    recipe: recipe.id,
    model: model?.runId ?? null,
    recordings: objects.length,
    heard: heard.length,
    hours,
    storedHours: placing.placed.reduce((sum, { recording }) => sum + recording.seconds, 0) / 3600,
    seconds: ((yield* Clock.currentTimeMillis) - began) / 1000,
    speed: hearing > 0 ? (hours * 3600) / hearing : 0,
    skipped,
    repaired: heard.flatMap(({ key, repairs }) => repairs.map((note) => ({ key, note }))),
    odd: odditiesIn(placing.placed).map(({ key, what }) => ({ key, note: what })),
    events: model === undefined ? {} : yield* countEvents(model, events, placing.placed),
    ...toldFrom(model, options.events, events),
    placed: placing.placed,
    settings: events
  } satisfies ScanSummary & { readonly placed: ReadonlyArray<PlacedRecording>; readonly settings: EventSettings }
})

const toldFrom = (
  model: WindowModel | undefined,
  asked: EventRequest,
  { threshold, perClass }: EventSettings
): Pick<ScanSummary, "thresholds" | "tested" | "silent" | "untested" | "alarmsPerHour"> => {
  if (model === undefined) return { thresholds: {}, tested: [], silent: [], untested: [], alarmsPerHour: null }
  const quiet = backgroundOf(model.classes)
  const told = model.classes.filter((name) => name !== quiet || name in perClass)
  const known = model.thresholds[asked.alarms] ?? {}
  const left = told.filter((name) => asked.threshold === undefined && !(name in asked.perClass))
  const heard = left.filter((name) => name in known)
  return {
    thresholds: Object.fromEntries(told.map((name) => [name, perClass[name] ?? threshold])),
    tested: heard.filter((name) => !model.silent.includes(name)),
    silent: heard.filter((name) => model.silent.includes(name)),
    untested: left.filter((name) => !(name in known)),
    alarmsPerHour: heard.length > 0 ? asked.alarms : null
  }
}

/** Thresholds of classes that a model does not tell would change nothing, so somebody has mistyped them. */
export const checkThresholds = Effect.fnUntraced(function* (
  { runId, classes }: WindowModel,
  events: Pick<EventRequest, "perClass">
) {
  const unknown = Object.keys(events.perClass).find((name) => !classes.includes(name))
  if (unknown === undefined) return
  return yield* new ScanError({
    message: `${runId} knows no class ${unknown}, which a threshold is given for; it knows ${classes.join(", ")}.`
  })
})

/** That nothing lies there is no failure where something was heard before, or may have been before `since`. */
const checkMeant = (location: string, { site, since }: Selection, { recordings }: KnownScans) => {
  const isKnown = [...recordings.values()].some(({ key }) => site === undefined || siteOf(key) === site)
  if (isKnown || (since !== undefined && recordings.size > 0)) return Effect.void
  const [which, where] = site === undefined ? ["", "<site>"] : [` of a site ${site}`, site]
  return Effect.fail(
    new ScanError({ message: `${location} holds no field recordings${which}: put them into field_audio/${where}/.` })
  )
}

/** The same, heard in this process. */
export const scan = (embedder: Embedder, options: ScanOptions) => scanBy(hearFresh, embedder, options)

/** What was heard, and by what it is judged. */
export interface Archive {
  readonly recipe: ScanRecipe
  readonly known: KnownScans
  /** None where no version is promoted yet: then nothing is judged. */
  readonly model: WindowModel | undefined
  readonly events: EventSettings
}

/** Hears recordings, and judges each once all of it is stored. */
export const hearFresh = Effect.fn("hearFresh")(function* (
  archive: Archive,
  fresh: ReadonlyArray<ObjectInfo>,
  { onProgress, onSkip }: Pick<ScanOptions, "onProgress" | "onSkip">
) {
  const began = yield* Clock.currentTimeMillis
  const { workers, maxRecordingMegabytes } = yield* Settings
  const skipped: Array<{ readonly key: string; readonly reason: string }> = []
  const heard: Array<ScannedRecording> = []
  const pace = yield* paceOf(fresh.reduce((sum, { size }) => sum + size, 0))
  yield* Stream.unwrap(
    hear(Stream.fromIterable(fresh), {
      ...archive,
      listeners: workers,
      emit: (event) => {
        if (event.stage === "heard") return Effect.flatMap(pace(event), onProgress)
        const { key, reason } = event
        skipped.push({ key, reason })
        return onSkip(key, reason)
      }
    })
  ).pipe(
    Stream.groupedWithin(JUDGED_TOGETHER, "5 seconds"),
    Stream.runForEach((recordings) => {
      heard.push(...recordings)
      return judgePlaced(archive, { placed: recordings.map((recording) => ({ recording, key: recording.key })) })
    }),
    Effect.provide(Listeners.layer({ count: workers, maxWholeBytes: maxRecordingMegabytes * 1e6 }))
  )
  return { known: archive.known, heard, skipped, seconds: ((yield* Clock.currentTimeMillis) - began) / 1000 }
})

/**
 * Judges recordings that these settings have not judged where they lie now, and stores their events; those of what is
 * replaced go. Returns how many it judged.
 */
export const judgePlaced = Effect.fn("judgePlaced")(function* (
  { recipe, known, model, events: settings }: Archive,
  { placed, replaced = [] }: Partial<Placing> & Pick<Placing, "placed">
) {
  if (model === undefined) return 0
  const judged = yield* judgedBy(model.runId)
  const isJudged = ({ recording, key }: PlacedRecording) =>
    judged.partOf(recording.contentHash, key, settings) !== undefined
  const sorted = Map.groupBy(placed, isJudged)
  const [settled, due] = [sorted.get(true) ?? [], sorted.get(false) ?? []]
  // Those of a scan that began later stay.
  const othersOf = (yield* judged.isTold(settings))
    ? ({ recording, key }: PlacedRecording) => judged.othersOf(recording.contentHash, key, settings)
    : () => []
  yield* removeUnneeded([
    ...replaced.flatMap(({ contentHash }) => judged.partsOf(contentHash)),
    // Of a scan that was killed, or went on beside another by other settings.
    ...settled.flatMap(othersOf)
  ])
  const keys = new Map(due.map(({ recording, key }) => [recording.contentHash, key]))
  const recordings = due.map(({ recording }) => recording)
  yield* judgeRecordings(recipe, known, model, settings, recordings).pipe(
    Stream.mapEffect(
      ({ recording, events }) => {
        const placed = { recording, key: keys.get(recording.contentHash)! }
        return writeEvents(model.runId, settings, { ...placed, events }).pipe(
          Effect.andThen(removeUnneeded(othersOf(placed)))
        )
      },
      { concurrency: WRITTEN_AT_ONCE, unordered: true }
    ),
    Stream.runDrain
  )
  return due.length
})

/** Parts of events read at once. */
const READ_AT_ONCE = 16

/**
 * What a version heard in these recordings by these settings, recording by recording. A part that cannot be read is passed
 * over with a warning: the next scan writes it again where it is removed.
 */
export const eventsOf = (runId: string, settings: EventSettings, recordings: ReadonlyArray<PlacedRecording>) =>
  Stream.unwrap(
    Effect.map(judgedBy(runId), (judged) =>
      Stream.fromIterable(recordings).pipe(
        Stream.mapEffect(
          Effect.fnUntraced(function* ({ recording: { contentHash }, key }) {
            const part = judged.partOf(contentHash, key, settings)
            if (part !== undefined) return yield* readEvents(part)
            if (judged.partsOf(contentHash).length > 0) return yield* replaced(key)
            // Nothing is written of one whose windows were lost meanwhile.
            return []
          }),
          { concurrency: READ_AT_ONCE }
        ),
        Stream.flattenIterable
      )
    )
  )

const readEvents = (part: string) =>
  readPart(part).pipe(
    Effect.catchTag("PartError", ({ message }) =>
      Effect.as(Effect.logWarning(`${message} It is passed over.`), [] as ReadonlyArray<Event>)
    )
  )

const replaced = (key: string) =>
  new ScanError({
    message: `Another scan, which began after this one, has judged ${key} and more by other thresholds: repeat this one once that has ended.`
  })

const countEvents = Effect.fnUntraced(function* (
  { runId }: WindowModel,
  settings: EventSettings,
  recordings: ReadonlyArray<PlacedRecording>
) {
  const counts = new Map<string, number>()
  yield* eventsOf(runId, settings, recordings).pipe(
    Stream.runForEach((event: Event) => Effect.sync(() => counts.set(event.class, (counts.get(event.class) ?? 0) + 1)))
  )
  return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)))
})

/** Tells from what was heard of so many bytes how far a scan is. */
export const paceOf = Effect.fnUntraced(function* (totalBytes: number) {
  const began = yield* Clock.currentTimeMillis
  let [bytes, seconds] = [0, 0]
  return Effect.fnUntraced(function* (more: { readonly bytes: number; readonly seconds: number }) {
    bytes += more.bytes
    seconds += more.seconds
    const elapsed = ((yield* Clock.currentTimeMillis) - began) / 1000
    return {
      hours: seconds / 3600,
      // As many hours in the bytes to come as in those that came.
      totalHours: bytes === 0 ? 0 : (seconds / 3600) * (totalBytes / bytes),
      speed: elapsed > 0 ? seconds / elapsed : 0,
      secondsLeft: bytes === 0 ? 0 : (elapsed * (totalBytes - bytes)) / bytes
    } satisfies ScanProgress
  })
})
