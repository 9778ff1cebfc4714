import { Effect, Schema, Stream } from "effect"
import { Settings } from "../../config/settings.ts"
import type { Embedder } from "../../embedder/embedder.ts"
import { Engine } from "../../embedder/engine.ts"
import { makeRecipe } from "../../embeddings/recipe.ts"
import { makeScanRecipe } from "../../embeddings/scans/scanRecipe.ts"
import { Scans } from "../../embeddings/scans/scans.ts"
import { answer } from "../../processes/program.ts"
import type { ObjectInfo } from "../../store/store.ts"
import { embedCorpus } from "../../stream/embed.ts"
import { RunEvents } from "../../stream/events.ts"
import { Listeners } from "../../stream/field/listeners.ts"
import { finish } from "../finish.ts"
import { hear } from "../scan/hear.ts"
import {
  EngineProtocol,
  type HearResult,
  type Shard,
  type ShardResult,
  type ShardTally,
  type ShardTask
} from "./engineProtocol.ts"
import { withRunSettings } from "./runSettings.ts"
import { readContents, readShard } from "./shardFiles.ts"

/** This worker would compute other vectors than the run is made of. */
export class RecipeMismatch extends Schema.TaggedError<RecipeMismatch>()("RecipeMismatch", {
  message: Schema.String
}) {}

const checkRecipe = (id: string, { recipe }: Shard) =>
  id === recipe
    ? Effect.void
    : new RecipeMismatch({
        message: `This worker would make vectors of recipe ${id}, but others are made of ${recipe}: give all workers the same version, weights and PRECISION, and the same PRECISION to who asks.`
      })

/** Embeds the recordings of a shard and writes them as parts, always the same ones. */
export const embedShard = Effect.fn("embedShard")(function* (embedder: Embedder, task: ShardTask) {
  const { fetchConcurrency, precision } = yield* Settings
  const recipe = makeRecipe(embedder, { ...task, precision })
  yield* checkRecipe(recipe.id, task)
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

/**
 * Hears the field recordings of a shard that are not heard to their end yet, each from where it was left; `tell` is told how
 * much of the shard is heard by now.
 */
export const hearShard = Effect.fn("hearShard")(function* (
  embedder: Embedder,
  task: Shard,
  tell: (heard: ShardTally) => Effect.Effect<void>
) {
  const { precision, workers } = yield* Settings
  const recipe = makeScanRecipe(embedder, precision)
  yield* checkRecipe(recipe.id, task)
  const objects = (yield* readShard(task.file)).slice(task.from, task.to)
  const known = yield* (yield* Scans).index(recipe)
  const skipped: Array<HearResult["skipped"][number]> = []
  let heard: ShardTally = { recordings: 0, bytes: 0, seconds: 0 }
  const add = ({ recordings = 0, bytes = 0, seconds = 0 }: Partial<ShardTally>) => {
    heard = {
      recordings: heard.recordings + recordings,
      bytes: heard.bytes + bytes,
      seconds: heard.seconds + seconds
    }
    return tell(heard)
  }
  const fresh: Array<ObjectInfo> = []
  for (const object of objects) {
    // By a worker that has died.
    const before = known.recordings.get(known.contentOf(object) ?? "")
    if (before === undefined) fresh.push(object)
    else yield* add({ recordings: 1, bytes: object.size, seconds: before.seconds })
  }
  yield* Stream.unwrap(
    hear(Stream.fromIterable(fresh), {
      recipe,
      known,
      listeners: workers,
      emit: (event) => {
        if (event.stage === "heard") return add({ bytes: event.bytes, seconds: event.seconds })
        const { key, reason } = event
        skipped.push({ key, reason })
        return Effect.void
      }
    })
  ).pipe(
    Stream.runForEach(() => add({ recordings: 1 })),
    Effect.provide(Listeners.layer({ count: workers, maxWholeBytes: task.maxRecordingMegabytes * 1e6 }))
  )
  return { heard, skipped } satisfies HearResult
})

/** Says what this process's engine is, and does a worker's tasks with it, several at once. */
export const answerTasks = Effect.fn("answerTasks")(function* (embedder: Embedder) {
  const { name: engine, adapter } = yield* Engine
  return yield* answer(
    EngineProtocol,
    { engine, adapter, weights: embedder.hash, embedder: embedder.name },
    {
      embed: (task, tell) => Effect.provideService(embedShard(embedder, task), RunEvents, tell),
      hear: (task, tell) => hearShard(embedder, task, tell),
      finish: ({ embedded, settings }, tell) =>
        finish(embedder, embedded).pipe(withRunSettings(settings), Effect.provideService(RunEvents, tell))
    }
  )
})
