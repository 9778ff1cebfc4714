import { Context, Effect, Schema } from "effect"
import { type FrontEnd, rowSize } from "./frontEnd.ts"

/** An engine that cannot start or run; `message` is one sentence. */
export class EngineError extends Schema.TaggedError<EngineError>()("EngineError", { message: Schema.String }) {}

/** What a network's weights and features are kept in while it runs. */
export const PRECISIONS = ["float32", "float16"] as const
export type Precision = (typeof PRECISIONS)[number]
/** What vectors are made in: `int8` is another network, whose weights and features were rounded to eight bits. */
export type RecipePrecision = Precision | "int8"

/** Where an embedder's network runs. One per process, on its main thread. */
export class Engine extends Context.Service<
  Engine,
  {
    readonly name: "native" | "webgpu"
    /** The device, in words. */
    readonly adapter: string
    /** Why this engine and not the other, in one sentence. */
    readonly why: string
    /** What the patches come from, and the sizes of what goes in and comes out. */
    readonly frontEnd: FrontEnd
    /** The most patches that `embed` takes; fewer may cost as much. */
    readonly batch: number
    /** How many batches to ask for at once, so that none of its processors waits for the next. */
    readonly atOnce: number
    /** What went wrong with the device so far and was made good, a sentence each. */
    readonly faults: Effect.Effect<ReadonlyArray<string>>
    /** Patches [n * patchSize] to rows [n * rowSize], 1 <= n <= batch. The patches may be overwritten after. */
    readonly embed: (patches: Float32Array) => Effect.Effect<Float32Array, EngineError>
  }
>()("ecosight/embedder/Engine") {}

/** How many patches these are; fails unless they are whole, at least one and at most `batch`. */
export const countPatches = (
  patches: Float32Array,
  { patchSize }: Pick<FrontEnd, "patchSize">,
  batch: number
): Effect.Effect<number, EngineError> => {
  const count = patches.length / patchSize
  if (Number.isInteger(count) && count >= 1 && count <= batch) return Effect.succeed(count)
  const message = `An engine takes 1 to ${batch} patches of ${patchSize} values, not ${patches.length} values`
  return Effect.fail(new EngineError({ message }))
}

/** The rows [n * rowSize] of any number of patches, [n * patchSize]. */
export const embedPatches = (
  { frontEnd, batch, atOnce, embed }: Engine["Service"],
  patches: Float32Array
): Effect.Effect<Float32Array, EngineError> => {
  const { patchSize } = frontEnd
  const size = rowSize(frontEnd)
  const count = patches.length / patchSize
  const rows = new Float32Array(count * size)
  return Effect.forEach(
    Array.from({ length: Math.ceil(count / batch) }, (_, number) => number * batch),
    (at) =>
      Effect.map(embed(patches.subarray(at * patchSize, Math.min(count, at + batch) * patchSize)), (own) =>
        rows.set(own, at * size)
      ),
    { concurrency: atOnce, discard: true }
  ).pipe(Effect.as(rows))
}
