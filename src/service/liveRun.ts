import { Cause, Effect, Exit } from "effect"
import { programPath } from "../processes/programPath.ts"
import type { ProcessError } from "../processes/requests.ts"
import { supervise } from "../processes/supervise.ts"
import { Running, type RunTask } from "./protocols.ts"
import type { Run } from "./runHistory.ts"
import { makeRunLog, type RunLog } from "./runLog.ts"

const PROGRAM = programPath("./runProgram.ts", import.meta.url)

/** How a run ended, and one sentence on it. */
export interface Ending {
  readonly status: Exclude<Run["status"], "running" | "interrupted">
  readonly outcome: string
  /** Whether it did not begin, because another run, of whatever process, was training on the store. */
  readonly gaveWay: boolean
}

/** A run of this service, as long as it is remembered. */
export interface LiveRun {
  readonly task: RunTask
  readonly startedAt: string
  readonly log: RunLog
  /** Recordings that it has left out. */
  readonly skipped: Array<string>
  /** New recordings when it started. */
  readonly fresh: number
  /** Whether nobody asked for it. */
  readonly isAutomatic: boolean
  ending: Ending | undefined
}

export const newLiveRun = (task: RunTask, startedAt: string, fresh: number, isAutomatic: boolean): LiveRun => ({
  task,
  startedAt,
  log: makeRunLog(),
  skipped: [],
  fresh,
  isAutomatic,
  ending: undefined
})

export const isUnderWay = ({ ending }: LiveRun): boolean => ending === undefined

/** A run as the service tells of it. */
export const viewOf = ({ task, startedAt, ending }: LiveRun): Run => ({
  id: task.runId,
  status: ending?.status ?? "running",
  startedAt,
  trigger: task.reason,
  outcome: ending?.outcome ?? null,
  summary: null
})

/**
 * Does the run on the store at `location`, in a process of its own, and keeps what it tells; `finish` is given how it
 * ended once the process is gone. Interrupting this cancels the run.
 */
export const perform = <R>(run: LiveRun, location: string, finish: (ending: Ending) => Effect.Effect<void, never, R>) =>
  supervise(Running, () => [process.execPath, PROGRAM, location], { restart: false }).pipe(
    Effect.flatMap(({ ask }) =>
      ask("run", run.task, (event) => {
        if (event.stage === "skip") run.skipped.push(event.key)
        run.log.add(event, performance.now())
      })
    ),
    Effect.scoped,
    Effect.onExit((exit) => finish(endingOf(exit))),
    Effect.exit,
    Effect.asVoid
  )

const endingOf = (exit: Exit.Exit<string, ProcessError>): Ending => {
  if (Exit.isSuccess(exit)) return { status: "finished", outcome: exit.value, gaveWay: false }
  if (Cause.hasInterruptsOnly(exit.cause)) return { status: "cancelled", outcome: "Cancelled.", gaveWay: false }
  const error = Cause.squash(exit.cause) as ProcessError
  const kept = "what it had embedded is kept, so another run goes on from there."
  const outcome = error._tag === "ProcessDied" ? `The process of this run died (${error.how}); ${kept}` : error.message
  const gaveWay = error._tag === "RequestFailed" && error.tag === "LeaseHeld"
  return { status: "failed", outcome, gaveWay }
}
