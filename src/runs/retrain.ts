import { Cause, DateTime, Duration, Effect, Exit, Option } from "effect"
import packageJson from "../../package.json"
import { Settings } from "../config/settings.ts"
import type { Embedder } from "../embedder/embedder.ts"
import { Embeddings } from "../embeddings/embeddings.ts"
import { requireLease, resumedElsewhere, withLease } from "../registry/lease.ts"
import { repairCopies } from "../registry/publish.ts"
import { writeRunRecord } from "../registry/runRecord.ts"
import { requireAllRead, type StreamResult, type StreamSettings } from "../stream/corpusPass.ts"
import { embedCorpus } from "../stream/embed.ts"
import { Preparers } from "../stream/preparers.ts"
import { DatasetIncomplete } from "./data.ts"
import { type Embedded, finish } from "./finish.ts"
import type { Plan, RetrainOptions } from "./planRun.ts"
import type { RunSummary } from "./summary.ts"
import { logRun } from "./tracking/logRun.ts"

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
