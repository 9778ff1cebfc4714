import { Schema } from "effect"
import { ClusterSchema, Entity } from "effect/cluster"
import { Rpc } from "effect/rpc"
import { EMBED_GROUP } from "./connections.ts"
import { HearResult, Shard, ShardOutcome, ShardTask } from "./engineProtocol.ts"

/**
 * A shard that a worker could not do.
 *
 * - `died`: it may be the shard's own doing
 * - `store`: the store did not answer, or refused
 * - `refused`: this worker cannot do it, and no other will
 */
export class ShardFailed extends Schema.TaggedError<ShardFailed>()("ShardFailed", {
  reason: Schema.Literals(["died", "store", "refused"]),
  worker: Schema.String,
  message: Schema.String
}) {}

/** Embeds or hears one shard: kept by the database until it is answered, so that another worker takes over from one that dies. */
export const ShardEntity = Entity.make("EmbedShard", [
  Rpc.make("embed", {
    payload: ShardTask.fields,
    success: ShardOutcome,
    error: ShardFailed,
    primaryKey: () => "embed"
  }).annotate(ClusterSchema.Persisted, true),
  Rpc.make("hear", {
    payload: Shard.fields,
    success: HearResult,
    error: ShardFailed,
    primaryKey: () => "hear"
  }).annotate(ClusterSchema.Persisted, true)
]).annotate(ClusterSchema.ShardGroup, () => EMBED_GROUP)
