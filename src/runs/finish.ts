import { Clock, Duration, Effect, Fiber, Option } from "effect"
import { worthOf } from "../classifier/evaluation/worth.ts"
import { testClassifier } from "../classifier/holdoutResult.ts"
import { mapRecordings } from "../classifier/mapRecordings.ts"
import { splitDataset } from "../classifier/split.ts"
import { counted } from "../config/inWords.ts"
import { Settings } from "../config/settings.ts"
import { type Embedder, leftOut } from "../embedder/embedder.ts"
import { Embeddings } from "../embeddings/embeddings.ts"
import type { Recipe } from "../embeddings/recipe.ts"
import { fairRows, readTrainedOn } from "../registry/heldOut.ts"
import { readPointer } from "../registry/pointer.ts"
import { pruneVersions } from "../registry/prune.ts"
import { encodeTrainingSet, readTrainingSet, renamedClasses } from "../registry/trainingSet.ts"
import { sha256 } from "../store/sha256.ts"
import { Store } from "../store/store.ts"
import type { AnnotationReport } from "../stream/annotations/problems.ts"
import type { StreamResult } from "../stream/corpusPass.ts"
import { liveVersions } from "../stream/recordings.ts"
import { backendOf, carryOut, engineAtWork, judgeCandidate, trainCandidate, writeCandidate } from "./candidate.ts"
import { loadDataset } from "./data.ts"
import { judgeField } from "./field/judgeField.ts"
import { trainField } from "./field/trainField.ts"
import type { RetrainOptions } from "./planRun.ts"
import {
  notesOnAnnotations,
  notesOnFiles,
  type RunSummary,
  summariseField,
  summariseHoldout,
  summariseKeras
} from "./summary.ts"

/** What the first stage leaves to the second. */
export interface Embedded {
  readonly runId: string
  readonly recipe: Recipe
  readonly options: RetrainOptions
  readonly streamed: Pick<StreamResult, "live" | "skipped" | "noted">
  /** Files beside the recordings that were left alone. */
  readonly others: number
  /** What annotations came to. */
  readonly annotations?: AnnotationReport
  /** Recordings embedded in this run. */
  readonly embedded: number
  readonly seconds: { readonly list: number; readonly stream: number }
}

/** The second stage: from the stored embeddings to a version that is written, and promoted if it is not worse. */
export const finish = Effect.fn("retrain.finish")(function* (embedder: Embedder, run: Embedded) {
  const { runId, recipe, options, streamed, embedded } = run
  const began = yield* Clock.currentTimeMillis
  const settings = yield* Settings
  const { location } = yield* Store
  const embeddings = yield* Embeddings
  const engine = yield* engineAtWork
  // It starts while the data set is read.
  const backend = yield* backendOf(engine, streamed.live.size)
  const [loading, { dataset, totals }] = yield* embeddings
    .compact(recipe, liveVersions)
    .pipe(Effect.andThen(loadDataset(recipe, streamed.live, settings.groupPattern)), Effect.timed)
  const split = splitDataset(dataset)
  const mapping = yield* Effect.forkScoped(mapRecordings(dataset))
  const [training, classifier] = yield* trainCandidate(embedder, dataset, split, options, backend).pipe(Effect.timed)
  const result = testClassifier(classifier, dataset, split.holdout)
  const kerasResult = classifier.alone && testClassifier(classifier.alone, dataset, split.holdout)

  const pointer = yield* readPointer()
  const { live } = streamed
  const { contradicted } = totals
  const before = Option.isNone(pointer) ? new Map<string, string>() : yield* readTrainingSet(pointer.value.runId)
  const renamed = renamedClasses(before, live)
  const trainedOn = Option.isNone(pointer) ? new Set<string>() : yield* readTrainedOn(pointer.value.runId, before)
  const rows = fairRows(dataset, split.holdout, trainedOn, live)
  const own = { classifier, dataset, split, embedder }
  const [mixing, windows] = yield* trainField(own, backend).pipe(Effect.timed)
  const field = yield* judgeField(
    {
      classifier: windows.classifier ?? classifier,
      kept: windows.kept,
      lasting: windows.lasting,
      dataset,
      rows,
      embedder
    },
    pointer,
    renamed,
    totalOf(totals.seconds.values())
  )
  const migrates = options.migrates ?? false
  const contender = {
    pointer,
    classifier,
    dataset,
    recipe,
    rows,
    live,
    before,
    renamed,
    contradicted,
    field,
    migrates
  }
  const { comparison, keras, labels, intended } = yield* judgeCandidate(contender, options.promotion)
  const candidate = {
    runId,
    classifier,
    result,
    kerasResult,
    field: field.figures,
    windows: windows.classifier,
    kept: windows.kept,
    lasting: windows.lasting,
    comparison,
    dataset,
    map: yield* Fiber.join(mapping),
    split,
    recipe,
    embedder,
    engine
  }
  const trainingSet = encodeTrainingSet(live)
  const [writing, written] = yield* writeCandidate(candidate, live, trainingSet).pipe(Effect.timed)
  const { decision, keys } = yield* carryOut(intended, runId, pointer, written.files)
  const pruned = yield* pruneNote(settings.keepVersions)

  return {
    runId,
    store: location,
    engine,
    embedder: embedder.name,
    snapshot: sha256(trainingSet),
    recordings: totals.recordings,
    skipped: streamed.skipped,
    noted: streamed.noted,
    others: run.others,
    ...(run.annotations === undefined || run.annotations.tables + run.annotations.problems.length === 0
      ? {}
      : { annotations: run.annotations }),
    silent: totals.silent,
    contradictions: totals.contradictions,
    variants: totals.variants,
    patches: totals.patches,
    embedded,
    reused: Math.max(0, totals.recordings - embedded),
    seconds: {
      total: run.seconds.list + run.seconds.stream + ((yield* Clock.currentTimeMillis) - began) / 1000,
      list: run.seconds.list,
      stream: run.seconds.stream + Duration.toSeconds(loading),
      train: Duration.toSeconds(training),
      windows: windows.classifier === undefined ? 0 : Duration.toSeconds(mixing),
      field: field.seconds,
      write: Duration.toSeconds(writing)
    },
    holdout: summariseHoldout(dataset.classes, totals, result),
    field: summariseField(field),
    notes: [
      ...split.notes,
      ...classifier.notes,
      ...leftOut(embedder),
      ...worthOf(dataset),
      ...totals.notes,
      ...[...renamed].map(
        ([was, is]) => `What the promoted model calls ${was} is called ${is} now, and compared as such.`
      ),
      ...windows.notes,
      ...field.notes,
      ...notesOnHeard(split.holdout.length - rows.length, split.holdout.length),
      ...(migrates ? [UNHEARD] : []),
      ...notesOnFiles(streamed.noted, run.others),
      ...notesOnAnnotations(run.annotations),
      ...pruned,
      ...(classifier.search ? [classifier.search.why] : [])
    ],
    comparison: comparison ?? null,
    keras: { ...summariseKeras(kerasResult ?? result), comparison: keras ?? null },
    labels: labels ?? null,
    promoted: decision.promote,
    decision: decision.why,
    artifacts: decision.promote ? keys : written.keys
  } satisfies RunSummary
}, Effect.scoped)

const UNHEARD =
  "The two models were compared on clips alone, not in soundscapes: an engine runs one embedder, and they have two."

/** Recordings move into the holdout as a small class grows, or where sources are told apart in another way. */
const notesOnHeard = (trained: number, heldOut: number): ReadonlyArray<string> =>
  trained === 0
    ? []
    : [
        `The promoted model was trained on ${trained} of the ${heldOut} recordings that are held out now: the two are compared on the others.`
      ]

const totalOf = (values: Iterable<number>): number => [...values].reduce((sum, value) => sum + value, 0)

/** Removes old versions, and says so; that it could not is no reason to lose the run. */
const pruneNote = (keep: number) =>
  pruneVersions(keep).pipe(
    Effect.map((gone) =>
      gone.length === 0
        ? []
        : [
            `Removed ${counted(gone.length, "old version")}, all but the newest ${keep} and what was promoted: ${gone.join(", ")}.`
          ]
    ),
    Effect.catch(({ message }) => Effect.succeed([`Old versions could not be removed: ${message}`]))
  )
