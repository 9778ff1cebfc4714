import { Cause, Clock, Effect, Option, Schema, Semaphore } from "effect"
import { ClusterSchema } from "effect/cluster"
import { Activity, Workflow } from "effect/workflow"
import { HEAD_NAMES } from "../../classifier/heads/heads.ts"
import { Settings } from "../../config/settings.ts"
import { PROMOTIONS } from "../../registry/gate.ts"
import { resumedElsewhere } from "../../registry/lease.ts"
import { readDocument } from "../../store/documents.ts"
import { runKey } from "../../store/keys.ts"
import { Store } from "../../store/store.ts"
import { type RunEvent, RunEvents } from "../../stream/events.ts"
import { DatasetIncomplete } from "../data.ts"
import type { Embedded } from "../finish.ts"
import { planRun } from "../planRun.ts"
import { retrainOn } from "../retrain.ts"
import { settledFrontEnd } from "../services.ts"
import { RunSummary } from "../summary.ts"
import { runGroup } from "./connections.ts"
import { embedOnCluster } from "./embedOnCluster.ts"
import { EngineProcess } from "./engineProcess.ts"
import { Journal } from "./journal.ts"
import { RunSettings, withRunSettings } from "./runSettings.ts"
import { removeShards } from "./shardFiles.ts"
import { Workplace } from "./workplace.ts"

/** A run on the cluster that came to nothing; `tag` is the error's own, `message` one sentence. */
export class RunFailed extends Schema.TaggedError<RunFailed>()("RunFailed", {
  tag: Schema.String,
  message: Schema.String
}) {}

/** What a run is started with. */
export const RunRequest = Schema.Struct({
  runId: Schema.String,
  store: Schema.String,
  settings: RunSettings,
  options: Schema.Struct({
    augmentations: Schema.Int,
    epochs: Schema.Int,
    batchSize: Schema.Int,
    head: Schema.Literals(["default", ...HEAD_NAMES, "auto"]),
    search: Schema.optionalKey(Schema.Struct({ seconds: Schema.Finite, most: Schema.UndefinedOr(Schema.Int) })),
    seed: Schema.Int,
    minNewSamples: Schema.Int,
    promotion: Schema.Literals(PROMOTIONS),
    audit: Schema.Boolean,
    /** Why it was started. */
    reason: Schema.optionalKey(Schema.String)
  })
})
export type RunRequest = typeof RunRequest.Type

const onEngine = <E extends "native" | "webgpu">(engine: E) =>
  Workflow.make(`Retrain/${engine}`, {
    payload: RunRequest.fields,
    success: RunSummary,
    error: RunFailed,
    idempotencyKey: ({ runId }) => runId
  }).annotate(ClusterSchema.ShardGroup, () => runGroup(engine))

/** A run, coordinated and finished by one of the workers with this engine; if it dies, by another. */
export const RETRAIN = { native: onEngine("native"), webgpu: onEngine("webgpu") } as const

/** Milliseconds between two words on the same stage; every epoch and every skip is kept, and each stage's last word. */
const PAUSE = 500

/**
 * Writes a run's events into the journal, as many as somebody can follow; that it fails harms no run. One that goes on
 * after its coordinator has died does not seem to begin anew: what was told to be done stays so.
 */
const journalOf = Effect.fnUntraced(function* (runId: string) {
  const journal = yield* Journal
  let furthest = Option.getOrUndefined(
    yield* journal.progress(runId).pipe(
      Effect.timeout("5 seconds"),
      Effect.orElseSucceed(() => Option.none())
    )
  )
  const goesOn = (event: RunEvent): RunEvent | undefined => {
    if (event.stage === "list") return furthest === undefined ? event : undefined
    if (event.stage !== "stream") return event
    const done = furthest?.total === event.total ? Math.max(event.done, furthest.done) : event.done
    furthest = { ...event, done }
    return furthest
  }
  // Training's events come faster than the database takes them: they wait for each other, in order.
  const turn = yield* Semaphore.make(1)
  let toldAt = 0
  let held: RunEvent | undefined
  const append = (event: RunEvent) =>
    journal.append(runId, event).pipe(Effect.timeout("5 seconds"), Effect.ignore({ log: "Debug" }))
  return Effect.fnUntraced(function* (told: RunEvent) {
    const event = goesOn(told)
    if (event === undefined) return
    const isCount = event.stage === "list" || event.stage === "stream"
    const now = yield* Clock.currentTimeMillis
    if (held !== undefined && held.stage !== event.stage) yield* append(held)
    held = isCount && now - toldAt < PAUSE ? event : undefined
    if (held !== undefined) return
    if (isCount) toldAt = now
    yield* append(event)
  }, turn.withPermit)
})

const Finished = Schema.Struct({ status: Schema.Literal("finished"), summary: RunSummary })

/** The summary of a run that has finished before its coordinator could say so. */
const finishedBefore = (runId: string) =>
  readDocument(runKey(runId), Finished).pipe(
    Effect.map(Option.map(({ value }) => value.summary)),
    // A record of another state.
    Effect.catchTag("DocumentError", () => Effect.succeedNone)
  )

/** How often a run is finished anew, where the engine process dies over it. */
const FINISHES = 3

/** `began`: when the run did, by the database's clock, so that its time holds all attempts and all waiting. */
const finishOnWorker = (round: number, request: RunRequest, began: number) =>
  Effect.fnUntraced(function* (embedded: Embedded) {
    const workplace = yield* Workplace
    const journal = yield* Journal
    const emit = yield* RunEvents
    const context = yield* Effect.context<never>()
    const heard = (event: RunEvent) => void Effect.runForkWith(context)(emit(event))
    return yield* Activity.make({
      name: `finish/${round}`,
      success: RunSummary,
      error: RunFailed,
      execute: workplace.finish({ embedded, settings: request.settings }, heard).pipe(
        Effect.retry({ times: FINISHES - 1, while: ({ _tag }) => _tag === "ProcessDied" }),
        Effect.flatMap((summary) =>
          // Where the database does not say, the last attempt's time is better than none.
          Effect.match(journal.now, {
            onSuccess: (now) => ({ ...summary, seconds: { ...summary.seconds, total: now - began } }),
            onFailure: () => summary
          })
        ),
        Effect.mapError((error) => {
          const tag = error._tag === "RequestFailed" ? error.tag : error._tag
          return new RunFailed({ tag, message: error.message })
        })
      )
    }).pipe(
      Effect.mapError(({ tag, message }) =>
        tag === "DatasetIncomplete" ? new DatasetIncomplete({ message }) : new RunFailed({ tag, message })
      )
    )
  })

/**
 * The run as its coordinator does it: the same definition as everywhere, with both stages on workers.
 *
 * Where it goes on after a death, what was answered before is read from the database. The store's lease sees to it that
 * one run at a time trains; a coordinator that was frozen, and finds its run gone on elsewhere, falls silent.
 */
const coordinate = Effect.fn("Cluster.coordinate")(function* (request: RunRequest) {
  const { runId, options, settings } = request
  const store = yield* Store
  const { about } = yield* EngineProcess
  if (store.location !== request.store) {
    return yield* new RunFailed({
      tag: "StoreMismatch",
      message: `The workers work on ${store.location}, but the run is for ${request.store}.`
    })
  }
  const { precision } = yield* Settings
  if (settings.precision !== undefined && settings.precision !== precision) {
    return yield* new RunFailed({
      tag: "PrecisionMismatch",
      message: `The workers have PRECISION ${precision}, but the run is asked for with ${settings.precision}: give both the same.`
    })
  }
  const before = yield* finishedBefore(runId)
  if (Option.isSome(before)) return before.value
  const journal = yield* Journal
  const began = yield* Activity.make({
    name: "begin",
    success: Schema.Finite,
    error: RunFailed,
    execute: Effect.mapError(journal.now, ({ _tag, message }) => new RunFailed({ tag: _tag, message }))
  })
  let round = -1
  const work = Effect.gen(function* () {
    const plan = yield* planRun({ frontEnd: yield* settledFrontEnd, hash: about.weights }, options.augmentations)
    return yield* retrainOn(
      {
        embed: (stream) => embedOnCluster(runId, ++round, stream),
        finish: (embedded) => finishOnWorker(round, request, began)(embedded)
      },
      runId,
      plan,
      options
    )
  })
  const summary = yield* work.pipe(
    Effect.catchTag("LeaseLost", (error) =>
      Effect.flatMap(resumedElsewhere(runId), (elsewhere) => (elsewhere ? Effect.never : Effect.fail(error)))
    ),
    withRunSettings(settings)
  )
  yield* Effect.ignore(removeShards(runId), { log: "Warn" })
  return summary
})

/** Takes on runs; for workers with this engine. */
export const coordinatorLayer = (engine: "native" | "webgpu") =>
  RETRAIN[engine].toLayer(
    Effect.fnUntraced(function* (request) {
      return yield* coordinate(request).pipe(
        Effect.provideService(RunEvents, yield* journalOf(request.runId)),
        Effect.mapError((error) =>
          error instanceof RunFailed ? error : new RunFailed({ tag: error._tag, message: error.message })
        ),
        // Answered like a failure, so that who follows the run gets a sentence.
        Effect.catchDefect((defect) =>
          Effect.fail(
            new RunFailed({ tag: "Defect", message: `The run ended in a way that nobody foresaw: ${defect}.` })
          )
        ),
        Effect.tapCause((cause) =>
          Cause.hasInterruptsOnly(cause) ? Effect.void : Effect.logWarning(`Run ${request.runId} failed.`, cause)
        )
      )
    })
  )
