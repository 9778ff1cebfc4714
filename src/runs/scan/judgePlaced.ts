import { Effect, Stream } from "effect"
import type { EventSettings } from "../../classifier/events/findEvents.ts"
import { counted, sitesInWords } from "../../config/inWords.ts"
import { rowSize } from "../../embedder/frontEnd.ts"
import type { KnownScans } from "../../embeddings/scans/knownScans.ts"
import type { ScannedRecording } from "../../embeddings/scans/scannedRecording.ts"
import { earlierRecipes, type ScanRecipe } from "../../embeddings/scans/scanRecipe.ts"
import { siteOf } from "../../store/keys.ts"
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
 * replaced go. Where `learns`, sites are learnt first. Returns the recordings of which as much is stored as the model takes,
 * how many of these it judged now, and which sites it has learnt.
 */
export const judgePlaced = Effect.fn("judgePlaced")(function* (
  archive: Archive,
  { placed: heard, replaced = [] }: Partial<Placing> & Pick<Placing, "placed">,
  { learns }: { readonly learns: boolean } = { learns: true }
) {
  const { recipe, known, model, events: settings } = archive
  if (model === undefined) return { placed: heard, judged: 0, learnt: [] }
  const numbers = [recipe, ...earlierRecipes(recipe)].map(({ parts }) => rowSize(parts.embedder))
  const placed: ReadonlyArray<PlacedRecording> = heard.filter(
    ({ recording }) => numbers[known.lackingOf(recording)]! >= model.inputs
  )
  const corrections = yield* correctionsOf({ recipe, known, model }, placed, learns)
  const sites = [...new Set(placed.map(({ key }) => siteOf(key)))]
  yield* tellSites(model.runId, settings, new Map(sites.map((site) => [site, corrections.get(site)?.id])))
  const judged = yield* judgedBy(model.runId)
  const isJudged = ({ recording, key }: PlacedRecording) =>
    judged.partOf(recording.contentHash, key, settings) !== undefined
  const { settled = [], due = [] } = Object.groupBy(placed, (one) => (isJudged(one) ? "settled" : "due"))
  // Sites are learnt by all vectors.
  const isLacking = (recording: ScannedRecording) => known.lackingOf(recording) > 0
  const unlearnt = due.filter(({ recording, key }) => corrections.has(siteOf(key)) && isLacking(recording))
  if (unlearnt.length > 0) {
    yield* Effect.logWarning(
      `${counted(unlearnt.length, "recording")} that ${unlearnt.length === 1 ? "lies" : "lie"} there no more, and of which fewer vectors are stored, ${unlearnt.length === 1 ? "is" : "are"} judged without what was learnt of ${sitesInWords([...new Set(unlearnt.map(({ key }) => siteOf(key)))])}.`
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
  const correctionFor = (recording: ScannedRecording) =>
    isLacking(recording) ? undefined : corrections.get(siteOf(keys.get(recording.contentHash)!))
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
  return { placed, judged: due.length, learnt: sites.filter((site) => corrections.get(site)?.isNew) }
})

/** Says how many recordings a version has left out. */
export const tellLeft = (runId: string, left: number) => {
  if (left === 0) return Effect.void
  const those = left === 1 ? "it was heard, and it lies" : "they were heard, and they lie"
  return Effect.logWarning(
    `${runId} cannot judge ${counted(left, "field recording")}: it takes vectors that were not kept when ${those} there no more.`
  )
}
