import { Cause, Context, DateTime, Effect, Equal, Exit, FiberMap, Layer, Semaphore } from "effect"
import { programPath } from "../processes/programPath.ts"
import type { ProcessError } from "../processes/requests.ts"
import { supervise } from "../processes/supervise.ts"
import { newRunId } from "../registry/runRecord.ts"
import { Store, type StoreError } from "../store/store.ts"
import { Current } from "./current.ts"
import { Field } from "./field.ts"
import { Scanning, type ScanTask } from "./protocols.ts"
import { type Refusal, refuse } from "./refusal.ts"
import { makeScanLog, type ScanData, type ScanLog } from "./scanLog.ts"

const PROGRAM = programPath("./scanProgram.ts", import.meta.url)

/** Scans of this process that are told of. */
const REMEMBERED = 20

/** A scan of this service. */
export interface Scan {
  readonly id: string
  readonly startedAt: string
  readonly task: ScanTask
  readonly log: ScanLog
  progress: ScanData["progress"] | undefined
  ending: ScanData["end"] | undefined
}

/** What asking for a scan came to. */
export interface ScanStarted {
  readonly status: "running" | "in_progress"
  readonly id: string
}

/** Scans of the field recordings: each in a process of its own, one at a time; what lands meanwhile is heard after it. */
export class ScanRunner extends Context.Service<
  ScanRunner,
  {
    readonly start: (task: ScanTask) => Effect.Effect<ScanStarted, Refusal | StoreError>
    readonly cancel: (id: string) => Effect.Effect<void, Refusal>
    /** Newest first. */
    readonly list: () => ReadonlyArray<Scan>
    readonly get: (id: string) => Scan | undefined
    readonly running: () => string | undefined
  }
>()("ecosight/service/ScanRunner") {
  static readonly layer = Layer.effect(
    ScanRunner,
    Effect.gen(function* () {
      const { location } = yield* Store
      const current = yield* Current
      const field = yield* Field
      const scans = new Map<string, Scan>()
      const processes = yield* FiberMap.make<string>()
      const turn = yield* Semaphore.make(1)
      /** What was asked for while another scan went on, each once. */
      let waiting: ReadonlyArray<ScanTask> = []
      const live = () => [...scans.values()].find(({ ending }) => ending === undefined)

      const perform = (scan: Scan): Effect.Effect<void> =>
        supervise(Scanning, () => [process.execPath, PROGRAM, location], { restart: false }).pipe(
          Effect.flatMap(({ ask }) =>
            ask("scan", scan.task, (told) => {
              if ("key" in told) {
                field.refuse(told.key, told.reason)
                return scan.log.skip(told)
              }
              scan.progress = told
              scan.log.progress(told)
            })
          ),
          Effect.scoped,
          Effect.onExit((exit) => finish(scan, endingOf(exit))),
          Effect.exit,
          Effect.asVoid
        )
      const finish = Effect.fnUntraced(function* (scan: Scan, ending: ScanData["end"]) {
        scan.ending = ending
        yield* field.forget
        yield* Effect.logInfo(`Scan ${scan.id} ${ending.status}: ${ending.outcome}`)
        scan.log.end(ending)
        const [next, ...later] = ending.status === "cancelled" ? [] : waiting
        waiting = later
        if (next !== undefined) yield* launch(next)
      })
      const launch = Effect.fnUntraced(function* (task: ScanTask) {
        const id = yield* newRunId
        const startedAt = DateTime.formatIso(yield* DateTime.now)
        const scan: Scan = { id, startedAt, task, log: makeScanLog(), progress: undefined, ending: undefined }
        scans.set(id, scan)
        if (scans.size > REMEMBERED) scans.delete(scans.keys().next().value!)
        yield* FiberMap.run(processes, id, perform(scan))
        yield* Effect.logInfo(`Scan ${id} started.`)
        return { status: "running", id } satisfies ScanStarted
      })

      const start = Effect.fn("ScanRunner.start")(function* (task: ScanTask) {
        if (task.model === undefined && (yield* current.model)._tag === "None") {
          return yield* refuse(409, "There is no model yet to scan with: train one first.")
        }
        const other = live()
        if (other === undefined) return yield* launch(task)
        if (!waiting.some((one) => Equal.equals(one, task))) waiting = [...waiting, task]
        return { status: "in_progress", id: other.id } satisfies ScanStarted
      }, turn.withPermit)

      const cancel = Effect.fn("ScanRunner.cancel")(function* (id: string) {
        const scan = scans.get(id)
        if (scan === undefined) return yield* refuse(404, "There is no such scan.")
        if (scan.ending !== undefined) return yield* refuse(409, "This scan has ended.")
        yield* FiberMap.remove(processes, id)
      })

      return ScanRunner.of({
        start,
        cancel,
        list: () => [...scans.values()].reverse(),
        get: (id) => scans.get(id),
        running: () => live()?.id
      })
    })
  )
}

const endingOf = (exit: Exit.Exit<string, ProcessError>): ScanData["end"] => {
  if (Exit.isSuccess(exit)) return { status: "finished", outcome: exit.value }
  if (Cause.hasInterruptsOnly(exit.cause)) return { status: "cancelled", outcome: `Stopped; ${KEPT}` }
  const error = Cause.squash(exit.cause) as ProcessError
  const outcome = error._tag === "ProcessDied" ? `The process of this scan died (${error.how}); ${KEPT}` : error.message
  return { status: "failed", outcome }
}

const KEPT = "what it had heard is kept, so another scan goes on from there."
