import { Effect, Stream } from "effect"
import type { EventSettings } from "../../classifier/events/findEvents.ts"
import { counted } from "../../config/inWords.ts"
import type { KnownScans } from "../../embeddings/scans/knownScans.ts"
import type { ScannedRecording } from "../../embeddings/scans/scannedRecording.ts"
import { type ScanRecipe, sizesOf } from "../../embeddings/scans/scanRecipe.ts"
import { FIELD_PREFIX, siteOf } from "../../store/keys.ts"
import { removeUnneeded } from "../../store/store.ts"
import { judgedBy, tellSites } from "./eventParts.ts"
import type { PlacedRecording, Placing } from "./fieldRecordings.ts"
import { judgeRecordings } from "./judgeRecordings.ts"
import { correctionsOf } from "./siteCorrections.ts"
import type { WindowModel } from "./windowModel.ts"

/** Recordings whose events are written while the next ones are judged: a disk that makes sure of them takes as long as judging. */
const WRITTEN_AT_ONCE = 8

/** What was heard, and by what it is judged. */
export interface Archive {
  readonly recipe: ScanRecipe
  readonly known: KnownScans
  /** None where no version is promoted yet: then nothing is judged. */
  readonly model: WindowModel | undefined
  readonly events: EventSettings
}

/**
 * Judges recordings that these settings have not judged where they lie now, and stores their events; those of what is
 * replaced go. Where `learns`, sites are learnt first. Returns how many recordings it judged, and which sites it has learnt.
 */
export const judgePlaced = Effect.fn("judgePlaced")(function* (
  archive: Archive,
  { placed, replaced = [] }: Partial<Placing> & Pick<Placing, "placed">,
  { learns }: { readonly learns: boolean } = { learns: true }
) {
  const { recipe, known, model, events: settings } = archive
  if (model === undefined) return { judged: 0, learnt: [] }
  const corrections = yield* correctionsOf({ recipe, known, model }, placed, learns)
  const sites = [...new Set(placed.map(({ key }) => siteOf(key)))]
  yield* tellSites(model.runId, settings, new Map(sites.map((site) => [site, corrections.get(site)?.id])))
  const judged = yield* judgedBy(model.runId)
  const isJudged = ({ recording, key }: PlacedRecording) =>
    judged.partOf(recording.contentHash, key, settings) !== undefined
  const {
    true: settled = [],
    due = [],
    poor = []
  } = Object.groupBy(placed, (one) => {
    if (isJudged(one)) return "true"
    return numbersOf(archive, one.recording) < model.inputs ? "poor" : "due"
  })
  if (poor.length > 0) {
    yield* Effect.logWarning(
      `${model.runId} does not judge ${counted(poor.length, "recording")} in ${FIELD_PREFIX}: it takes vectors that were not kept when they were heard, and they lie there no more.`
    )
  }
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
  const correctionFor = ({ contentHash }: ScannedRecording) => corrections.get(siteOf(keys.get(contentHash)!))
  yield* judgeRecordings(recipe, known, model, settings, recordings, correctionFor).pipe(
    Stream.mapEffect(
      ({ recording, events }) => {
        const placed = { recording, key: keys.get(recording.contentHash)! }
        return judged.write(settings, { ...placed, events }).pipe(Effect.andThen(removeUnneeded(othersOf(placed))))
      },
      { concurrency: WRITTEN_AT_ONCE, unordered: true }
    ),
    Stream.runDrain
  )
  return { judged: due.length, learnt: sites.filter((site) => corrections.get(site)?.isNew) }
})

/** The numbers of a window that are stored of a recording. */
const numbersOf = ({ recipe, known }: Pick<Archive, "recipe" | "known">, recording: ScannedRecording): number => {
  const sizes = sizesOf(recipe)
  return sizes.slice(0, sizes.length - known.lackingOf(recording)).reduce((sum, size) => sum + size, 0)
}
