import { Cause, Clock, DateTime, Duration, Effect, Exit, Option, Schema } from "effect"
import packageJson from "../../package.json"
import { worthOf } from "../classifier/evaluation/worth.ts"
import { testClassifier } from "../classifier/holdoutResult.ts"
import { mapRecordings } from "../classifier/mapRecordings.ts"
import { splitDataset } from "../classifier/split.ts"
import { Settings } from "../config/settings.ts"
import { type Embedder, leftOut } from "../embedder/embedder.ts"
import { Embeddings } from "../embeddings/embeddings.ts"
import { makeRecipe, type Recipe } from "../embeddings/recipe.ts"
import type { KnownRecordings } from "../embeddings/sighting.ts"
import type { Promotion } from "../registry/gate.ts"
import { fairRows, readTrainedOn } from "../registry/heldOut.ts"
import { requireLease, resumedElsewhere, withLease } from "../registry/lease.ts"
import { readPointer } from "../registry/pointer.ts"
import { pruneVersions } from "../registry/prune.ts"
import { repairCopies } from "../registry/publish.ts"
import { writeRunRecord } from "../registry/runRecord.ts"
import {
  encodeTrainingSet,
  lastTrainingSet,
  newSince,
  readTrainingSet,
  renamedClasses
} from "../registry/trainingSet.ts"
import { sha256 } from "../store/sha256.ts"
import { Store } from "../store/store.ts"
import type { AnnotationReport } from "../stream/annotations/problems.ts"
import { embedCorpus, requireAllRead, type StreamResult, type StreamSettings } from "../stream/embed.ts"
import { Preparers } from "../stream/preparers.ts"
import { type CorpusCount, countCorpus, liveVersions } from "../stream/recordings.ts"
import {
  backendOf,
  type CandidateOptions,
  carryOut,
  engineAtWork,
  judgeCandidate,
  trainCandidate,
  writeCandidate
} from "./candidate.ts"
import { DatasetIncomplete, loadDataset } from "./data.ts"
import { embeddedAgain } from "./embeddedAgain.ts"
import { judgeField } from "./field/judgeField.ts"
import { trainField } from "./field/trainField.ts"
import {
  notesOnAnnotations,
  notesOnFiles,
  type RunSummary,
  summariseField,
  summariseHoldout,
  summariseKeras
} from "./summary.ts"
import { logRun } from "./tracking/logRun.ts"

export interface RetrainOptions extends CandidateOptions {
  readonly augmentations: number
  /** Train only if at least so many recordings are new since the last training. */
  readonly minNewSamples: number
  readonly promotion: Promotion
  readonly audit: boolean
  /** Whether the promoted model hears by another embedder, from which this run leads away: see `migrate`. */
  readonly migrates?: boolean
}

/** The corpus does not allow a training. */
export class CorpusError extends Schema.TaggedError<CorpusError>()("CorpusError", { message: Schema.String }) {}

/** What a run has to do, known before anything is fetched. */
export interface Plan {
  readonly recipe: Recipe
  readonly known: KnownRecordings
  readonly count: CorpusCount
  readonly seconds: number
}

/** Why no model can be trained of recordings of these classes alone, and what to do. */
export const tooFewClasses = (location: string, classes: ReadonlyArray<string>): string | undefined => {
  if (classes.length >= 2) return undefined
  const found = classes.length === 0 ? "holds no recordings" : `holds recordings of one class only, ${classes[0]}`
  return `${location} ${found}: put those of at least two classes into extracted_audio/<class>/, or annotate field recordings.`
}

/** Lists the corpus and compares it with what is stored; fails where it can hold no training. */
export const planRun = Effect.fn("planRun")(function* (
  embedder: Pick<Embedder, "frontEnd" | "hash">,
  augmentations: number
) {
  const { location } = yield* Store
  const settings = yield* Settings
  const { clipMaxSeconds, variants, precision } = settings
  const embeddings = yield* Embeddings
  const recipe = makeRecipe(embedder, { clipMaxSeconds, augmentations, variants, precision })
  const [elapsed, { known, count }] = yield* Effect.gen(function* () {
    const known = yield* embeddings.index(recipe)
    return { known, count: yield* countCorpus(known, newSince(yield* lastTrainingSet), settings) }
  }).pipe(Effect.timed)
  const tooFew = tooFewClasses(location, count.classes)
  if (tooFew !== undefined) return yield* new CorpusError({ message: tooFew })
  const again = known.isEmpty ? yield* embeddedAgain(recipe) : undefined
  if (again !== undefined) yield* Effect.logWarning(again)
  return { recipe, known, count, seconds: Duration.toSeconds(elapsed) } satisfies Plan
})

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

/** Where the stages of a run happen: in this process, or on a cluster's workers. */
export interface Stages<E1, R1, E2, R2> {
  readonly embed: (settings: StreamSettings) => Effect.Effect<StreamResult, E1, R1>
  readonly finish: (embedded: Embedded) => Effect.Effect<RunSummary, E2 | DatasetIncomplete, R2>
}

/**
 * One retraining: embeds what is new, trains, tests on the held-out recordings, writes the version, and promotes it if
 * it is not worse. Holds the store's lease meanwhile, and leaves a record under `runs/` however it ends.
 */
export const retrainOn = Effect.fn("retrain")(function* <E1, R1, E2, R2>(
  stages: Stages<E1, R1, E2, R2>,
  runId: string,
  plan: Plan,
  options: RetrainOptions
) {
  const begun = yield* DateTime.now
  const startedAt = DateTime.formatIso(begun)
  const settled = yield* Settings
  const { maxSkipped, maxRecordingMegabytes, groupPattern, gateTolerance, gateClassTolerance, fieldMinutes } = settled
  // With the snapshot in the summary, what it takes to do the same again.
  const settings = {
    maxSkipped,
    maxRecordingMegabytes,
    groupPattern: Option.getOrNull(Option.map(groupPattern, ({ source }) => source)),
    gateTolerance,
    gateClassTolerance,
    annotationColumn: Option.getOrNull(settled.annotationColumn),
    annotationsComplete: settled.annotationsComplete,
    fieldMinutes
  }
  const versions = { "ecosight-retrain": packageJson.version, bun: Bun.version }
  const record = (state: object) =>
    writeRunRecord(runId, { startedAt, options, settings, versions, recipe: plan.recipe, ...state })
  return yield* record({ status: "running" }).pipe(
    Effect.andThen(run(stages, runId, plan, options)),
    Effect.tap((summary) => record({ status: "finished", summary })),
    // Not tapCause, which an interruption passes by.
    Effect.onExit((exit) => {
      if (Exit.isSuccess(exit)) return Effect.void
      return resumedElsewhere(runId).pipe(
        Effect.flatMap((elsewhere) => (elsewhere ? Effect.void : Effect.flatMap(outcomeOf(runId, exit.cause), record))),
        Effect.ignore({ log: "Warn" })
      )
    }),
    withLease(runId),
    // After the lease: nobody waits for a tracker.
    Effect.tap((summary) => logRun(summary, options, DateTime.toEpochMillis(begun)))
  )
})

/** What the record of a run says that came to no result. */
const outcomeOf = Effect.fnUntraced(function* (runId: string, cause: Cause.Cause<unknown>) {
  if (!Cause.hasInterruptsOnly(cause)) return { status: "failed", reason: Cause.squash(cause) }
  // Losing the lease interrupts a run, too.
  return yield* requireLease(runId).pipe(
    Effect.as({ status: "cancelled" }),
    Effect.catchTag("LeaseLost", (reason) => Effect.succeed({ status: "failed", reason }))
  )
})

/** The same, all of it in this process. */
export const retrain = (runId: string, plan: Plan, embedder: Embedder, options: RetrainOptions) =>
  retrainOn({ embed: embedHere, finish: (embedded) => finish(embedder, embedded) }, runId, plan, options)

const run = Effect.fnUntraced(function* <E1, R1, E2, R2>(
  stages: Stages<E1, R1, E2, R2>,
  runId: string,
  { recipe, known: planned, count, seconds: list }: Plan,
  options: RetrainOptions
) {
  const settings = yield* Settings
  yield* repairCopies
  const embeddings = yield* Embeddings
  let known = planned
  let embedded = 0
  let stream = 0
  return yield* Effect.gen(function* () {
    const [elapsed, streamed] = yield* Effect.timed(
      stages.embed({
        ...settings,
        recipe,
        known,
        count,
        augmentations: options.augmentations,
        audit: options.audit
      })
    )
    yield* requireAllRead(streamed)
    embedded += streamed.embedded
    stream += Duration.toSeconds(elapsed)
    return yield* stages.finish({
      runId,
      recipe,
      options,
      streamed,
      others: count.others,
      ...(count.annotations === undefined ? {} : { annotations: count.annotations }),
      embedded,
      seconds: { list, stream }
    })
  }).pipe(
    // What a damaged part held is embedded again, in this same run.
    Effect.tapError((error) =>
      error instanceof DatasetIncomplete
        ? Effect.map(embeddings.index(recipe), (index) => {
            known = index
          })
        : Effect.void
    ),
    Effect.retry({ times: 2, while: (error) => error instanceof DatasetIncomplete })
  )
})

/** Embeds what has no vectors yet, in this process. */
export const embedHere = Effect.fnUntraced(function* (settings: StreamSettings) {
  const streamed = yield* embedCorpus(settings)
  yield* (yield* Preparers).rest
  // The workers have ended and the stream's batches are garbage: without this, training comes on top of them.
  yield* Effect.sync(() => Bun.gc(true))
  return streamed
})

/** The second stage: from the stored embeddings to a version that is written, and promoted if it is not worse. */
export const finish = Effect.fn("retrain.finish")(function* (embedder: Embedder, run: Embedded) {
  const { runId, recipe, options, streamed, embedded } = run
  const began = yield* Clock.currentTimeMillis
  const settings = yield* Settings
  const { location } = yield* Store
  const embeddings = yield* Embeddings
  const [loading, { dataset, totals }] = yield* embeddings
    .compact(recipe, liveVersions)
    .pipe(Effect.andThen(loadDataset(recipe, streamed.live, settings.groupPattern)), Effect.timed)
  const split = splitDataset(dataset)
  const engine = yield* engineAtWork
  const backend = yield* backendOf(engine)
  const [[training, classifier], map] = yield* Effect.all(
    [trainCandidate(embedder, dataset, split, options, backend).pipe(Effect.timed), mapRecordings(dataset)],
    { concurrency: "unbounded" }
  )
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
    { classifier: windows.classifier ?? classifier, dataset, rows, embedder },
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
    comparison,
    dataset,
    map,
    split,
    recipe,
    embedder,
    engine
  }
  const trainingSet = encodeTrainingSet(live)
  const [writing, versionKeys] = yield* writeCandidate(candidate, live, trainingSet).pipe(Effect.timed)
  const { decision, keys } = yield* carryOut(intended, runId, pointer)
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
    artifacts: decision.promote ? keys : versionKeys
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
            `Removed ${gone.length} old version${gone.length === 1 ? "" : "s"}, all but the newest ${keep} and what was promoted: ${gone.join(", ")}.`
          ]
    ),
    Effect.catch(({ message }) => Effect.succeed([`Old versions could not be removed: ${message}`]))
  )
