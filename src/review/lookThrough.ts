import { Effect, Layer } from "effect"
import { Settings } from "../config/settings.ts"
import { engineLayer } from "../embedder/choose.ts"
import type { Embedder } from "../embedder/embedder.ts"
import { RunEvents } from "../stream/events.ts"
import { ReviewError, type ReviewStep, reviewedRecipe, reviewRecordings } from "./review.ts"
import { embedUnlabelled, listUnlabelled } from "./unlabelled.ts"

/** What is told of a review while it goes on. */
export interface ReviewListener {
  readonly onStep: (step: ReviewStep) => Effect.Effect<void>
  /** An unlabelled recording cannot be used, and why. */
  readonly onSkip: (key: string, reason: string) => Effect.Effect<void>
  /** The store may not be written, and why: nothing of the review is kept. Where it is absent, that is an error. */
  readonly onUnkept?: (message: string) => Effect.Effect<void>
}

/**
 * A whole review: embeds the unlabelled recordings, where there are any, looks through all that the last training
 * embedded, and leaves what it found in the store. `findEmbedder` is asked only where there is something to embed.
 */
export const lookThrough = Effect.fn("lookThrough")(function* <E, R>(
  findEmbedder: Effect.Effect<Embedder, E, R>,
  { onStep, onSkip, onUnkept }: ReviewListener
) {
  const objects = yield* listUnlabelled
  if (objects.length === 0) return yield* reviewRecordings(onStep, [], onUnkept)
  const { engine, precision } = yield* Settings
  const { parts } = yield* reviewedRecipe
  const embedder = yield* findEmbedder
  if (parts.weights !== embedder.hash) {
    return yield* new ReviewError({
      message: `The last training used other weights than ${embedder.source}: train again, then review.`
    })
  }
  const events = Layer.succeed(RunEvents, (event) => {
    if (event.stage === "skip") return onSkip(event.key, event.reason)
    return event.stage === "stream"
      ? onStep({ stage: "Embedding", unit: "unlabelled", done: event.done, total: event.total })
      : Effect.void
  })
  const unlabelled = yield* embedUnlabelled(objects, embedder).pipe(
    Effect.provide(Layer.merge(engineLayer({ engine, precision, embedder }), events))
  )
  return yield* reviewRecordings(onStep, unlabelled, onUnkept)
})
