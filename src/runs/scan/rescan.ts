import { Clock, Effect, Option, Stream } from "effect"
import { compareEvents } from "../../classifier/events/compareEvents.ts"
import { Settings } from "../../config/settings.ts"
import type { Embedder } from "../../embedder/embedder.ts"
import { makeScanRecipe } from "../../embeddings/scans/scanRecipe.ts"
import { Scans } from "../../embeddings/scans/scans.ts"
import { readPointer } from "../../registry/pointer.ts"
import { Store } from "../../store/store.ts"
import { type EventRequest, settleEvents } from "./eventOptions.ts"
import { tellBy } from "./eventParts.ts"
import { listField, placeRecordings, type Selection } from "./fieldRecordings.ts"
import { judgePlaced } from "./judgePlaced.ts"
import { checkThresholds, ScanError } from "./scanError.ts"
import { eventsOf } from "./storedEvents.ts"
import { openWindowModel } from "./windowModel.ts"

export interface RescanOptions extends Selection {
  /** The version that hears the archive again; the promoted one unless said. */
  readonly model?: string | undefined
  /** The version that it is compared with; the one promoted before unless said, and none where there was none. */
  readonly against?: string | undefined
  readonly events: EventRequest
}

/**
 * Scores every stored window by a version, without touching a recording, and says what changes against another one's
 * events (which it stores, too, where they are not yet).
 */
export const rescan = Effect.fn("rescan")(function* (
  embedder: Pick<Embedder, "frontEnd" | "hash">,
  options: RescanOptions
) {
  const { precision } = yield* Settings
  const { location } = yield* Store
  const scans = yield* Scans
  const recipe = makeScanRecipe(embedder, precision)
  const pointer = Option.getOrUndefined(yield* readPointer())
  const runId = options.model ?? pointer?.runId
  if (runId === undefined) {
    return yield* new ScanError({ message: `${location} has no promoted model: name one with --model.` })
  }
  const against = options.against ?? [pointer?.runId, pointer?.history[0]?.runId].find((id) => id !== runId)
  const known = yield* scans.index(recipe)
  const placing = placeRecordings(known, yield* listField(options), options)
  const recordings = placing.placed
  if (recordings.length === 0) {
    const message =
      known.recordings.size > 0 && (options.since !== undefined || options.site !== undefined)
        ? `No field recording in ${location} that was heard is of that site and time.`
        : `No field recording in ${location} was heard yet: bun run scan hears them.`
    return yield* new ScanError({ message })
  }
  const hours = recordings.reduce((sum, { recording }) => sum + recording.seconds, 0) / 3600

  const judgeBy = Effect.fnUntraced(function* (id: string) {
    const began = yield* Clock.currentTimeMillis
    const model = yield* openWindowModel(id, recipe)
    if (id === runId) yield* checkThresholds(model, options.events)
    const settings = settleEvents(options.events, model)
    yield* tellBy(id, settings)
    const { judged } = yield* judgePlaced({ recipe, known, model, events: settings }, placing)
    const seconds = ((yield* Clock.currentTimeMillis) - began) / 1000
    return { judged, seconds, settings, events: yield* Stream.runCollect(eventsOf(id, settings, recordings)) }
  }, Effect.scoped)

  const after = yield* judgeBy(runId)
  const before = against === undefined ? undefined : yield* judgeBy(against)
  return {
    store: location,
    model: runId,
    against: against ?? null,
    recordings: recordings.length,
    /** Those left out as nothing tells when they start, where a time is asked for. */
    undated: placing.undated.length,
    /** Those that this model had not judged by these settings yet. */
    judged: after.judged,
    hours,
    seconds: after.seconds,
    /** Hours of sound in an hour, where all of them were judged. */
    speed: after.judged === recordings.length && after.seconds > 0 ? (hours * 3600) / after.seconds : null,
    events: after.events.length,
    changes: before === undefined ? null : compareEvents(before.events, after.events),
    placed: recordings,
    settings: after.settings
  }
})
export type RescanSummary = Effect.Success<ReturnType<typeof rescan>>
