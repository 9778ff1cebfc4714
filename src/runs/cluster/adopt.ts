import { Clock, Effect } from "effect"
import { openWorkflows, removeWorkflow } from "./effectTables.ts"
import { RETRAIN, RunRequest } from "./retrainRun.ts"
import { Roster } from "./roster.ts"

/** Milliseconds for which no worker with an engine has been there until its runs are taken on by those with another. */
const ABSENCE = 30_000

type EngineName = keyof typeof RETRAIN

/** Has the runs that wait for a worker with one engine done by those with another; what is embedded stays. */
const adopt = Effect.fn("Cluster.adopt")(function* (from: EngineName, to: EngineName) {
  const { _tag: workflow } = RETRAIN[from]
  for (const { id, payload } of yield* openWorkflows(workflow, RunRequest)) {
    yield* Effect.logWarning(
      `No worker with the ${from} engine is there any more: run ${payload.runId} goes on without.`
    )
    // It is the same run, so several workers may do this at once.
    yield* RETRAIN[to].execute(payload, { discard: true })
    yield* removeWorkflow(workflow, id)
  }
})

/**
 * Looks after runs that nobody is left to coordinate: a run belongs to the workers with one engine, and the last of those
 * may have gone. For workers with the engine `to`.
 */
export const lookAfterRuns = (to: EngineName) => {
  const from = to === "native" ? "webgpu" : "native"
  let seenAt: number | undefined
  return Effect.gen(function* () {
    const roster = yield* Roster
    const members = yield* roster.members
    const now = yield* Clock.currentTimeMillis
    if (seenAt === undefined || members.some(({ engine }) => engine === from)) seenAt = now
    else if (now - seenAt > ABSENCE) yield* adopt(from, to)
  })
}
