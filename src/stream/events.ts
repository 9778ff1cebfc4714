import { Context, Effect, Schema } from "effect"

const count = { done: Schema.Number, total: Schema.Number }

/** What a run says of itself while it goes on. */
export const RunEvent = Schema.Union([
  Schema.Struct({ stage: Schema.Literal("list"), done: Schema.Number }),
  /** Recordings that are through, of those to embed. */
  Schema.Struct({
    stage: Schema.Literal("stream"),
    ...count,
    /** Of a cluster: each worker's clips a second. */
    workers: Schema.optionalKey(Schema.Array(Schema.Struct({ name: Schema.String, rate: Schema.Number })))
  }),
  Schema.Struct({ stage: Schema.Literal("skip"), key: Schema.String, reason: Schema.String }),
  /** A head was tried: seconds spent of those to spend, and how many heads so far. */
  Schema.Struct({
    stage: Schema.Literal("search"),
    ...count,
    heads: Schema.Number,
    name: Schema.String,
    loss: Schema.NullOr(Schema.Number)
  }),
  Schema.Struct({
    stage: Schema.Literal("train"),
    ...count,
    loss: Schema.Number,
    validationLoss: Schema.NullOr(Schema.Number)
  }),
  /** Minutes of soundscape made to train on what a scan hears. */
  Schema.Struct({ stage: Schema.Literal("mix"), ...count }),
  /** Artefacts written. */
  Schema.Struct({ stage: Schema.Literal("publish"), ...count })
])
export type RunEvent = typeof RunEvent.Type

/** Where a run's events go; nowhere unless somebody listens. */
export const RunEvents = Context.Reference<(event: RunEvent) => Effect.Effect<void>>("ecosight/stream/RunEvents", {
  defaultValue: () => () => Effect.void
})
