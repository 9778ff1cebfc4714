import { Schema } from "effect"

/** What a model heard in a recording: one class, from one instant to another. */
export const Event = Schema.Struct({
  /** The recording's key in the store. */
  recording: Schema.String,
  /** Seconds from the file's start. */
  start: Schema.Finite,
  end: Schema.Finite,
  class: Schema.String,
  /** The highest probability of the class in a window of the event, and the mean over its windows. */
  peak: Schema.Finite,
  mean: Schema.Finite,
  /** Windows from the event's first to its last. */
  windows: Schema.Int,
  /** When it starts by the recorder's clock, as ISO 8601, with the offset from UTC where the recorder tells it. */
  at: Schema.optionalKey(Schema.String)
})
export type Event = typeof Event.Type

/** An event before it is known where and when: what windows alone tell. */
export type HeardEvent = Omit<Event, "recording" | "at">

/** How windows lie in a recording, in seconds: each hears `window`, and begins `hop` after the one before. */
export interface WindowTimes {
  readonly window: number
  readonly hop: number
}
