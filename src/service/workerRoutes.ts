import { Effect, Option } from "effect"
import { Elysia } from "elysia"
import type { Run } from "./routes.ts"
import { Workers } from "./workers.ts"

const list = Effect.gen(function* () {
  const { members } = yield* Workers
  const found = yield* members
  return {
    clustered: Option.isSome(found),
    workers: Option.getOrElse(found, () => []).map(({ lanes: _, ...worker }) => worker)
  }
})

/** The cluster's workers: who is there, and what they are at. */
export const workerRoutes = (run: Run) =>
  new Elysia({ name: "workers", tags: ["Workers"] }).get("/workers", ({ request }) => run(request, list), {
    detail: { summary: "Workers of the cluster, with engine, clips a second and current shards" }
  })
