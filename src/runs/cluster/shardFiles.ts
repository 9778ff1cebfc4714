import { Effect, Option, Schema, Stream } from "effect"
import { KnownRecordings } from "../../embeddings/sighting.ts"
import { readDocument, writeDocument } from "../../store/documents.ts"
import { shardKey, shardsPrefix } from "../../store/keys.ts"
import { ObjectInfo, removeUnneeded, Store, StoreError } from "../../store/store.ts"

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

const Contents = Schema.Array(Schema.String)

/** Where a run's round has written down the contents (hex SHA-256) that are embedded already. */
export const contentsKey = (runId: string, round: number): string => `${shardsPrefix(runId)}${round}-contents.json`

/** Writes them down, so that no worker embeds them again wherever else they lie. */
export const writeContents = (runId: string, round: number, contents: Iterable<string>) =>
  writeDocument(contentsKey(runId, round), Contents, [...contents])

let latest: { readonly key: string; readonly contents: ReadonlyArray<string> } | undefined

/** What is written there, read once for all shards of a round; nothing where `key` is null. */
export const readContents = Effect.fnUntraced(function* (key: string | null) {
  const known = new KnownRecordings()
  if (key === null) return known
  if (latest?.key !== key) {
    const found = yield* readDocument(key, Contents).pipe(Effect.catchTag("DocumentError", Effect.die))
    latest = { key, contents: Option.match(found, { onNone: () => [], onSome: ({ value }) => value }) }
  }
  for (const contentHash of latest.contents) known.embed(contentHash)
  return known
})

/** Removes all shards of a run, and what it has written down for them. */
export const removeShards = Effect.fnUntraced(function* (runId: string) {
  const store = yield* Store
  yield* store.list(shardsPrefix(runId)).pipe(
    Stream.mapEffect(({ key }) => removeUnneeded([key]), { concurrency: 16 }),
    Stream.runDrain
  )
})
