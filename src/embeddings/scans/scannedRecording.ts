import { Schema } from "effect"
import type { CodedVectors } from "./coding.ts"

/** What a recorder said of a recording: in its file, or by the file's name. */
export const RecorderFacts = Schema.Struct({
  /** The recorder's own id, such as an AudioMoth's serial number. */
  recorder: Schema.optionalKey(Schema.String),
  /** When the recording starts by the recorder's clock, as ISO 8601, with the offset from UTC where that is told. */
  startedAt: Schema.optionalKey(Schema.String),
  /** Degrees Celsius. */
  temperature: Schema.optionalKey(Schema.Finite),
  /** Volts. */
  battery: Schema.optionalKey(Schema.Finite)
})
export type RecorderFacts = typeof RecorderFacts.Type

/** A field recording that was heard to its end. */
export const ScannedRecording = Schema.Struct({
  /** Where it lay when it was heard, and in which version. */
  key: Schema.String,
  etag: Schema.String,
  /** Bytes. */
  size: Schema.Int,
  /** Hex SHA-256 of its bytes: what it is, wherever it lies. */
  contentHash: Schema.String,
  /** Hex SHA-256 of its first bytes, which tells whether another may be a copy before all of it is read. */
  beginning: Schema.String,
  /** The first folder below `field_audio/`; empty where it lies in none. */
  site: Schema.String,
  /** What could be heard of it. */
  seconds: Schema.Finite,
  windows: Schema.Int,
  /** Of the file, in Hz. */
  sampleRate: Schema.Finite,
  /** What reading it took that is not usual, a sentence each: wrong lengths, missing ends, gaps. */
  repairs: Schema.Array(Schema.String),
  facts: RecorderFacts
})
export type ScannedRecording = typeof ScannedRecording.Type

/** Consecutive windows of one recording, as a part stores them: a row of it. */
export interface WindowSegment {
  /** The recording, in the version that was heard. */
  readonly key: string
  readonly etag: string
  /** The place of the segment's first window in the recording. */
  readonly first: number
  readonly windows: CodedVectors
  /** In the last segment of a recording: what was heard, all in all. */
  readonly recording?: ScannedRecording
}
