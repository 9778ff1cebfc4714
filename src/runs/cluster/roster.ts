import { Context, Effect, Layer, Schedule, Schema, type Scope } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import { ShardTally } from "./engineProtocol.ts"

/** What makes workers interchangeable, and how to reach one; fixed when it joins. */
export const WorkerAbout = Schema.Struct({
  /** Host and port for other workers. */
  address: Schema.String,
  /** Where `GET /health` answers. */
  health: Schema.String,
  version: Schema.String,
  weights: Schema.String,
  embedder: Schema.String,
  store: Schema.String,
  engine: Schema.Literals(["native", "webgpu"]),
  adapter: Schema.String,
  /** Shards that it does at once. */
  capacity: Schema.Int
})
export type WorkerAbout = typeof WorkerAbout.Type

/** What a worker is at. */
export const WorkerState = Schema.Struct({
  status: Schema.Literals(["ready", "draining"]),
  /** Recordings embedded since it joined, and in a second, over the last half minute. */
  done: Schema.Int,
  rate: Schema.Finite,
  shards: Schema.Array(
    Schema.Struct({
      runId: Schema.String,
      name: Schema.String,
      done: Schema.Int,
      total: Schema.Int,
      /** Where field recordings are heard. */
      heard: Schema.optionalKey(ShardTally)
    })
  ),
  /** The stage that it does for a whole run: "Training". */
  stage: Schema.NullOr(Schema.String),
  /** Which of effect/cluster's shards it holds, so that work can be sent to it and not to another. */
  lanes: Schema.Array(Schema.Int)
})
export type WorkerState = typeof WorkerState.Type

export const Member = Schema.Struct({ id: Schema.String, ...WorkerAbout.fields, ...WorkerState.fields })
export type Member = typeof Member.Type

/** A worker that would make other vectors, or of other recordings, than those that are there already. */
export class WorkerMismatch extends Schema.TaggedError<WorkerMismatch>()("WorkerMismatch", {
  message: Schema.String
}) {}

/** A worker that has been silent for this long counts as gone; each says twice a second that it is there. */
const SILENCE = "10 seconds"

const Rows = Schema.Array(Schema.Struct({ id: Schema.String, about: WorkerAbout, state: WorkerState }))

/** Who is there, by the database's clock alone. */
export class Roster extends Context.Service<
  Roster,
  {
    /** The workers that are there, in the order in which they joined. */
    readonly members: Effect.Effect<ReadonlyArray<Member>, SqlError.SqlError>
    /** Joins, and keeps saying so until the scope ends; refused where those that are there differ. */
    readonly join: (
      id: string,
      about: WorkerAbout,
      state: () => WorkerState
    ) => Effect.Effect<void, WorkerMismatch | SqlError.SqlError, Scope.Scope>
  }
>()("ecosight/runs/cluster/Roster") {
  static readonly layer = Layer.effect(
    Roster,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient

      const members = Effect.gen(function* () {
        const rows = yield* sql`
          SELECT id, about, state FROM ecosight_workers
          WHERE seen_at > now() - ${SILENCE}::INTERVAL ORDER BY joined`
        const decoded = yield* Schema.decodeUnknownEffect(Rows)(rows).pipe(Effect.orDie)
        return decoded.map(({ id, about, state }): Member => ({ id, ...about, ...state }))
      })

      const join = Effect.fn("Roster.join")(function* (id: string, about: WorkerAbout, state: () => WorkerState) {
        const row = (at: WorkerState) =>
          sql`
            INSERT INTO ecosight_workers (id, about, state)
            VALUES (${id}, ${JSON.stringify(about)}::JSONB, ${JSON.stringify(at)}::JSONB)
            ON CONFLICT (id) DO UPDATE SET seen_at = now(), state = EXCLUDED.state`
        const leave = sql`DELETE FROM ecosight_workers WHERE id = ${id}`
        // Entered first, so that of two that start at once the later one sees the earlier.
        yield* Effect.acquireRelease(row(state()), () => Effect.ignore(Effect.timeout(leave, "2 seconds")))
        const found = yield* members
        const earlier = found.slice(
          0,
          found.findIndex((member) => member.id === id)
        )
        const refusal = mismatch(about, earlier)
        if (refusal !== undefined) return yield* new WorkerMismatch({ message: refusal })
        yield* Effect.suspend(() => row(state())).pipe(
          Effect.timeout("5 seconds"),
          Effect.ignore,
          Effect.repeat(Schedule.spaced("500 millis")),
          Effect.forkScoped
        )
      })

      return Roster.of({ members, join })
    })
  )
}

/** Why one that is like this cannot work with those that are there, in one sentence; undefined where it can. */
export const mismatch = (
  about: Pick<WorkerAbout, "version" | "weights" | "store">,
  members: ReadonlyArray<WorkerAbout>
): string | undefined => {
  for (const { address, version, weights, store } of members) {
    const differ = (what: string, theirs: string, ours: string, remedy: string) =>
      `The worker at ${address} ${what} ${theirs}, but this is ${ours}: ${remedy}`
    if (version !== about.version) {
      return differ("runs version", version, about.version, "stop the old workers, then start all in one version.")
    }
    if (store !== about.store) {
      return differ("works on", store, `for ${about.store}`, "one database serves one store; use another database.")
    }
    if (weights !== about.weights) {
      const [theirs, ours] = [weights.slice(0, 12), about.weights.slice(0, 12)]
      return differ("has the weights", theirs, ours, "give all workers the same EMBEDDER and YAMNET_MODEL.")
    }
  }
  return undefined
}
