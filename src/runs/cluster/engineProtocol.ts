import { Predicate, Schema } from "effect"
import { FURTHER_NAMES } from "../../config/forms.ts"
import type { Protocol } from "../../processes/protocol.ts"
import { RunEvent } from "../../stream/events.ts"
import type { Embedded } from "../finish.ts"
import { RunSummary } from "../summary.ts"
import { RunSettings } from "./runSettings.ts"

// What a worker asks of its engine process, and what it hears from it.

/** Recordings to embed, or to hear as far as they are not heard yet: `from` to `to`, exclusive, of the shard's file in the store. */
export const Shard = Schema.Struct({
  /** Of the run, or of the scan. */
  runId: Schema.String,
  file: Schema.String,
  from: Schema.Int,
  to: Schema.Int,
  /** The recipe's id, so that a worker with other weights refuses. */
  recipe: Schema.String,
  maxRecordingMegabytes: Schema.Number,
  /** How often it has been tried. */
  attempt: Schema.Int,
  /** Whether nothing else may be done beside it: it may be what ended a process. */
  alone: Schema.Boolean
})
export type Shard = typeof Shard.Type

/** What a shard is called where people read of it. */
export const shardName = ({ file, from, to }: Pick<Shard, "file" | "from" | "to">): string =>
  `${file.slice(file.lastIndexOf("/") + 1, -".json".length)} ${from}-${to}`

/** Recordings to embed, and how. */
export const ShardTask = Schema.Struct({
  ...Shard.fields,
  /** The key of the document with the contents that are embedded already; null where there are none. */
  contents: Schema.NullOr(Schema.String),
  clipMaxSeconds: Schema.Number,
  augmentations: Schema.Int,
  variants: Schema.optionalKey(Schema.Array(Schema.Literals(FURTHER_NAMES))),
  audit: Schema.Boolean
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

/** So much was heard of field recordings, and so many to their end. */
export const ShardTally = Schema.Struct({ recordings: Schema.Int, bytes: Schema.Finite, seconds: Schema.Finite })
export type ShardTally = typeof ShardTally.Type

/** What hearing a shard came to; the vectors are in the store. */
export const HearResult = Schema.Struct({ heard: ShardTally, skipped: Schema.Array(Skipped) })
export type HearResult = typeof HearResult.Type

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
/** What is heard tells of each block; what may be a copy is read to its end before it tells. */
const HEARING_PATIENCE = 600_000

/** What a worker asks of its engine process; it tells how it goes. */
export const EngineProtocol = {
  name: "engine",
  about: About,
  calls: {
    embed: { payload: ShardTask, event: RunEvent, answer: ShardResult, patience: PATIENCE },
    hear: { payload: Shard, event: ShardTally, answer: HearResult, patience: HEARING_PATIENCE },
    finish: {
      payload: Schema.Struct({ embedded: EmbeddedHere, settings: RunSettings }),
      event: RunEvent,
      answer: RunSummary
    }
  },
  inTurn: false
} satisfies Protocol
