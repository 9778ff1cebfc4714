import { Effect, Option, Schema, Struct } from "effect"
import { Elysia } from "elysia"
import { Member } from "../runs/cluster/roster.ts"
import type { Handle } from "./handle.ts"
import { answers } from "./stated.ts"
import { Workers } from "./workers.ts"

const Cluster = Schema.Struct({
  clustered: Schema.Boolean,
  workers: Schema.Array(Schema.Struct(Struct.omit(Member.fields, ["lanes"])))
})

const list = Effect.map(
  Workers.use(({ members }) => members),
  (found): typeof Cluster.Type => ({ clustered: Option.isSome(found), workers: Option.getOrElse(found, () => []) })
)

/** The cluster's workers: who is there, and what they are at. */
export const workerRoutes = (handle: Handle) =>
  new Elysia({ name: "workers", tags: ["Workers"] }).get("/workers", ({ request }) => handle(request, list), {
    response: answers(Cluster, 401),
    detail: { summary: "Workers of the cluster, with engine, clips a second and current shards" }
  })
