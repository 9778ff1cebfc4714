import { Context, Effect, Layer, Option, Schema } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import { RunEvent } from "../../stream/events.ts"

const Now = Schema.Struct({ seconds: Schema.Finite })
const Rows = Schema.Array(Schema.Struct({ id: Schema.NumberFromString, event: RunEvent }))

type StreamEvent = Extract<RunEvent, { readonly stage: "stream" }>
const isStream = (event: RunEvent): event is StreamEvent => event.stage === "stream"

/** What runs on the cluster tell, for whoever follows them, from any machine. */
export class Journal extends Context.Service<
  Journal,
  {
    readonly append: (runId: string, event: RunEvent) => Effect.Effect<void, SqlError.SqlError>
    /** The run's events after this one, oldest first. */
    readonly after: (
      runId: string,
      id: number
    ) => Effect.Effect<ReadonlyArray<{ readonly id: number; readonly event: RunEvent }>, SqlError.SqlError>
    /** The last that the run told of its stream; none where it has told nothing of it. */
    readonly progress: (runId: string) => Effect.Effect<Option.Option<StreamEvent>, SqlError.SqlError>
    /** Seconds since 1970 by the database's clock, which is the same for all. */
    readonly now: Effect.Effect<number, SqlError.SqlError>
  }
>()("ecosight/runs/cluster/Journal") {
  static readonly layer = Layer.effect(
    Journal,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      return Journal.of({
        append: (runId, event) =>
          Effect.asVoid(
            sql`INSERT INTO ecosight_events (run_id, event) VALUES (${runId}, ${JSON.stringify(event)}::JSONB)`
          ),
        after: Effect.fn("Journal.after")(function* (runId, id) {
          const rows = yield* sql`
            SELECT id::TEXT, event FROM ecosight_events WHERE run_id = ${runId} AND id > ${id} ORDER BY id LIMIT 1000`
          // Written by `append`, so these are run events.
          return yield* Schema.decodeUnknownEffect(Rows)(rows).pipe(Effect.orDie)
        }),
        progress: Effect.fn("Journal.progress")(function* (runId) {
          const rows = yield* sql`
            SELECT id::TEXT, event FROM ecosight_events
            WHERE run_id = ${runId} AND event->>'stage' = 'stream' ORDER BY id DESC LIMIT 1`
          const decoded = yield* Schema.decodeUnknownEffect(Rows)(rows).pipe(Effect.orDie)
          return Option.filter(Option.fromUndefinedOr(decoded[0]?.event), isStream)
        }),
        now: sql`SELECT EXTRACT(EPOCH FROM clock_timestamp())::FLOAT8 AS seconds`.pipe(
          Effect.flatMap(([row]) => Effect.orDie(Schema.decodeUnknownEffect(Now)(row))),
          Effect.map(({ seconds }) => seconds)
        )
      })
    })
  )
}
