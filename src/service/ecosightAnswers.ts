import { Schema } from "effect"
import { HeardWhole } from "./protocols.ts"
import { Done, Timestamp } from "./stated.ts"

// What EcoSight's own endpoints answer: fields as its clients know them.

const Figures = Schema.Array(Schema.Number)

export const Root = Schema.Struct({
  message: Schema.String,
  version: Schema.String,
  status: Schema.String,
  endpoints: Schema.Record(Schema.String, Schema.String)
})
export const Health = Schema.Struct({
  status: Schema.Literal("healthy"),
  timestamp: Timestamp,
  model_loaded: Schema.Boolean,
  /** What cannot be used at the moment, and since when; the model that is in memory goes on predicting. */
  away: Schema.Struct({
    store: Schema.optionalKey(Timestamp),
    database: Schema.optionalKey(Timestamp),
    model: Schema.optionalKey(Timestamp)
  })
})
export const Status = Schema.Struct({
  status: Schema.Literal("operational"),
  uptime: Schema.String,
  total_predictions: Schema.Int,
  model_loaded: Schema.Boolean,
  model_name: Schema.String,
  training_date: Schema.String,
  test_accuracy: Schema.Finite,
  num_classes: Schema.Int,
  classes: Schema.Array(Schema.String)
})
export const History = Schema.Struct({
  has_history: Schema.Boolean,
  training_history: Schema.NullOr(
    Schema.Struct({
      loss: Schema.optionalKey(Figures),
      /** Of recordings that training did not hear, or by cross-validation; models of before may have none. */
      val_loss: Schema.optionalKey(Figures),
      accuracy: Schema.optionalKey(Figures),
      val_accuracy: Schema.optionalKey(Figures),
      epochs: Schema.optionalKey(Figures)
    })
  ),
  retraining_log: Schema.Json
})
export const Prediction = Schema.Struct({
  success: Schema.Boolean,
  predicted_class: Schema.String,
  likeliest_class: Schema.optionalKey(Schema.String),
  threshold: Schema.optionalKey(Schema.Finite),
  confidence: Schema.Finite,
  all_probabilities: Schema.Record(Schema.String, Schema.Finite),
  /** In seconds. */
  processing_time: Schema.Finite,
  timestamp: Timestamp,
  seconds_heard: Schema.Finite,
  /** Recordings are heard to their end, or refused. */
  heard_to_the_end: Schema.Boolean,
  /** What is heard where in a recording longer than CLIP_MAX_SECONDS, whose other fields are those where something is surest. */
  events: Schema.optionalKey(HeardWhole.fields.events)
})
export const Uploaded = Schema.Struct({
  ...Done,
  file_path: Schema.String,
  class: Schema.String,
  /** Whether the same bytes were there before, so that nothing was stored. */
  already_stored: Schema.Boolean,
  s3_uploaded: Schema.Boolean,
  timestamp: Timestamp
})
