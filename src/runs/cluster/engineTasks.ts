import { Effect, Schema, Stream } from "effect"
import { Settings } from "../../config/settings.ts"
import type { Embedder } from "../../embedder/embedder.ts"
import { Engine } from "../../embedder/engine.ts"
import { makeRecipe } from "../../embeddings/recipe.ts"
import { answer } from "../../processes/program.ts"
import { embedCorpus } from "../../stream/embed.ts"
import { RunEvents } from "../../stream/events.ts"
import { finish } from "../retrain.ts"
import { EngineProtocol, type ShardResult, type ShardTask } from "./engineProtocol.ts"
import { withRunSettings } from "./runSettings.ts"
import { readContents, readShard } from "./shardFiles.ts"

/** This worker would compute other vectors than the run is made of. */
export class RecipeMismatch extends Schema.TaggedError<RecipeMismatch>()("RecipeMismatch", {
  message: Schema.String
}) {}

/** Embeds the recordings of a shard and writes them as parts, always the same ones. */
export const embedShard = Effect.fn("embedShard")(function* (embedder: Embedder, task: ShardTask) {
  const { fetchConcurrency, precision } = yield* Settings
  const recipe = makeRecipe(embedder, { ...task, precision })
  if (recipe.id !== task.recipe) {
    return yield* new RecipeMismatch({
      message: `This worker would make vectors of recipe ${recipe.id}, but the run is made of ${task.recipe}: give all workers the same version, weights and PRECISION.`
    })
  }
  const objects = (yield* readShard(task.file)).slice(task.from, task.to)
  const result = yield* embedCorpus({
    ...task,
    recipe,
    objects: Stream.fromIterable(objects),
    known: yield* readContents(task.contents),
    count: { recordings: objects.length, stored: 0, fresh: objects.length, classes: [], others: 0 },
    // How many may be unusable is for the run to judge.
    maxSkipped: 1,
    fetchConcurrency,
    repeatable: true
  })
  const { embedded, moved, patches, skipped, noted, unread } = result
  return { embedded, patches, skipped, noted, unread, moved: Object.fromEntries(moved) } satisfies ShardResult
})

/** Says what this process's engine is, and does a worker's tasks with it, several at once. */
export const answerTasks = Effect.fn("answerTasks")(function* (embedder: Embedder) {
  const { name: engine, adapter } = yield* Engine
  return yield* answer(
    EngineProtocol,
    { engine, adapter, weights: embedder.hash, embedder: embedder.name },
    {
      embed: (task, tell) => Effect.provideService(embedShard(embedder, task), RunEvents, tell),
      finish: ({ embedded, settings }, tell) =>
        finish(embedder, embedded).pipe(withRunSettings(settings), Effect.provideService(RunEvents, tell))
    }
  )
})
