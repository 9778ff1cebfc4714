import { Context, DateTime, Effect, Layer, Option, Semaphore } from "effect"
import { childEnvironment } from "../config.ts"
import { programPath } from "../processes/programPath.ts"
import { runningRun } from "../registry/lease.ts"
import { isRunId, newRunId } from "../registry/runRecord.ts"
import { Store, type StoreError } from "../store/store.ts"
import { Corpus } from "./corpus.ts"
import { Current } from "./current.ts"
import type { RunMessage, RunTask } from "./messages.ts"
import { Predictor } from "./predictor.ts"
import { type Refusal, refuse } from "./refusal.ts"
import { makeRunLog, type RunLog } from "./runLog.ts"
import { listRunIds, markEnded, type Run, readRun } from "./runRecords.ts"

const PROGRAM = programPath("./runProgram.ts", import.meta.url)
/** Runs of this process whose events can still be read. */
const REMEMBERED = 20
/** A cancelled run gets so long to write its record and give the lease back. */
const GRACE = 10_000

interface LiveRun {
  readonly task: RunTask
  readonly startedAt: string
  readonly log: RunLog
  readonly process: Bun.Subprocess
  /** Resolves once the process is gone and its end is recorded. */
  readonly ended: Promise<void>
  readonly skipped: Array<string>
  /** New recordings when it started. */
  readonly fresh: number
  cancelled: boolean
  ending: Extract<RunMessage, { kind: "finished" | "failed" }> | undefined
  status: Run["status"]
  outcome: string | null
}

/** What asking for a run came to. */
export type Started =
  | { readonly status: "running"; readonly runId: string }
  | { readonly status: "in_progress"; readonly runId: string }
  | { readonly status: "not_needed"; readonly fresh: number }

/** Training runs: each in a process of its own, one at a time. */
export class Runs extends Context.Service<
  Runs,
  {
    readonly start: (reason: string, minNewSamples: number) => Effect.Effect<Started, StoreError>
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
      const context = yield* Effect.context<never>()
      const runs = new Map<string, LiveRun>()
      const turn = yield* Semaphore.make(1)
      let freshAtFailure = 0
      const live = () => [...runs.values()].find(({ status }) => status === "running")

      const finish = Effect.fn("Runs.finish")(function* (run: LiveRun, how: string) {
        const { runId } = run.task
        const { ending, startedAt } = run
        const status = run.cancelled ? "cancelled" : ending?.kind === "finished" ? "finished" : "failed"
        const outcome = run.cancelled
          ? "Cancelled."
          : ending === undefined
            ? `The process of this run died (${how}); what it had embedded is kept, so another run goes on from there.`
            : ending.kind === "finished"
              ? ending.decision
              : ending.message
        if (status !== "finished") {
          yield* Effect.ignore(markEnded(runId, run.task.reason, { status, reason: outcome, startedAt }), {
            log: "Warn"
          })
        }
        yield* corpus.forget
        yield* current.forget
        // Listed anew first: what was skipped may have landed while it ran.
        yield* Effect.ignore(corpus.snapshot, { log: "Warn" })
        yield* corpus.skipped(run.skipped)
        freshAtFailure = status === "finished" ? 0 : run.fresh
        run.status = status
        run.outcome = outcome
        yield* Effect.logInfo(`Run ${runId} ${status}: ${outcome}`)
        run.log.end({ status, outcome })
        yield* predictor.warm
      })

      const launch = (task: RunTask, startedAt: string, fresh: number) => {
        const log = makeRunLog()
        const { promise: ended, resolve } = Promise.withResolvers<void>()
        const process = Bun.spawn([globalThis.process.execPath, PROGRAM, JSON.stringify(task)], {
          env: childEnvironment(),
          stdio: ["ignore", "ignore", "inherit"],
          ipc: (message: RunMessage) => {
            if (message.kind !== "event") {
              run.ending = message
              return
            }
            if (message.event.stage === "skip") run.skipped.push(message.event.key)
            log.add(message.event, performance.now())
          },
          onExit: (_, code, signal) => {
            const how = signal === null ? `exit status ${code}` : `signal ${signal}`
            void Effect.runPromiseWith(context)(Effect.provideService(finish(run, how), Store, store)).finally(resolve)
          }
        })
        const run: LiveRun = {
          task,
          startedAt,
          log,
          process,
          ended,
          skipped: [],
          fresh,
          cancelled: false,
          ending: undefined,
          status: "running",
          outcome: null
        }
        runs.set(task.runId, run)
        if (runs.size > REMEMBERED) runs.delete(runs.keys().next().value!)
      }

      const start = Effect.fn("Runs.start")(
        function* (reason: string, minNewSamples: number) {
          const other = live()?.task.runId ?? (yield* runningRun)
          if (other !== undefined) return { status: "in_progress", runId: other } satisfies Started
          const { fresh } = yield* corpus.snapshot
          if (fresh < minNewSamples) return { status: "not_needed", fresh } satisfies Started
          const runId = yield* newRunId
          const startedAt = DateTime.formatIso(yield* DateTime.now)
          launch({ runId, store: store.location, reason }, startedAt, fresh)
          yield* Effect.logInfo(`Run ${runId} started: ${reason}`)
          return { status: "running", runId } satisfies Started
        },
        Effect.provideService(Store, store),
        turn.withPermit
      )

      const liveView = ({ task, status, startedAt, outcome }: LiveRun): Run => {
        return { id: task.runId, status, startedAt, trigger: task.reason, outcome, summary: null }
      }
      const find = Effect.fn("Runs.find")(function* (id: string) {
        const run = runs.get(id)
        if (run?.status === "running") return Option.some(liveView(run))
        const record = yield* readRun(id).pipe(Effect.provideService(Store, store))
        return Option.orElse(record, () => Option.map(Option.fromUndefinedOr(run), liveView))
      })
      const get = Effect.fn("Runs.get")(function* (id: string) {
        const run = isRunId(id) ? yield* find(id) : Option.none<Run>()
        return yield* Option.isSome(run) ? Effect.succeed(run.value) : Effect.fail(refuse(404, "There is no such run."))
      })

      const cancel = (run: LiveRun) => {
        run.cancelled = true
        return stop(run)
      }
      yield* Effect.addFinalizer(() =>
        Effect.promise(() => Promise.all([...runs.values()].filter(({ status }) => status === "running").map(cancel)))
      )
      return Runs.of({
        start,
        get,
        list: Effect.fn("Runs.list")(function* (limit, before) {
          const stored = yield* listRunIds.pipe(Effect.provideService(Store, store))
          const ids = [...new Set([...runs.keys(), ...stored])].sort().reverse()
          const page = ids.filter((id) => before === undefined || id < before).slice(0, limit)
          const found = yield* Effect.forEach(page, find, { concurrency: 8 })
          return found.filter(Option.isSome).map(({ value }) => value)
        }),
        cancel: Effect.fn("Runs.cancel")(function* (id) {
          const run = runs.get(id)
          if (run?.status === "running") return yield* Effect.promise(() => cancel(run))
          const { status } = yield* get(id)
          return yield* refuse(
            409,
            status === "running"
              ? "This run was not started here, so it cannot be cancelled here."
              : "This run has ended."
          )
        }),
        log: (id) => runs.get(id)?.log,
        running: () => live()?.task.runId,
        freshAtFailure: () => freshAtFailure
      })
    })
  )
}

const stop = async ({ process, ended }: LiveRun): Promise<void> => {
  process.kill("SIGTERM")
  const patience = setTimeout(() => process.kill("SIGKILL"), GRACE)
  await ended
  clearTimeout(patience)
}
