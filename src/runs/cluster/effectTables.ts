import { Effect, Schema } from "effect"
import { Snowflake } from "effect/cluster"
import effectPackage from "effect/package.json"
import { SqlClient } from "effect/sql"
import { DatabaseError } from "./database.ts"

// All that reaches into effect/cluster's own tables, which it promises nobody; `checkTables` stands before the rest.

/** The version whose tables these are; look at its `SqlMessageStorage` before naming another. */
const KNOWN_VERSION = "4.1.0"
const KNOWN_COLUMNS = {
  cluster_messages: [
    "id",
    "request_id",
    "entity_type",
    "entity_id",
    "kind",
    "tag",
    "payload",
    "processed",
    "last_read"
  ],
  cluster_replies: ["request_id"]
}

/** effect/cluster's mark for a message that wants an answer; an interruption may stay unprocessed for ever. */
const REQUEST = 0
/** What it makes of a workflow's name, and the message that starts one. */
const entityTypeOf = (workflow: string) => `Workflow/${workflow}`
const START = "run"
/** Its ids hold the milliseconds since its epoch above so many other bits. */
const ID_BITS = 22

/** Fails with one sentence where effect, or what it has made in the database, is not what this file was written for. */
export const checkTables = Effect.fn("Cluster.checkTables")(function* (version: string = effectPackage.version) {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql<{ table_name: string; column_name: string }>`
    SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema()`
  const there = new Set(rows.map(({ table_name, column_name }) => `${table_name}.${column_name}`))
  const missing = Object.entries(KNOWN_COLUMNS).flatMap(([table, columns]) =>
    columns.map((column) => `${table}.${column}`).filter((column) => !there.has(column))
  )
  const differences = [
    ...(version === KNOWN_VERSION ? [] : [`effect is of version ${version}`]),
    ...(missing.length === 0 ? [] : [`the database has no ${missing.join(", ")}`])
  ]
  if (differences.length === 0) return
  return yield* new DatabaseError({
    message: `Workers know the cluster's tables as effect ${KNOWN_VERSION} makes them, but ${differences.join(" and ")}: use the version of this program that made them, on all machines.`
  })
})

/** How long a message may be with a worker before it is offered again. */
const CLAIM = "30 seconds"

/**
 * Offers messages again that have been with a worker for long. effect/cluster marks what a worker has read, and reads it
 * again after ten minutes only: what the reader has dropped, because the lane had just gone to another worker, would wait
 * for so long. A worker that is still at it ignores the offer.
 */
export const redeliver = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`
    UPDATE cluster_messages SET last_read = NULL WHERE id IN (
      SELECT id FROM cluster_messages
      WHERE processed = FALSE AND kind = ${REQUEST} AND last_read < now() - ${CLAIM}::INTERVAL
      FOR UPDATE SKIP LOCKED
    )`
}).pipe(Effect.withSpan("Cluster.redeliver"))

/**
 * Deletes messages and replies of what has ended so many days ago, which effect/cluster never does. A request that nobody
 * has processed yet stays, and all that came after it.
 */
export const pruneMessages = Effect.fn("Cluster.pruneMessages")(function* (days: number) {
  const sql = yield* SqlClient.SqlClient
  const milliseconds = days * 86_400_000
  const [row] = yield* sql<{ cutoff: string }>`
    SELECT LEAST(
      ((EXTRACT(EPOCH FROM now()) * 1000)::BIGINT - ${Snowflake.constEpochMillis}::BIGINT - ${milliseconds}::BIGINT) << ${ID_BITS},
      (SELECT MIN(id) FROM cluster_messages WHERE processed = FALSE AND kind = ${REQUEST})
    )::TEXT AS cutoff`
  const cutoff = row!.cutoff
  yield* sql.withTransaction(
    Effect.andThen(
      sql`DELETE FROM cluster_replies WHERE request_id < ${cutoff}::BIGINT`,
      sql`DELETE FROM cluster_messages WHERE request_id < ${cutoff}::BIGINT`
    )
  )
})

/** The workflows of this name that have been asked for and have not come to their end. */
export const openWorkflows = Effect.fn("Cluster.openWorkflows")(function* <Payload>(
  workflow: string,
  payload: Schema.Codec<Payload, unknown>
) {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql`
    SELECT entity_id AS id, payload FROM cluster_messages
    WHERE entity_type = ${entityTypeOf(workflow)} AND tag = ${START} AND processed = FALSE`
  const Rows = Schema.Array(
    Schema.Struct({ id: Schema.String, payload: Schema.fromJsonString(Schema.toCodecJson(payload)) })
  )
  return yield* Schema.decodeUnknownEffect(Rows)(rows)
})

/** Takes a workflow out of the cluster, as if nobody had asked for it. */
export const removeWorkflow = Effect.fn("Cluster.removeWorkflow")(function* (workflow: string, id: string) {
  const sql = yield* SqlClient.SqlClient
  const type = entityTypeOf(workflow)
  yield* sql.withTransaction(
    Effect.andThen(
      sql`
        DELETE FROM cluster_replies WHERE request_id IN (
          SELECT id FROM cluster_messages WHERE entity_type = ${type} AND entity_id = ${id}
        )`,
      sql`DELETE FROM cluster_messages WHERE entity_type = ${type} AND entity_id = ${id}`
    )
  )
})
