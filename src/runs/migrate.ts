import { Effect, Option, Schema } from "effect"
import { Settings } from "../config/settings.ts"
import type { Embedder } from "../embedder/embedder.ts"
import { embedderOf, type StoredRecipe } from "../embeddings/recipe.ts"
import { readPointer } from "../registry/pointer.ts"
import { newRunId } from "../registry/runRecord.ts"
import { METADATA_FILE, readVersionDocument, VersionRecipe } from "../registry/versionFiles.ts"
import { Store } from "../store/store.ts"
import { requireAllRead } from "../stream/corpusPass.ts"
import { planRun, type RetrainOptions } from "./planRun.ts"
import { embedHere, retrain } from "./retrain.ts"
import { embedderOfVersion, runServices } from "./services.ts"

/** There is nothing to migrate from, or to; `message` is one sentence. */
export class MigrationError extends Schema.TaggedError<MigrationError>()("MigrationError", {
  message: Schema.String
}) {}

/** The promoted version, and the recipe of its vectors; fails where none is promoted that can tell. */
const promotedRecipe = Effect.gen(function* () {
  const { location } = yield* Store
  const pointer = yield* readPointer()
  if (Option.isNone(pointer)) {
    const message = `No model is promoted in ${location}: set EMBEDDER, and bun run retrain trains the first one.`
    return yield* new MigrationError({ message })
  }
  const { runId } = pointer.value
  const metadata = yield* readVersionDocument(runId, METADATA_FILE, VersionRecipe)
  if (Option.isSome(metadata)) return { runId, recipe: metadata.value.recipe }
  return yield* new MigrationError({ message: `${runId}, which is promoted, is damaged: bun run models rollback.` })
})

/** Embeds what has no vectors of this embedder yet; others may train, and the promoted model serves, meanwhile. */
const embedAhead = Effect.fnUntraced(function* (embedder: Embedder, augmentations: number) {
  const settings = yield* Settings
  const { recipe, known, count } = yield* planRun(embedder, augmentations)
  const streamed = yield* embedHere({ ...settings, recipe, known, count, augmentations, audit: false })
  yield* requireAllRead(streamed)
})

/**
 * Leads a store from the promoted model's embedder to another: embeds all recordings anew beside what is there, trains, holds
 * both models against each other on the same held-out recordings, each by its own embedder's vectors, and promotes the new one
 * if it is not worse. Until then, and while it is embedded, the promoted model serves. Nothing of before is removed, so that
 * a rollback is one move of the pointer.
 */
export const migrate = Effect.fn("migrate")(function* (to: Embedder, options: Omit<RetrainOptions, "migrates">) {
  const settings = yield* Settings
  const store = yield* Store
  const { runId, recipe } = yield* promotedRecipe
  const from = embedderOf(recipe).id
  if (from === to.frontEnd.id) {
    const message = `${runId}, which is promoted, hears by ${from} already: bun run retrain trains it anew.`
    return yield* new MigrationError({ message })
  }
  yield* completeHoldout(runId, recipe).pipe(
    Effect.catch(({ message }) =>
      Effect.logWarning(`Recordings without vectors of ${from} are left out of the comparison: ${message}`)
    )
  )
  return yield* Effect.gen(function* () {
    yield* embedAhead(to, options.augmentations)
    // What has landed since is embedded in the run, under the lease.
    const plan = yield* planRun(to, options.augmentations)
    return { from, summary: yield* retrain(yield* newRunId, plan, to, { ...options, migrates: true }) }
  }).pipe(Effect.provide(runServices(store, to, settings)))
})

/** Embeds by the promoted model's embedder what has landed since its last run, so that both judge all that is held out. */
const completeHoldout = Effect.fnUntraced(function* (runId: string, recipe: StoredRecipe) {
  const store = yield* Store
  const settings = yield* Settings
  const embedder = yield* embedderOfVersion(runId, { allowUntrained: false })
  const { augmentations } = recipe.parts
  if (typeof augmentations !== "number") return
  yield* Effect.gen(function* () {
    const plan = yield* planRun(embedder, augmentations)
    if (plan.recipe.id === recipe.id) return yield* embedAhead(embedder, augmentations)
    yield* Effect.logWarning(`${embedder.name} is set up otherwise now than when ${runId} was trained.`)
  }).pipe(Effect.provide(runServices(store, embedder, settings)))
})
