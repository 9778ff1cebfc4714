import { Clock, Effect, Option, Stream } from "effect"
import { compareEvents } from "../../classifier/events/compareEvents.ts"
import type { Event } from "../../classifier/events/event.ts"
import { counted } from "../../config/inWords.ts"
import { Settings } from "../../config/settings.ts"
import type { Embedder } from "../../embedder/embedder.ts"
import type { KnownScans } from "../../embeddings/scans/knownScans.ts"
import { makeScanRecipe } from "../../embeddings/scans/scanRecipe.ts"
import { Scans } from "../../embeddings/scans/scans.ts"
import { readPointer } from "../../registry/pointer.ts"
import { type ObjectInfo, Store } from "../../store/store.ts"
import { type EventRequest, settleEvents } from "./eventOptions.ts"
import { tellBy } from "./eventParts.ts"
import { listField, type PlacedRecording, type Placing, placeRecordings, type Selection } from "./fieldRecordings.ts"
import { frequentIn } from "./frequent.ts"
import { judgePlaced, tellLeft } from "./judgePlaced.ts"
import { checkThresholds, ScanError } from "./scanError.ts"
import { countEvents, eventsOf } from "./storedEvents.ts"
import { toldFrom } from "./toldFrom.ts"
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
  const listed = yield* listField(options)
  const placing = placeRecordings(known, listed, options)
  if (placing.placed.length === 0) {
    return yield* new ScanError({ message: whyNone(location, options, { known, listed, placing }) })
  }
  const waiting = placing.waiting.length
  if (waiting > 0)
    yield* Effect.logWarning(`${heardBefore(placing)} Until then ${waiting === 1 ? "it is" : "they are"} left out.`)

  const judgeBy = Effect.fnUntraced(function* (id: string) {
    const began = yield* Clock.currentTimeMillis
    const model = yield* openWindowModel(id, recipe)
    if (id === runId) yield* checkThresholds(model, options.events)
    const settings = settleEvents(options.events, model)
    yield* tellBy(id, settings)
    const archive = { recipe, known, model, events: settings }
    const { placed: recordings, judged } = yield* judgePlaced(archive, placing)
    const seconds = ((yield* Clock.currentTimeMillis) - began) / 1000
    yield* tellLeft(id, placing.placed.length - recordings.length)
    return {
      judged,
      seconds,
      settings,
      told: toldFrom(model, options.events, settings),
      recordings,
      events: yield* Stream.runCollect(eventsOf(id, settings, recordings, archive))
    }
  }, Effect.scoped)

  const after = yield* judgeBy(runId)
  const { recordings, told } = after
  if (recordings.length === 0) {
    return yield* new ScanError({ message: `${runId} can judge none of the field recordings in ${location}.` })
  }
  const hours = recordings.reduce((sum, { recording }) => sum + recording.seconds, 0) / 3600
  const counts = yield* countEvents(Stream.fromIterable(after.events))
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
    /** What is told far oftener at a site than false alarms were allowed. */
    frequent: frequentIn(counts, recordings, told),
    ...told,
    /** In what both can judge. */
    changes:
      before === undefined
        ? null
        : compareEvents(within(before.events, recordings), within(after.events, before.recordings)),
    placed: recordings,
    settings: after.settings
  }
})

interface Found {
  readonly known: KnownScans
  readonly listed: ReadonlyArray<ObjectInfo>
  readonly placing: Placing
}

const whyNone = (location: string, { since, site }: Selection, { known, listed, placing }: Found): string => {
  if (placing.waiting.length > 0) return heardBefore(placing)
  if (known.recordings.size === 0 && known.recordingsBefore.length === 0) {
    return `No field recording in ${location} was heard yet: bun run scan hears them.`
  }
  const isPart = since !== undefined || site !== undefined
  if (isPart && listed.every((object) => known.contentOf(object) !== undefined)) {
    return `No field recording in ${location} that was heard is of that site and time.`
  }
  const which = isPart ? " of that site and time" : ""
  return `None of the field recordings in ${location}${which} was heard as it is now: bun run scan looks into them, and hears only what is new.`
}

const heardBefore = ({ waiting }: Placing): string =>
  `Of ${counted(waiting.length, "field recording")} fewer vectors are stored than are kept now: bun run scan hears ${waiting.length === 1 ? "it" : "them"} again.`

/** The events in some recordings. */
const within = (events: ReadonlyArray<Event>, recordings: ReadonlyArray<PlacedRecording>): ReadonlyArray<Event> => {
  const keys = new Set(recordings.map(({ key }) => key))
  return events.filter(({ recording }) => keys.has(recording))
}

export type RescanSummary = Effect.Success<ReturnType<typeof rescan>>
