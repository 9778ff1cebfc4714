import { Effect, Option, Schema, Stream } from "effect"
import { readDocument, writeDocument } from "../../store/documents.ts"
import { shardKey, shardsPrefix } from "../../store/keys.ts"
import { ObjectInfo, Store, StoreError } from "../../store/store.ts"

// A shard's recordings, as a document in the store until the run ends.

const Shard = Schema.Array(ObjectInfo)

/** Writes down a shard of a run's round; how many recordings it has. */
export const writeShard = (runId: string, round: number, shard: number, objects: ReadonlyArray<ObjectInfo>) =>
  Effect.as(writeDocument(shardKey(runId, round, shard), Shard, objects), objects.length)

/** The recordings of the shard at this key. */
export const readShard = Effect.fnUntraced(function* (key: string) {
  // What is not a shard's is another program's doing.
  const found = yield* readDocument(key, Shard).pipe(Effect.catchTag("DocumentError", Effect.die))
  if (Option.isSome(found)) return found.value.value
  const { location } = yield* Store
  return yield* new StoreError({ reason: "missing", key, message: `${location}/${key} is not there any more.` })
})

/** Removes all shards of a run. */
export const removeShards = Effect.fnUntraced(function* (runId: string) {
  const store = yield* Store
  yield* store.list(shardsPrefix(runId)).pipe(
    Stream.mapEffect(({ key }) => store.remove(key), { concurrency: 16 }),
    Stream.runDrain
  )
})
