import { Effect, Option, Schema } from "effect"
import { Elysia } from "elysia"
import { Embeddings } from "../embeddings/embeddings.ts"
import { readPointer } from "../registry/pointer.ts"
import { promoteVersion, rollback } from "../registry/publish.ts"
import { isRunId } from "../registry/runRecord.ts"
import { Difference, diffVersions, listVersions, showVersion, Version, VersionDetails } from "../registry/versions.ts"
import { Current, readModel } from "./current.ts"
import type { Handle } from "./handle.ts"
import { Predictor } from "./predictor.ts"
import { refuse } from "./refusal.ts"
import { answers, Done, input, open } from "./stated.ts"

const unknown = refuse(404, "There is no such version of the model.")
const known = (id: string) => (isRunId(id) ? Effect.succeed(id) : Effect.fail(unknown))
const asRefusal = { VersionError: () => Effect.fail(unknown) }

const list = Effect.map(listVersions, (versions) => ({
  models: versions.toReversed(),
  promoted: versions.find(({ state }) => state === "promoted")?.runId ?? null
}))

const ConfusionMatrix = Schema.Array(Schema.Array(Schema.Int))
const ModelDetails = Schema.Struct({
  ...VersionDetails.fields,
  /** The version's `performance_metrics.json`, as it is. */
  metrics: Schema.Json,
  /** From it: rows are true classes, columns predictions; empty where nothing was held out. */
  confusion: ConfusionMatrix,
  history: Schema.Record(Schema.String, Schema.Array(Schema.Number))
})

const show = Effect.fnUntraced(function* (id: string) {
  const version = yield* showVersion(yield* known(id))
  const { metrics, history } = yield* readModel(id)
  const scores = Schema.decodeUnknownOption(Schema.Struct({ confusion_matrix: ConfusionMatrix }))(metrics)
  const confusion = Option.match(scores, { onNone: () => [], onSome: ({ confusion_matrix }) => confusion_matrix })
  return { ...version, metrics, confusion, history }
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

const Changed = Schema.Struct({ ...Done, promoted: Schema.String })

/** Versions of the model: list, one, two compared, promote, roll back. */
export const modelRoutes = (handle: Handle) =>
  new Elysia({ name: "models", tags: ["Models"] })
    .get("/models", ({ request }) => handle(request, list), {
      response: answers(Schema.Struct({ models: Schema.Array(Version), promoted: Schema.NullOr(Schema.String) })),
      detail: { ...open, summary: "Every version, newest first" }
    })
    .get("/models/:id", ({ request, params }) => handle(request, show(params.id)), {
      response: answers(ModelDetails, 404),
      detail: { ...open, summary: "A version with its scores and learning curves" }
    })
    .get("/models/:id/compare", ({ request, params, query }) => handle(request, compare(params.id, query.with)), {
      query: input(Schema.Struct({ with: Schema.String }), "with must be the id of another version."),
      response: answers(Difference, 404, 422),
      detail: { ...open, summary: "What changed from this version to another" }
    })
    .post("/models/:id/promote", ({ request, params }) => handle(request, promote(params.id)), {
      parse: "none",
      response: answers(Changed, 401, 404, 409, 422),
      detail: { summary: "Makes a version the one that predicts" }
    })
    .post("/models/rollback", ({ request }) => handle(request, goBack), {
      parse: "none",
      response: answers(Changed, 401, 409, 422),
      detail: { summary: "Goes back to the version that was promoted before" }
    })
