import { Clock, Effect, Option } from "effect"
import { counted, lengthInWords, sitesInWords } from "../../config/inWords.ts"
import { Settings } from "../../config/settings.ts"
import type { Embedder } from "../../embedder/embedder.ts"
import { makeScanRecipe } from "../../embeddings/scans/scanRecipe.ts"
import { Scans } from "../../embeddings/scans/scans.ts"
import { readPointer } from "../../registry/pointer.ts"
import type { ObjectInfo } from "../../store/store.ts"
import { settleEvents } from "../scan/eventOptions.ts"
import { tellBy } from "../scan/eventParts.ts"
import { listField, placeRecordings } from "../scan/fieldRecordings.ts"
import { hearFresh } from "../scan/hearFresh.ts"
import { type Archive, judgePlaced } from "../scan/judgePlaced.ts"
import { openWindowModel } from "../scan/windowModel.ts"
import { untilItAnswers } from "./landing.ts"

/** Milliseconds after which clips and trainings have their turn, though there is more to hear. */
const LONGEST_TURN = 300_000
/** Bytes of what is heard before the turn may end: some five hours of WAV. */
const SLICE_BYTES = 1e9

/**
 * Hears field recordings that have landed since the last look, and has a newly promoted model judge all that was ever
 * heard. A file counts once two looks have found it the same, so that one being copied in is left until it is whole.
 */
export const makeFieldWatch = Effect.fn("makeFieldWatch")(function* (embedder: Embedder) {
  const { precision, scanLanded, alarmsPerHour } = yield* Settings
  if (!scanLanded) return { look: Effect.void }
  const scans = yield* Scans
  const recipe = makeScanRecipe(embedder, precision)
  const onSkip = (key: string, reason: string) => Effect.logWarning(`${key} could not be heard: ${reason}`)
  let seen = new Map<string, string>()
  /** The version that could not be heard, by key. */
  const unusable = new Map<string, string>()
  /** Which model has judged everything. */
  let judgedBy: string | undefined
  let archive: Pick<Archive, "recipe" | "known"> | undefined

  const judgeAll = Effect.fnUntraced(function* (own: Archive, objects: ReadonlyArray<ObjectInfo>) {
    const { judged, learnt } = yield* judgePlaced(own, placeRecordings(own.known, objects, {}))
    judgedBy = own.model?.runId
    if (learnt.length > 0) yield* Effect.logInfo(`${own.model?.runId} has learnt the sound of ${sitesInWords(learnt)}.`)
    if (judged > 0) yield* Effect.logInfo(`${own.model?.runId} heard ${judged} field recordings.`)
  })

  const hearAll = Effect.fnUntraced(function* (own: Archive, ready: ReadonlyArray<ObjectInfo>) {
    const began = yield* Clock.currentTimeMillis
    for (const slice of slicesOf(ready)) {
      const { heard, skipped } = yield* hearFresh(own, slice, { onProgress: () => Effect.void, onSkip })
      for (const { key } of skipped) unusable.set(key, slice.find((object) => object.key === key)?.etag ?? "")
      const hours = heard.reduce((sum, { seconds }) => sum + seconds, 0) / 3600
      if (heard.length > 0)
        yield* Effect.logInfo(`Heard ${counted(heard.length, "field recording")}, ${lengthInWords(hours)}.`)
      if ((yield* Clock.currentTimeMillis) - began > LONGEST_TURN) return
    }
  })

  const look = Effect.gen(function* () {
    const objects = yield* listField({})
    const before = seen
    seen = new Map(objects.map(({ key, etag }) => [key, etag]))
    const runId = Option.getOrUndefined(yield* readPointer())?.runId
    const settled = objects.filter(({ key, etag }) => before.get(key) === etag && unusable.get(key) !== etag)
    if (settled.length === 0) return
    archive ??= { recipe, known: yield* scans.index(recipe) }
    const { known } = archive
    const ready = settled.filter((object) => known.contentOf(object) === undefined)
    if (ready.length === 0 && runId === judgedBy) return
    const model = runId === undefined ? undefined : yield* openWindowModel(runId, recipe)
    const events = settleEvents({ alarms: alarmsPerHour, perClass: {} }, model)
    if (model !== undefined) yield* tellBy(model.runId, events)
    const own = { ...archive, model, events }
    yield* hearAll(own, ready)
    yield* judgeAll(own, objects)
  }).pipe(
    Effect.scoped,
    // A model that cannot hear, for one: nothing that another look mends by itself, nor that should stop the rest.
    Effect.catchTags({
      VersionError: ({ message }) => Effect.logWarning(`Field recordings are not heard: ${message}`),
      EngineError: ({ message }) => Effect.logWarning(`Field recordings are not heard: ${message}`)
    }),
    untilItAnswers
  )
  return { look }
})

/** Recordings in groups of about as many bytes. */
const slicesOf = (objects: ReadonlyArray<ObjectInfo>): ReadonlyArray<ReadonlyArray<ObjectInfo>> => {
  const slices: Array<Array<ObjectInfo>> = []
  let filled = Number.POSITIVE_INFINITY
  for (const object of objects) {
    if (filled >= SLICE_BYTES) {
      slices.push([])
      filled = 0
    }
    slices.at(-1)!.push(object)
    filled += object.size
  }
  return slices
}
