import { PgClient } from "@effect/sql-pg"
import { Cause, Effect, Layer, Redacted, Schema } from "effect"
import { SqlClient } from "effect/sql"

// What the cluster keeps in PostgreSQL beside effect/cluster's own tables: who is there, and what runs tell.

/** The database cannot be used; `message` says which, without its password. */
export class DatabaseError extends Schema.TaggedError<DatabaseError>()("DatabaseError", { message: Schema.String }) {}

/** Our key among PostgreSQL's advisory locks, so that workers that start at once do not create tables at once. */
const MIGRATION_LOCK = 7_263_641

const createTables = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql.withTransaction(
    Effect.gen(function* () {
      yield* sql`SELECT pg_advisory_xact_lock(${MIGRATION_LOCK})`
      yield* sql`
        CREATE TABLE IF NOT EXISTS ecosight_workers (
          id TEXT PRIMARY KEY,
          joined BIGSERIAL,
          seen_at TIMESTAMPTZ NOT NULL DEFAULT now(),
          about JSONB NOT NULL,
          state JSONB NOT NULL
        )`
      yield* sql`
        CREATE TABLE IF NOT EXISTS ecosight_events (
          id BIGSERIAL PRIMARY KEY,
          run_id TEXT NOT NULL,
          at TIMESTAMPTZ NOT NULL DEFAULT now(),
          event JSONB NOT NULL
        )`
      yield* sql`CREATE INDEX IF NOT EXISTS ecosight_events_run ON ecosight_events (run_id, id)`
      // How many recordings wait to be embedded: what autoscalers ask for.
      yield* sql`
        CREATE OR REPLACE VIEW ecosight_backlog AS
        SELECT COALESCE(SUM(recordings), 0)::BIGINT AS recordings FROM (
          SELECT DISTINCT ON (run_id) (event->>'total')::BIGINT - (event->>'done')::BIGINT AS recordings
          FROM ecosight_events
          WHERE event->>'stage' = 'stream' AND at > now() - INTERVAL '10 minutes'
          ORDER BY run_id, id DESC
        ) AS latest`
    })
  )
})

/**
 * Milliseconds after which PostgreSQL ends a transaction that its client neither goes on with nor ends. One that is frozen
 * within a transaction keeps the rows that it has written locked, and no other worker could read its messages. Longer
 * than the 8 s for which a database may stall, shorter than the 15 s after which its lanes are taken over.
 */
const TRANSACTION_PATIENCE = 12_000

const connectionLayer = (url: Redacted.Redacted) =>
  PgClient.layer({
    url,
    applicationName: "ecosight",
    maxConnections: 10,
    connectTimeout: "10 seconds",
    startupParameters: { idle_in_transaction_session_timeout: String(TRANSACTION_PATIENCE) }
  })

/** In a sentence, without the password. */
const explain = (url: Redacted.Redacted) => (cause: Cause.Cause<unknown>) => {
  const { host, pathname } = new URL(Redacted.value(url))
  const reason = reasonOf(Cause.squash(cause))
  return new DatabaseError({
    message: `The database${pathname.replace("/", " ")} at ${host} cannot be used (${reason}): see DATABASE_URL.`
  })
}

/** The database that DATABASE_URL names, with our tables in it. */
export const databaseLayer = (url: Redacted.Redacted) =>
  Layer.effectDiscard(createTables).pipe(
    Layer.provideMerge(connectionLayer(url)),
    Layer.catchCause((cause) => Layer.effectContext(Effect.fail(explain(url)(cause))))
  )

/** Fails unless the database answers; changes nothing in it. */
export const askDatabase = (url: Redacted.Redacted) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) => sql`SELECT 1`).pipe(
    Effect.provide(connectionLayer(url)),
    Effect.asVoid,
    Effect.catchCause((cause) => Effect.fail(explain(url)(cause)))
  )

/** What is at the bottom of an error: the client's are wrapped. */
const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? reasonOf(error.cause) : error.message || error.name
}

/** Deletes events older than so many days, and workers that have been gone for one. */
export const pruneBooks = Effect.fn("Cluster.pruneBooks")(function* (days: number) {
  const sql = yield* SqlClient.SqlClient
  yield* sql`DELETE FROM ecosight_events WHERE at < now() - make_interval(days => ${days})`
  yield* sql`DELETE FROM ecosight_workers WHERE seen_at < now() - INTERVAL '1 day'`
})
