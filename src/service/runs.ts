import { Context, DateTime, Effect, FiberMap, Layer, Metric, Option, Semaphore } from "effect"
import { Settings } from "../config/settings.ts"
import { runningRun } from "../registry/lease.ts"
import { mendCopies } from "../registry/mendCopies.ts"
import { isRunId, newRunId } from "../registry/runRecord.ts"
import { runKey } from "../store/keys.ts"
import { Store, type StoreError } from "../store/store.ts"
import { Corpus } from "./corpus.ts"
import { Current } from "./current.ts"
import { type Ending, isUnderWay, type LiveRun, newLiveRun, perform, viewOf } from "./liveRun.ts"
import { Predictor } from "./predictor.ts"
import { type Refusal, refuse } from "./refusal.ts"
import { listRunIds, markEnded, markInterrupted, markStarted, type Run, readRun } from "./runHistory.ts"
import type { RunLog } from "./runLog.ts"

/** Runs of this process whose events can still be read. */
const REMEMBERED = 20
/** How late a run that another process began may be seen; those of this one are seen at once. */
const LIST_AGE = "10 seconds"
/** Runs that have ended, and whose records are read no more. */
const MOST_ENDED = 100

const ended = Metric.counter("ecosight_runs_total", {
  description: "Runs of this service that ended, by how",
  incremental: true
})

/** What asking for a run came to. */
export type Started =
  | { readonly status: "running"; readonly runId: string }
  | { readonly status: "in_progress"; readonly runId: string }
  | { readonly status: "not_needed"; readonly fresh: number }

/** Training runs: each in a process of its own, one at a time. */
export class Runs extends Context.Service<
  Runs,
  {
    /** Starts a run, which leaves a record whatever becomes of it; an automatic one, which nobody waits for, gives way. */
    readonly start: (
      reason: string,
      minNewSamples: number,
      options?: { readonly isAutomatic: boolean }
    ) => Effect.Effect<Started, StoreError>
    readonly cancel: (id: string) => Effect.Effect<void, Refusal | StoreError>
    /** Newest first; `before` is a run's id. */
    readonly list: (limit: number, before: string | undefined) => Effect.Effect<ReadonlyArray<Run>, StoreError>
    readonly get: (id: string) => Effect.Effect<Run, Refusal | StoreError>
    /** The events of a run of this process. */
    readonly log: (id: string) => RunLog | undefined
    readonly running: () => string | undefined
    /** How many recordings were new when the last run here failed or was cancelled; 0 after one that finished. */
    readonly freshAtFailure: () => number
  }
>()("ecosight/service/Runs") {
  static readonly layer = Layer.effect(
    Runs,
    Effect.gen(function* () {
      const store = yield* Store
      const corpus = yield* Corpus
      const current = yield* Current
      const predictor = yield* Predictor
      const runs = new Map<string, LiveRun>()
      const processes = yield* FiberMap.make<string>()
      const turn = yield* Semaphore.make(1)
      const scope = yield* Effect.scope
      let freshAtFailure = 0
      const { databaseUrl } = yield* Settings
      // What runs on a cluster goes on without the service that started it.
      if (Option.isNone(databaseUrl)) {
        yield* markInterrupted.pipe(
          Effect.ignore({ log: "Warn" }),
          Effect.provideService(Store, store),
          Effect.forkScoped
        )
      }
      const [listed, listAnew] = yield* listRunIds.pipe(
        Effect.provideService(Store, store),
        Effect.cachedInvalidateWithTTL(LIST_AGE)
      )
      const over = new Map<string, Run>()
      const live = () => [...runs.values()].find(isUnderWay)

      const finish = Effect.fn("Runs.finish")(
        function* (run: LiveRun, ending: Ending) {
          const { task, startedAt, log } = run
          const { status, outcome } = ending
          if (run.isAutomatic && ending.gaveWay) {
            yield* Effect.ignore(store.remove(runKey(task.runId)), { log: "Warn" })
            runs.delete(task.runId)
          } else if (status !== "finished") {
            yield* Effect.ignore(markEnded(task.runId, task.reason, { status, reason: outcome, startedAt }), {
              log: "Warn"
            })
          }
          yield* Metric.update(Metric.withAttributes(ended, { status }), 1)
          yield* listAnew
          yield* corpus.forget
          yield* current.forget
          // Listed anew first: what was skipped may have landed while it ran.
          yield* Effect.ignore(corpus.snapshot, { log: "Warn" })
          yield* Effect.ignore(current.model, { log: "Warn" })
          yield* corpus.skipped(run.skipped)
          if (!ending.gaveWay) freshAtFailure = status === "finished" ? 0 : run.fresh
          run.ending = ending
          yield* Effect.logInfo(`Run ${task.runId} ${status}: ${outcome}`)
          log.end({ status, outcome })
          yield* predictor.warm
          // It may have died while it promoted. Not waited for, but by the next start: whether its lease is free may take seconds
          // to know, and while that is held for the copies, a start would take it for a run.
          if (status !== "finished" && !ending.gaveWay) yield* mendCopies().pipe(turn.withPermit, Effect.forkIn(scope))
        },
        Effect.provideService(Store, store)
      )

      const launch = Effect.fnUntraced(function* (reason: string, fresh: number, isAutomatic: boolean) {
        const runId = yield* newRunId
        const startedAt = DateTime.formatIso(yield* DateTime.now)
        yield* markStarted(runId, reason, startedAt)
        const run = newLiveRun({ runId, reason }, startedAt, fresh, isAutomatic)
        runs.set(runId, run)
        if (runs.size > REMEMBERED) runs.delete(runs.keys().next().value!)
        yield* FiberMap.run(
          processes,
          runId,
          perform(run, store.location, (ending) => finish(run, ending))
        )
        yield* Effect.logInfo(`Run ${runId} started: ${reason}`)
        return { status: "running", runId } satisfies Started
      })

      const start = Effect.fn("Runs.start")(
        function* (reason: string, minNewSamples: number, { isAutomatic } = { isAutomatic: false }) {
          const other = live()?.task.runId ?? (yield* runningRun)
          if (other !== undefined) return { status: "in_progress", runId: other } satisfies Started
          const { fresh } = yield* corpus.news(minNewSamples)
          if (fresh < minNewSamples) return { status: "not_needed", fresh } satisfies Started
          return yield* launch(reason, fresh, isAutomatic)
        },
        Effect.provideService(Store, store),
        turn.withPermit
      )

      const find = Effect.fn("Runs.find")(function* (id: string) {
        const run = runs.get(id)
        if (run !== undefined && isUnderWay(run)) return Option.some(viewOf(run))
        const known = over.get(id)
        if (known !== undefined) return Option.some(known)
        const record = yield* readRun(id).pipe(Effect.provideService(Store, store))
        if (Option.isSome(record) && record.value.status === "finished") {
          over.set(id, record.value)
          if (over.size > MOST_ENDED) over.delete(over.keys().next().value!)
        }
        return Option.orElse(record, () => Option.map(Option.fromUndefinedOr(run), viewOf))
      })

      const get = Effect.fn("Runs.get")(function* (id: string) {
        const run = isRunId(id) ? yield* find(id) : Option.none<Run>()
        return yield* Option.isSome(run) ? Effect.succeed(run.value) : Effect.fail(refuse(404, "There is no such run."))
      })

      const list = Effect.fn("Runs.list")(function* (limit: number, before: string | undefined) {
        const stored = yield* listed
        const ids = [...new Set([...runs.keys(), ...stored])].sort().reverse()
        const page = ids.filter((id) => before === undefined || id < before).slice(0, limit)
        const found = yield* Effect.forEach(page, find, { concurrency: 8 })
        return found.filter(Option.isSome).map(({ value }) => value)
      })

      const cancel = Effect.fn("Runs.cancel")(function* (id: string) {
        const run = runs.get(id)
        if (run !== undefined && isUnderWay(run)) return yield* FiberMap.remove(processes, id)
        const { status } = yield* get(id)
        return yield* refuse(
          409,
          status === "running"
            ? "This run was not started here, so it cannot be cancelled here."
            : "This run has ended."
        )
      })

      return Runs.of({
        start,
        cancel,
        list,
        get,
        log: (id) => runs.get(id)?.log,
        running: () => live()?.task.runId,
        freshAtFailure: () => freshAtFailure
      })
    })
  )
}
