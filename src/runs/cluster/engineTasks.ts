import { Effect, Exit, Fiber, Option, Schema, Stream } from "effect"
import { Settings } from "../../config.ts"
import type { Embedder } from "../../embedder/embedder.ts"
import { Engine } from "../../embedder/engine.ts"
import { makeRecipe } from "../../embeddings/recipe.ts"
import { Store } from "../../store/store.ts"
import { embedCorpus } from "../../stream/embed.ts"
import { RunEvents } from "../../stream/events.ts"
import { finish } from "../retrain.ts"
import { ShardFile } from "./shards.ts"
import type { FromProcess, Request, RunSettings, ShardResult, ShardTask, ToProcess } from "./tasks.ts"

/** This worker would compute other vectors than the run is made of. */
export class RecipeMismatch extends Schema.TaggedError<RecipeMismatch>()("RecipeMismatch", {
  message: Schema.String
}) {}

/** The settings of this process, with what the run brings along. */
export const withRunSettings = ({ groupPattern, ...own }: RunSettings) =>
  Effect.updateService(Settings, (settings) => ({
    ...settings,
    ...own,
    groupPattern: Option.map(Option.fromNullOr(groupPattern), ({ source, flags }) => new RegExp(source, flags))
  }))

/** What a run takes along of the settings here. */
export const runSettings = (settings: Settings["Service"]): RunSettings => ({
  clipMaxSeconds: settings.clipMaxSeconds,
  maxSkipped: settings.maxSkipped,
  maxRecordingMegabytes: settings.maxRecordingMegabytes,
  gateTolerance: settings.gateTolerance,
  gateClassTolerance: settings.gateClassTolerance,
  groupPattern: Option.getOrNull(Option.map(settings.groupPattern, ({ source, flags }) => ({ source, flags })))
})

/** Embeds the recordings of a shard and writes them as parts, always the same ones. */
export const embedShard = Effect.fn("embedShard")(function* (embedder: Embedder, task: ShardTask) {
  const store = yield* Store
  const { fetchConcurrency, precision } = yield* Settings
  const recipe = makeRecipe(embedder, { ...task, precision })
  if (recipe.id !== task.recipe) {
    return yield* new RecipeMismatch({
      message: `This worker would make vectors of recipe ${recipe.id}, but the run is made of ${task.recipe}: give all workers the same version, weights and PRECISION.`
    })
  }
  const { bytes } = yield* store.get(task.file)
  const file = yield* Schema.decodeUnknownEffect(ShardFile)(new TextDecoder().decode(bytes)).pipe(Effect.orDie)
  const objects = file.slice(task.from, task.to)
  const result = yield* embedCorpus({
    ...task,
    recipe,
    objects: Stream.fromIterable(objects),
    stored: new Map(),
    count: { recordings: objects.length, stored: 0, fresh: objects.length, classes: [] },
    // How many may be unusable is for the run to judge.
    maxSkipped: 1,
    fetchConcurrency,
    repeatable: true
  })
  const listed = new Map(objects.map(({ key, etag }) => [key, etag]))
  const moved = [...result.live].filter(([key, etag]) => listed.get(key) !== etag)
  const { embedded, patches, skipped, unread } = result
  return { embedded, patches, skipped, unread, moved: Object.fromEntries(moved) } satisfies ShardResult
})

const answer = Effect.fnUntraced(function* (embedder: Embedder, request: Request) {
  return request.kind === "embed"
    ? yield* embedShard(embedder, request.task)
    : yield* withRunSettings(request.settings)(finish(embedder, request.embedded))
})

/**
 * Answers a worker's requests, several at once, and tells how they go, until the worker is gone.
 *
 * `tell` sends to the worker; `listen` is given what to do with each message.
 */
export const answerTasks = Effect.fn("answerTasks")(function* (
  embedder: Embedder,
  tell: (message: FromProcess) => void,
  listen: (take: (message: ToProcess) => void) => void
) {
  const engine = yield* Engine
  const running = new Map<number, Fiber.Fiber<unknown, unknown>>()
  const context = yield* Effect.context<Effect.Services<ReturnType<typeof answer>>>()
  const fork = Effect.runForkWith(context)
  listen((message) => {
    if ("cancel" in message) {
      const fiber = running.get(message.id)
      if (fiber !== undefined) Effect.runFork(Fiber.interrupt(fiber))
      return
    }
    const { id, request } = message
    const fiber = fork(
      answer(embedder, request).pipe(
        Effect.provideService(RunEvents, (event) => Effect.sync(() => tell({ kind: "event", id, event }))),
        Effect.matchEffect({
          onSuccess: (value) => Effect.sync(() => tell({ kind: "succeeded", id, value })),
          onFailure: ({ _tag: tag, message }) => Effect.sync(() => tell({ kind: "failed", id, tag, message }))
        }),
        Effect.onExit((exit) => {
          running.delete(id)
          // A defect is as good as a death: the worker hears of it, and tries the task elsewhere.
          return Exit.isSuccess(exit)
            ? Effect.void
            : Effect.sync(() => tell({ kind: "failed", id, tag: "Defect", message: String(exit.cause) }))
        })
      )
    )
    running.set(id, fiber)
  })
  tell({
    kind: "ready",
    about: { engine: engine.name, adapter: engine.adapter, weights: embedder.hash, embedder: embedder.name }
  })
  return yield* Effect.never
})
