import { Schema } from "effect"
import type { RunEvent } from "../../stream/events.ts"
import type { Embedded } from "../retrain.ts"
import { RunSummary } from "../summary.ts"

// What a worker asks of its engine process, and what it hears from it.

/** The settings that a run brings along, so that every worker does as the machine that started it would. */
export const RunSettings = Schema.Struct({
  clipMaxSeconds: Schema.Number,
  maxSkipped: Schema.Number,
  maxRecordingMegabytes: Schema.Number,
  gateTolerance: Schema.Number,
  gateClassTolerance: Schema.Number,
  /** The source of the regular expression, and its flags. */
  groupPattern: Schema.NullOr(Schema.Struct({ source: Schema.String, flags: Schema.String }))
})
export type RunSettings = typeof RunSettings.Type

/** Recordings to embed: `from` to `to`, exclusive, of the shard's file in the store. */
export const ShardTask = Schema.Struct({
  runId: Schema.String,
  file: Schema.String,
  from: Schema.Int,
  to: Schema.Int,
  /** The recipe's id, so that a worker with other weights refuses. */
  recipe: Schema.String,
  clipMaxSeconds: Schema.Number,
  maxRecordingMegabytes: Schema.Number,
  augmentations: Schema.Int,
  audit: Schema.Boolean,
  /** How often it has been tried. */
  attempt: Schema.Int,
  /** Whether nothing else may be embedded beside it: it may be what ended a process. */
  alone: Schema.Boolean
})
export type ShardTask = typeof ShardTask.Type

const Skipped = Schema.Struct({ key: Schema.String, reason: Schema.String })

/** What embedding a shard came to; the vectors are in the store. */
const ShardResult = Schema.Struct({
  embedded: Schema.Int,
  patches: Schema.Int,
  skipped: Schema.Array(Skipped),
  unread: Schema.Array(Schema.String),
  /** The versions of recordings that changed after they were listed: key to ETag. */
  moved: Schema.Record(Schema.String, Schema.String)
})
export type ShardResult = typeof ShardResult.Type

/** The same, and who did it in how long. */
export const ShardOutcome = Schema.Struct({ ...ShardResult.fields, worker: Schema.String, seconds: Schema.Finite })
export type ShardOutcome = typeof ShardOutcome.Type

/** What goes to the engine process. */
export type Request =
  | { readonly kind: "embed"; readonly task: ShardTask }
  | { readonly kind: "finish"; readonly embedded: Embedded; readonly settings: RunSettings }

export type ToProcess =
  | { readonly id: number; readonly request: Request }
  | { readonly id: number; readonly cancel: true }

/** Which engine a process has, and what makes its vectors. */
export interface About {
  readonly engine: "native" | "webgpu"
  readonly adapter: string
  readonly weights: string
  readonly embedder: string
}

/** Why a task failed: the error's tag, and its sentence. */
export interface Failure {
  readonly tag: string
  readonly message: string
}

/** What comes from the engine process. */
export type FromProcess =
  | { readonly kind: "ready"; readonly about: About }
  | { readonly kind: "unusable"; readonly message: string }
  | { readonly kind: "event"; readonly id: number; readonly event: RunEvent }
  | { readonly kind: "succeeded"; readonly id: number; readonly value: unknown }
  | ({ readonly kind: "failed"; readonly id: number } & Failure)

/** What each kind of request is answered with. */
export const ANSWERS = { embed: ShardResult, finish: RunSummary } as const
