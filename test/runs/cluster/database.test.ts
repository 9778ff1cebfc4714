import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { Effect, Fiber, Redacted } from "effect"
import { SqlClient } from "effect/sql"
import { clientLayer } from "../../../src/runs/cluster/connections.ts"
import { checkTables, pruneMessages, redeliver } from "../../../src/runs/cluster/effectTables.ts"
import { createDatabase, needsDatabase, startWorker, withoutDatabase } from "../../support/clusterWorld.ts"

const [REQUEST, INTERRUPT] = [0, 2]

describe.skipIf(withoutDatabase)(`the cluster's tables${needsDatabase}`, () => {
  let database: Awaited<ReturnType<typeof createDatabase>>
  beforeAll(async () => {
    database = await createDatabase()
  })
  afterAll(() => database[Symbol.asyncDispose]())
  const run = <A, E>(effect: Effect.Effect<A, E, SqlClient.SqlClient>) =>
    Effect.runPromise(Effect.provide(effect, clientLayer(Redacted.make(database.url))))

  /** A message of this kind that a worker has read so many seconds ago; its id holds no time, so it is very old. */
  const add = (id: number, kind: number, read: number, processed = false) =>
    database.sql`
      INSERT INTO cluster_messages (id, request_id, shard_id, entity_type, entity_id, kind, processed, last_read)
      VALUES (${id}, ${id}, 'embed:1', 'EmbedShard', 'a', ${kind}, ${processed}, now() - make_interval(secs => ${read}))`
  const ids = async (rows: PromiseLike<ReadonlyArray<{ id: string }>>) => (await rows).map(({ id }) => Number(id))

  test("tables that are not as this version of effect makes them are refused, in a sentence that says what differs", async () => {
    const known = "Workers know the cluster's tables as effect 4.1.0 makes them, but"
    const remedy = "use the version of this program that made them, on all machines."
    await run(checkTables())
    expect(await run(Effect.flip(checkTables("4.2.0")))).toMatchObject({
      _tag: "DatabaseError",
      message: `${known} effect is of version 4.2.0: ${remedy}`
    })
    await database.sql`ALTER TABLE cluster_messages RENAME COLUMN last_read TO read_at`
    const worker = await startWorker(database.url, "no such folder", { engine: "1" }).catch(String)
    expect(worker).toContain(`${known} the database has no cluster_messages.last_read: ${remedy}`)
    await database.sql`ALTER TABLE cluster_messages RENAME COLUMN read_at TO last_read`
  }, 240_000)

  test("what was read long ago and never answered is offered again, whoever has dropped it", async () => {
    await run(Effect.void)
    await add(1, REQUEST, 40)
    await add(2, REQUEST, 10)
    await add(3, REQUEST, 40, true)
    await add(4, INTERRUPT, 40)
    await run(redeliver)
    expect(await ids(database.sql`SELECT id FROM cluster_messages WHERE last_read IS NULL`)).toEqual([1])
  })

  test("a request that nobody has answered stays, with what came after it; an interruption goes", async () => {
    await database.sql`DELETE FROM cluster_messages`
    await add(1, REQUEST, 0, true)
    await add(2, INTERRUPT, 0)
    await add(3, REQUEST, 0)
    await add(4, REQUEST, 0, true)
    await run(pruneMessages(5000))
    expect(await ids(database.sql`SELECT id FROM cluster_messages ORDER BY id`)).toEqual([1, 2, 3, 4])
    await run(pruneMessages(0))
    expect(await ids(database.sql`SELECT id FROM cluster_messages ORDER BY id`)).toEqual([3, 4])
  })

  test("a worker that is frozen within a transaction keeps nobody from a message for long", async () => {
    await database.sql`DELETE FROM cluster_messages`
    await add(1, REQUEST, 0)
    const answer = Effect.flatMap(SqlClient.SqlClient, (sql) => sql`UPDATE cluster_messages SET processed = TRUE`)
    const written = Promise.withResolvers<void>()
    const frozen = Effect.runFork(
      Effect.flatMap(SqlClient.SqlClient, (sql) =>
        sql.withTransaction(Effect.andThen(Effect.tap(answer, Effect.sync(written.resolve)), Effect.never))
      ).pipe(Effect.provide(clientLayer(Redacted.make(database.url))))
    )
    await written.promise
    await run(answer)
    expect(await ids(database.sql`SELECT id FROM cluster_messages WHERE processed`)).toEqual([1])
    await Effect.runPromise(Fiber.interrupt(frozen))
  })
})
