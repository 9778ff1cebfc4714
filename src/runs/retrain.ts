import { Cause, Clock, DateTime, Duration, Effect, Exit, Option, Schema } from "effect"
import packageJson from "../../package.json"
import type { Dataset } from "../classifier/dataset.ts"
import { type ClassScore, evaluate } from "../classifier/evaluate.ts"
import { trainCalibrated } from "../classifier/evaluation/calibrated.ts"
import { SEARCH, type SearchLimits } from "../classifier/evaluation/search.ts"
import { worthOf } from "../classifier/evaluation/worth.ts"
import { exportArtifacts } from "../classifier/export/artifacts.ts"
import { mapRecordings } from "../classifier/mapRecordings.ts"
import { checkLabels } from "../classifier/neighbours/consistency.ts"
import { defaultHead, type Head } from "../classifier/network.ts"
import { splitDataset } from "../classifier/split.ts"
import { nativeBackend } from "../classifier/train/nativeBackend.ts"
import { webgpuBackend } from "../classifier/train/webgpuBackend.ts"
import { Settings } from "../config.ts"
import type { Embedder } from "../embedder/embedder.ts"
import { Engine } from "../embedder/engine.ts"
import { openTensorflow } from "../embedder/webgpu/tensorflow.ts"
import { Embeddings } from "../embeddings/embeddings.ts"
import { makeRecipe, type Recipe } from "../embeddings/recipe.ts"
import { type Decision, decide, type Promotion } from "../registry/gate.ts"
import { resumedElsewhere, withLease } from "../registry/lease.ts"
import { type Promoted, readPointer } from "../registry/pointer.ts"
import { compareWithPromoted } from "../registry/promoted.ts"
import { promoteVersion, repairCopies, writeVersion } from "../registry/publish.ts"
import { writeRunRecord } from "../registry/runRecord.ts"
import { encodeTrainingSet, lastTrainingSet, readTrainingSet, TRAINING_SET_FILE } from "../registry/trainingSet.ts"
import { CURRENT_KEY, modelKey } from "../store/keys.ts"
import { orNone, Store } from "../store/store.ts"
import { embedCorpus, type StreamResult, type StreamSettings } from "../stream/embed.ts"
import { RunEvents } from "../stream/events.ts"
import { Preparers } from "../stream/preparers.ts"
import { type CorpusCount, countCorpus, liveVersions, type StoredVersions } from "../stream/recordings.ts"
import { DatasetIncomplete, loadDataset } from "./data.ts"
import type { RunSummary } from "./summary.ts"

export interface RetrainOptions {
  readonly augmentations: number
  readonly epochs: number
  readonly batchSize: number
  /** `default` is the best one that the weights allow; `auto` looks for a better one. */
  readonly head: Head | "default" | "auto"
  /** How long `auto` looks. */
  readonly search?: SearchLimits
  readonly seed: number
  /** Train only if at least so many recordings are new since the last training. */
  readonly minNewSamples: number
  readonly promotion: Promotion
  readonly audit: boolean
}

/** The corpus does not allow a training. */
export class CorpusError extends Schema.TaggedError<CorpusError>()("CorpusError", { message: Schema.String }) {}

/** What a run has to do, known before anything is fetched. */
export interface Plan {
  readonly recipe: Recipe
  readonly stored: StoredVersions
  readonly count: CorpusCount
  readonly seconds: number
}

/** Lists the corpus and compares it with what is stored; fails where it can hold no training. */
export const planRun = Effect.fn("planRun")(function* (
  embedder: Pick<Embedder, "frontEnd" | "hash">,
  augmentations: number
) {
  const { location } = yield* Store
  const { clipMaxSeconds, precision } = yield* Settings
  const embeddings = yield* Embeddings
  const recipe = makeRecipe(embedder, { clipMaxSeconds, augmentations, precision })
  const [elapsed, { stored, count }] = yield* Effect.gen(function* () {
    const stored = yield* embeddings.index(recipe)
    return { stored, count: yield* countCorpus(stored, yield* lastTrainingSet) }
  }).pipe(Effect.timed)
  if (count.classes.length < 2) {
    const found =
      count.classes.length === 0 ? "holds no recordings" : `holds recordings of one class only, ${count.classes[0]}`
    return yield* new CorpusError({
      message: `${location} ${found}: put those of at least two classes into extracted_audio/<class>/.`
    })
  }
  return { recipe, stored, count, seconds: Duration.toSeconds(elapsed) } satisfies Plan
})

/** What the first stage leaves to the second. */
export interface Embedded {
  readonly runId: string
  readonly recipe: Recipe
  readonly options: RetrainOptions
  readonly streamed: Pick<StreamResult, "live" | "skipped">
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
  const startedAt = DateTime.formatIso(yield* DateTime.now)
  const { maxSkipped, maxRecordingMegabytes, groupPattern, gateTolerance, gateClassTolerance } = yield* Settings
  // With the snapshot in the summary, what it takes to do the same again.
  const settings = {
    maxSkipped,
    maxRecordingMegabytes,
    groupPattern: Option.getOrNull(Option.map(groupPattern, ({ source }) => source)),
    gateTolerance,
    gateClassTolerance
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
      const outcome = Cause.hasInterruptsOnly(exit.cause)
        ? { status: "cancelled" }
        : { status: "failed", reason: Cause.squash(exit.cause) }
      return resumedElsewhere(runId).pipe(
        Effect.flatMap((elsewhere) => (elsewhere ? Effect.void : record(outcome))),
        Effect.ignore({ log: "Warn" })
      )
    }),
    withLease(runId)
  )
})

/** The same, all of it in this process. */
export const retrain = (runId: string, plan: Plan, embedder: Embedder, options: RetrainOptions) =>
  retrainOn({ embed: embedHere, finish: (embedded) => finish(embedder, embedded) }, runId, plan, options)

const run = Effect.fnUntraced(function* <E1, R1, E2, R2>(
  stages: Stages<E1, R1, E2, R2>,
  runId: string,
  { recipe, stored, count, seconds: list }: Plan,
  options: RetrainOptions
) {
  const settings = yield* Settings
  yield* repairCopies
  const embeddings = yield* Embeddings
  let known = stored
  let embedded = 0
  let stream = 0
  return yield* Effect.gen(function* () {
    const [elapsed, streamed] = yield* Effect.timed(
      stages.embed({
        ...settings,
        recipe,
        stored: known,
        count,
        augmentations: options.augmentations,
        audit: options.audit
      })
    )
    embedded += streamed.embedded
    stream += Duration.toSeconds(elapsed)
    return yield* stages.finish({ runId, recipe, options, streamed, embedded, seconds: { list, stream } })
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

const embedHere = Effect.fnUntraced(function* (settings: StreamSettings) {
  const { workers } = yield* Settings
  const streamed = yield* embedCorpus(settings).pipe(Effect.provide(Preparers.layer(workers)))
  // The workers have ended and the stream's batches are garbage: without this, training comes on top (740 MB
  // against 630 MB at most, for 1,160 recordings).
  yield* Effect.sync(() => Bun.gc(true))
  return streamed
})

/** The second stage: from the stored embeddings to a version that is written, and promoted if it is not worse. */
export const finish = Effect.fn("retrain.finish")(function* (embedder: Embedder, run: Embedded) {
  const { runId, recipe, options, streamed, embedded } = run
  const began = yield* Clock.currentTimeMillis
  const settings = yield* Settings
  const store = yield* Store
  const { name, adapter, why: chosen, faults } = yield* Engine
  const emit = yield* RunEvents
  const embeddings = yield* Embeddings
  const [loading, { dataset, totals }] = yield* embeddings
    .compact(recipe, liveVersions)
    .pipe(Effect.andThen(loadDataset(recipe, streamed.live, settings.groupPattern)), Effect.timed)
  const split = splitDataset(dataset)
  const why = [chosen, ...(yield* faults)].join(" ")

  const backend = name === "webgpu" ? webgpuBackend(yield* openTensorflow) : nativeBackend
  const limits = options.search ?? SEARCH
  const [training, classifier] = yield* trainCalibrated(
    dataset,
    split,
    {
      ...options,
      head: options.head === "default" ? defaultHead(embedder) : options.head,
      scores: embedder.scores,
      onEpoch: (epoch, { loss, val_loss }) =>
        emit({ stage: "train", done: epoch, total: options.epochs, loss, validationLoss: val_loss ?? null })
    },
    {
      ...limits,
      onTrial: ({ number, name, loss }, spent) =>
        emit({ stage: "search", done: Math.round(spent), total: limits.seconds, heads: number + 1, name, loss })
    },
    backend
  ).pipe(Effect.timed)
  const holdout = evaluate(classifier, dataset, split.holdout)

  const pointer = yield* readPointer()
  const incumbent = yield* compareWithPromoted(pointer, classifier, dataset, split.holdout)
  const comparison =
    incumbent.kind === "compared" ? { promotedRun: incumbent.runId, ...incumbent.comparison } : undefined
  const labels = yield* checkNewLabels(pointer, dataset, streamed.live)
  const tolerances = { macroF1: settings.gateTolerance, recall: settings.gateClassTolerance }
  const intended = decide(options.promotion, incumbent, tolerances, labels)

  const artifacts = yield* exportArtifacts(
    {
      runId,
      date: DateTime.toDateUtc(yield* DateTime.now),
      classifier,
      evaluation: holdout,
      comparison,
      dataset,
      split,
      map: yield* mapRecordings(dataset),
      recipe,
      embedder,
      engine: { name, adapter, why },
      modelPath: modelKey("yamnet_classifier.keras")
    },
    Option.getOrUndefined(Option.map(yield* orNone(store.get(modelKey("retraining_log.json"))), ({ bytes }) => bytes))
  )
  const trainingSet = encodeTrainingSet(streamed.live)
  artifacts.set(TRAINING_SET_FILE, trainingSet)
  const versionKeys = yield* writeVersion(runId, artifacts)
  const { decision, keys } = yield* carryOut(intended, runId, pointer)

  return {
    runId,
    store: store.location,
    engine: { name, adapter, why },
    embedder: embedder.name,
    snapshot: new Bun.CryptoHasher("sha256").update(trainingSet).digest("hex"),
    recordings: totals.recordings,
    skipped: streamed.skipped,
    silent: totals.silent,
    variants: totals.variants,
    patches: totals.patches,
    embedded,
    reused: totals.recordings - embedded,
    seconds: {
      total: run.seconds.list + run.seconds.stream + ((yield* Clock.currentTimeMillis) - began) / 1000,
      list: run.seconds.list,
      stream: run.seconds.stream + Duration.toSeconds(loading),
      train: Duration.toSeconds(training)
    },
    holdout: {
      recordings: holdout?.recordings ?? 0,
      accuracy: holdout?.accuracy ?? null,
      macroF1: holdout?.macroF1 ?? null,
      perClass: dataset.classes.map((className, label) => ({
        className,
        ...totals.classes.get(className)!,
        ...scoresOf(holdout?.perClass[label])
      })),
      confusion: holdout?.confusion ?? []
    },
    notes: [
      ...split.notes,
      ...classifier.notes,
      ...worthOf(dataset),
      ...totals.notes,
      ...(classifier.search ? [classifier.search.why] : [])
    ],
    comparison: comparison ?? null,
    labels: labels ?? null,
    promoted: decision.promote,
    decision: decision.why,
    artifacts: decision.promote ? keys : versionKeys
  } satisfies RunSummary
})

/** How well the labels of what is new since the promoted model go with the others; undefined where nothing is. */
const checkNewLabels = Effect.fnUntraced(function* (
  pointer: Option.Option<Promoted>,
  dataset: Dataset,
  live: ReadonlyMap<string, string>
) {
  if (Option.isNone(pointer)) return undefined
  const before = yield* readTrainingSet(pointer.value.runId)
  const isNew = (key: string) => before.get(key) !== live.get(key)
  return dataset.samples.some(({ key }) => isNew(key)) ? yield* checkLabels(dataset, isNew) : undefined
})

/** Promotes where that was decided, unless another version has been promoted since the comparison. */
const carryOut = Effect.fnUntraced(function* (decision: Decision, runId: string, pointer: Option.Option<Promoted>) {
  if (!decision.promote) return { decision, keys: [] }
  return yield* promoteVersion(runId, pointer).pipe(
    Effect.map((keys) => ({ decision, keys })),
    Effect.catchIf(
      (error) => error._tag === "StoreError" && error.reason === "conflict" && error.key === CURRENT_KEY,
      () => {
        const why = "Not promoted: another version was promoted during this run, so the comparison no longer holds."
        return Effect.succeed({ decision: { promote: false, why } satisfies Decision, keys: [] })
      }
    )
  )
})

const scoresOf = (score: ClassScore | undefined) => {
  const known = score !== undefined && score.support > 0
  return {
    support: score?.support ?? 0,
    precision: known ? score.precision : null,
    recall: known ? score.recall : null,
    f1: known ? score.f1 : null
  }
}
