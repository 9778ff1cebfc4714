import { Effect } from "effect"
import { Elysia } from "elysia"
import { Embeddings } from "../embeddings/embeddings.ts"
import { readPointer } from "../registry/pointer.ts"
import { promoteVersion, rollback } from "../registry/publish.ts"
import { isRunId } from "../registry/runRecord.ts"
import { diffVersions, listVersions, showVersion } from "../registry/versions.ts"
import { Current, readModel } from "./current.ts"
import { Predictor } from "./predictor.ts"
import { refuse } from "./refusal.ts"
import { queryOf, type Run } from "./routes.ts"

const unknown = refuse(404, "There is no such version of the model.")
const known = (id: string) => (isRunId(id) ? Effect.succeed(id) : Effect.fail(unknown))
const asRefusal = { VersionError: () => Effect.fail(unknown) }

const list = Effect.map(listVersions, (versions) => ({
  models: versions.toReversed(),
  promoted: versions.find(({ state }) => state === "promoted")?.runId ?? null
}))

const show = Effect.fnUntraced(function* (id: string) {
  const version = yield* showVersion(yield* known(id))
  const { metrics, history } = yield* readModel(id)
  return { ...version, metrics, history }
}, Effect.catchTags(asRefusal))

const compare = Effect.fnUntraced(function* (id: string, other: string) {
  return yield* diffVersions(yield* known(id), yield* known(other)).pipe(Effect.provide(Embeddings.layer))
}, Effect.catchTags(asRefusal))

/** Lets the service see a promotion at once, and loads the model before anybody asks for a prediction. */
const changeOver = Effect.gen(function* () {
  yield* (yield* Current).forget
  yield* (yield* Predictor).warm
})

const promote = Effect.fnUntraced(function* (id: string) {
  yield* promoteVersion(yield* known(id), yield* readPointer())
  yield* changeOver
  return { success: true, message: `${id} is promoted.`, promoted: id }
}, Effect.catchTags(asRefusal))

const goBack = rollback().pipe(
  Effect.catchTag("VersionError", () => Effect.fail(refuse(409, "There is no earlier version to go back to."))),
  Effect.tap(() => changeOver),
  Effect.map(({ runId, from }) => ({ success: true, message: `Back from ${from} to ${runId}.`, promoted: runId }))
)

/** Versions of the model: list, one, two compared, promote, roll back. */
export const modelRoutes = (run: Run) =>
  new Elysia({ name: "models", tags: ["Models"] })
    .get("/models", ({ request }) => run(request, list), { detail: { summary: "Every version, newest first" } })
    .get("/models/:id", ({ request, params }) => run(request, show(params.id)), {
      detail: { summary: "A version with its scores and learning curves" }
    })
    .get(
      "/models/:id/compare",
      ({ request, params }) => run(request, compare(params.id, queryOf(request).get("with") ?? "")),
      { detail: { summary: "What changed from this version to ?with" } }
    )
    .post("/models/:id/promote", ({ request, params }) => run(request, promote(params.id)), {
      parse: "none",
      detail: { summary: "Makes a version the one that predicts" }
    })
    .post("/models/rollback", ({ request }) => run(request, goBack), {
      parse: "none",
      detail: { summary: "Goes back to the version that was promoted before" }
    })
