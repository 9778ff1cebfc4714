import { Clock, Effect, Option } from "effect"
import type { EventSettings } from "../../classifier/events/findEvents.ts"
import { counted } from "../../config/inWords.ts"
import { Settings } from "../../config/settings.ts"
import type { Embedder } from "../../embedder/embedder.ts"
import { makeScanRecipe } from "../../embeddings/scans/scanRecipe.ts"
import { Scans } from "../../embeddings/scans/scans.ts"
import { readPointer } from "../../registry/pointer.ts"
import { Store } from "../../store/store.ts"
import { type EventRequest, settleEvents } from "./eventOptions.ts"
import { tellBy } from "./eventParts.ts"
import { listField, type PlacedRecording, placeRecordings, type Selection, whereDated } from "./fieldRecordings.ts"
import { type Frequent, frequentIn } from "./frequent.ts"
import { type HearAll, hearFresh } from "./hearFresh.ts"
import { type Archive, judgePlaced, tellLeft } from "./judgePlaced.ts"
import { odditiesIn } from "./oddities.ts"
import { checkMeant, checkThresholds } from "./scanError.ts"
import type { ScanCallbacks } from "./scanProgress.ts"
import { countEvents, type EventCounts, eventsOf } from "./storedEvents.ts"
import { type ToldFrom, toldFrom } from "./toldFrom.ts"
import { openWindowModel } from "./windowModel.ts"

/** What to hear, and what to tell of it. */
export interface ScanOptions extends Selection, ScanCallbacks {
  /** The version that says what is heard; the promoted one unless said. */
  readonly model?: string | undefined
  readonly events: EventRequest
}

/** What a scan came to. */
export interface ScanSummary extends ToldFrom {
  readonly store: string
  readonly recipe: string
  /** Null where no version is promoted yet: then there are vectors, and no events. */
  readonly model: string | null
  /** Field recordings that were meant. */
  readonly recordings: number
  /** Those left out as neither their names nor their headers tell when they start, where a time is asked for. */
  readonly undated: number
  /** Of those that were meant the ones that this scan heard. */
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
  /** The sites whose sound this scan has learnt; the empty name is of recordings in no site's folder. */
  readonly learnt: ReadonlyArray<string>
  /** Events of each class in all recordings that were meant. */
  readonly events: Readonly<Record<string, number>>
  /** What is told far oftener at a site than false alarms were allowed. */
  readonly frequent: ReadonlyArray<Frequent>
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
  const listed = yield* listField(options)
  if (listed.length === 0) yield* checkMeant(location, options, before)
  const { objects, undated } = yield* whereDated(options, listed, before)
  const events = settleEvents(options.events, model)
  if (model !== undefined) yield* tellBy(model.runId, events)
  const archive: Archive = { recipe, known: before, model, events }
  const fresh = objects.filter((object) => before.contentOf(object) === undefined)
  const again = fresh.filter((object) => before.contentBefore(object) !== undefined).length
  if (again > 0) {
    yield* Effect.logWarning(
      `${counted(again, "field recording")} ${again === 1 ? "was" : "were"} heard when fewer vectors were kept of a window: ${again === 1 ? "it is" : "they are"} heard again.`
    )
  }
  const { known, heard, skipped, seconds: hearing } = yield* hearAll(archive, fresh, options)
  const placing = placeRecordings(known, objects, options)
  const now = { ...archive, known }
  const { placed: told, learnt } = yield* judgePlaced(now, placing)
  if (model !== undefined) yield* tellLeft(model.runId, placing.placed.length - told.length)
  const counts: EventCounts =
    model === undefined ? new Map() : yield* countEvents(eventsOf(model.runId, events, told, now))
  const from = toldFrom(model, options.events, events)
  const hours = heard.reduce((sum, { seconds }) => sum + seconds, 0) / 3600
  return {
    store: location,
    recipe: recipe.id,
    model: model?.runId ?? null,
    recordings: objects.length,
    undated: new Set([...undated, ...placing.undated]).size,
    heard: heard.length,
    hours,
    storedHours: told.reduce((sum, { recording }) => sum + recording.seconds, 0) / 3600,
    seconds: ((yield* Clock.currentTimeMillis) - began) / 1000,
    speed: hearing > 0 ? (hours * 3600) / hearing : 0,
    skipped,
    repaired: heard.flatMap(({ key, repairs }) => repairs.map((note) => ({ key, note }))),
    odd: odditiesIn(told, yield* Clock.currentTimeMillis).map(({ key, what }) => ({ key, note: what })),
    learnt,
    events: totalsOf(counts),
    frequent: frequentIn(counts, told, from),
    ...from,
    placed: told,
    settings: events
  } satisfies ScanSummary & { readonly placed: ReadonlyArray<PlacedRecording>; readonly settings: EventSettings }
})

/** The same, heard in this process. */
export const scan = (embedder: Embedder, options: ScanOptions) => scanBy(hearFresh, embedder, options)

/** Of all sites together, by class. */
const totalsOf = (counts: EventCounts): Readonly<Record<string, number>> => {
  const totals = new Map<string, number>()
  for (const own of counts.values()) {
    for (const [name, count] of own) totals.set(name, (totals.get(name) ?? 0) + count)
  }
  return Object.fromEntries([...totals].sort(([a], [b]) => (a < b ? -1 : 1)))
}
