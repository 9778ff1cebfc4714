import { Schema, Struct } from "effect"
import { Event } from "../classifier/events/event.ts"
import { ALARM_RATES } from "../config/alarmRates.ts"
import type { Protocol } from "../processes/protocol.ts"
import { RunName } from "../registry/runRecord.ts"
import { ReviewStep } from "../review/review.ts"
import { ObjectInfo } from "../store/store.ts"
import { RunEvent } from "../stream/events.ts"
import { ScanData } from "./scanLog.ts"
import { RecordingSpan } from "./spanSound.ts"
import { Spooled } from "./spool.ts"

// What the service and its processes say to each other.

/** The slowest decoding allowed takes 30 s of sound about 0.3 s: after this long it hangs. */
export const PATIENCE = 30_000

const quick = { event: Schema.Never, patience: PATIENCE }

/** Probabilities by class, and from how many seconds of sound, cut at CLIP_MAX_SECONDS. */
export const ClipProbabilities = Schema.Struct({
  probabilities: Schema.Record(Schema.String, Schema.Number),
  seconds: Schema.Number
})
export type ClipProbabilities = typeof ClipProbabilities.Type

/** What was heard in all of a long recording: events, and the probabilities in the window that is surest. */
export const HeardWhole = Schema.Struct({
  seconds: Schema.Finite,
  events: Schema.Array(Schema.Struct(Struct.omit(Event.fields, ["recording", "at"]))),
  surest: Schema.Record(Schema.String, Schema.Finite)
})
export type HeardWhole = typeof HeardWhole.Type

/** Decoding and predicting; each answer is about the promoted version that the request names. */
export const Predicting = {
  name: "predictor",
  about: Schema.Void,
  calls: {
    /** Load this version, so that its first prediction need not. */
    load: { ...quick, payload: Schema.Struct({ runId: Schema.String }), answer: Schema.Void },
    /** Probabilities by class, and from how many seconds of sound. */
    predict: {
      ...quick,
      payload: Schema.Struct({ runId: Schema.String, recording: Spooled }),
      answer: ClipProbabilities
    },
    /** All of a recording that is longer than CLIP_MAX_SECONDS; tells how far it is, in seconds. */
    hear: {
      payload: Schema.Struct({ runId: Schema.String, recording: Spooled }),
      event: Schema.Finite,
      answer: HeardWhole,
      patience: PATIENCE
    },
    /** A part of a field recording, as a WAV file. */
    span: { ...quick, payload: RecordingSpan, answer: Schema.Uint8Array },
    /** What sounds like a part of a field recording, over all that was heard, the most alike first. */
    alike: {
      ...quick,
      payload: RecordingSpan,
      answer: Schema.Struct({
        windows: Schema.Array(
          Schema.Struct({
            ...RecordingSpan.fields,
            at: Schema.NullOr(Schema.String),
            likeness: Schema.Finite
          })
        ),
        searched: Schema.Int,
        seconds: Schema.Finite
      })
    },
    /** Decode only: how many seconds of sound it is. */
    inspect: { ...quick, payload: Schema.Struct({ recording: Spooled }), answer: Schema.Number },
    /** The same as a scan reads it, which takes what is whole of a damaged recording. */
    inspectField: { ...quick, payload: Schema.Struct({ recording: Spooled }), answer: Schema.Number }
  },
  inTurn: true
} satisfies Protocol

/** Embedding recordings as they land. */
export const Watching = {
  name: "watcher",
  about: Schema.Void,
  calls: {
    /** Goes on until it fails, and tells of recordings that may be new, or are gone. */
    follow: {
      payload: Schema.Void,
      event: Schema.Struct({ objects: Schema.Array(ObjectInfo), gone: Schema.Array(Schema.String) }),
      answer: Schema.Never
    },
    /** This recording has been uploaded: it need not be found. */
    landed: { payload: ObjectInfo, event: Schema.Never, answer: Schema.Void }
  },
  inTurn: false
} satisfies Protocol

/** A training run and why it is made. */
export const RunTask = Schema.Struct({ runId: Schema.String, reason: Schema.String })
export type RunTask = typeof RunTask.Type

/** One training run, answered with the decision on its model, a sentence. */
export const Running = {
  name: "run",
  about: Schema.Void,
  calls: { run: { payload: RunTask, event: RunEvent, answer: Schema.String } },
  inTurn: false
} satisfies Protocol

/** The probability that makes an event. */
export const Threshold = Schema.Finite.check(Schema.isBetween({ minimum: 0.01, maximum: 1 }))

/** False alarms of each class an hour that are allowed. */
export const Alarms = Schema.Literals(ALARM_RATES)

/** Which field recordings to hear, and by which version of the model; all that are new, and the one in use, unless said. */
export const ScanTask = Schema.Struct({
  recording: Schema.optionalKey(Schema.String),
  site: Schema.optionalKey(Schema.String),
  model: Schema.optionalKey(RunName),
  /** Which of what is heard is told: from a probability, or for so many false alarms an hour. */
  threshold: Schema.optionalKey(Threshold),
  alarms: Schema.optionalKey(Alarms)
})
export type ScanTask = typeof ScanTask.Type

/** One scan of field recordings, answered with what it came to, a sentence. */
export const Scanning = {
  name: "scan",
  about: Schema.Void,
  calls: {
    scan: { payload: ScanTask, event: Schema.Union([ScanData.progress, ScanData.skip]), answer: Schema.String }
  },
  inTurn: false
} satisfies Protocol

/** One review of the recordings; what it finds lies in the store. */
export const Reviewing = {
  name: "review",
  about: Schema.Void,
  calls: { review: { payload: Schema.Void, event: ReviewStep, answer: Schema.Void } },
  inTurn: false
} satisfies Protocol
