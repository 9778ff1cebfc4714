import { Predicate, Schema } from "effect"
import type { Protocol } from "../../processes/protocol.ts"
import { RunEvent } from "../../stream/events.ts"
import type { Embedded } from "../retrain.ts"
import { RunSummary } from "../summary.ts"
import { RunSettings } from "./runSettings.ts"

// What a worker asks of its engine process, and what it hears from it.

/** Recordings to embed: `from` to `to`, exclusive, of the shard's file in the store. */
export const ShardTask = Schema.Struct({
  runId: Schema.String,
  file: Schema.String,
  /** The key of the document with the contents that are embedded already; null where there are none. */
  contents: Schema.NullOr(Schema.String),
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
const Noted = Schema.Struct({ key: Schema.String, note: Schema.String })

/** What embedding a shard came to; the vectors are in the store. */
const ShardResult = Schema.Struct({
  embedded: Schema.Int,
  patches: Schema.Int,
  skipped: Schema.Array(Skipped),
  noted: Schema.Array(Noted),
  unread: Schema.Array(Schema.String),
  /** Recordings that changed after they were listed, or that were listed without a version: key to content. */
  moved: Schema.Record(Schema.String, Schema.String)
})
export type ShardResult = typeof ShardResult.Type

/** The same, and who did it in how long. */
export const ShardOutcome = Schema.Struct({ ...ShardResult.fields, worker: Schema.String, seconds: Schema.Finite })
export type ShardOutcome = typeof ShardOutcome.Type

/** Which engine a process has, and what makes its vectors. */
const About = Schema.Struct({
  engine: Schema.Literals(["native", "webgpu"]),
  adapter: Schema.String,
  weights: Schema.String,
  embedder: Schema.String
})

/** What the first stage left: it never leaves the machine, so that only its kind is looked at. */
const EmbeddedHere = Schema.declare(
  (value): value is Embedded => Predicate.hasProperty(value, "recipe") && Predicate.hasProperty(value, "streamed")
)

/** The slowest recording gets 60 s: a shard of which nothing is heard for twice that hangs. */
const PATIENCE = 120_000

/** What a worker asks of its engine process; both kinds tell how they go as a run does. */
export const EngineProtocol = {
  name: "engine",
  about: About,
  calls: {
    embed: { payload: ShardTask, event: RunEvent, answer: ShardResult, patience: PATIENCE },
    finish: {
      payload: Schema.Struct({ embedded: EmbeddedHere, settings: RunSettings }),
      event: RunEvent,
      answer: RunSummary
    }
  },
  inTurn: false
} satisfies Protocol
