import { Context, Effect, Layer, Schema } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import { RunEvent } from "../../stream/events.ts"

const Rows = Schema.Array(Schema.Struct({ id: Schema.NumberFromString, event: RunEvent }))

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
        })
      })
    })
  )
}
