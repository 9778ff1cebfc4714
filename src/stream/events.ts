import { Context, Effect } from "effect"

/** What a run says of itself while it goes on. */
export type RunEvent =
  | { readonly stage: "list"; readonly done: number }
  /** Recordings that are through, of those to embed. */
  | {
      readonly stage: "stream"
      readonly done: number
      readonly total: number
      /** Of a cluster: each worker's clips a second. */
      readonly workers?: ReadonlyArray<{ readonly name: string; readonly rate: number }>
    }
  | { readonly stage: "skip"; readonly key: string; readonly reason: string }
  /** A head was tried: seconds spent of those to spend, and how many heads so far. */
  | {
      readonly stage: "search"
      readonly done: number
      readonly total: number
      readonly heads: number
      readonly name: string
      readonly loss: number | null
    }
  | {
      readonly stage: "train"
      readonly done: number
      readonly total: number
      readonly loss: number
      readonly validationLoss: number | null
    }
  /** Artefacts written. */
  | { readonly stage: "publish"; readonly done: number; readonly total: number }

/** Where a run's events go; nowhere unless somebody listens. */
export const RunEvents = Context.Reference<(event: RunEvent) => Effect.Effect<void>>("ecosight/stream/RunEvents", {
  defaultValue: () => () => Effect.void
})
