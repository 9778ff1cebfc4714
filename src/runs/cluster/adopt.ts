import { Clock, Effect, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { RETRAIN, RunRequest } from "./retrainRun.ts"
import { Roster } from "./roster.ts"

/** Milliseconds for which no worker with an engine has been there until its runs are taken on by those with another. */
const ABSENCE = 30_000

type EngineName = keyof typeof RETRAIN

const Rows = Schema.Array(
  Schema.Struct({ entity_id: Schema.String, payload: Schema.fromJsonString(Schema.toCodecJson(RunRequest)) })
)

/** Has the runs that wait for a worker with one engine done by those with another; what is embedded stays. */
const adopt = Effect.fn("Cluster.adopt")(function* (from: EngineName, to: EngineName) {
  const sql = yield* SqlClient.SqlClient
  const type = `Workflow/${RETRAIN[from]._tag}`
  const rows = yield* sql`
    SELECT entity_id, payload FROM cluster_messages
    WHERE entity_type = ${type} AND tag = 'run' AND processed = FALSE`
  for (const { entity_id, payload } of yield* Schema.decodeUnknownEffect(Rows)(rows)) {
    yield* Effect.logWarning(
      `No worker with the ${from} engine is there any more: run ${payload.runId} goes on without.`
    )
    // It is the same run, so several workers may do this at once.
    yield* RETRAIN[to].execute(payload, { discard: true })
    yield* sql.withTransaction(
      Effect.andThen(
        sql`
          DELETE FROM cluster_replies WHERE request_id IN (
            SELECT id FROM cluster_messages WHERE entity_type = ${type} AND entity_id = ${entity_id}
          )`,
        sql`DELETE FROM cluster_messages WHERE entity_type = ${type} AND entity_id = ${entity_id}`
      )
    )
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
