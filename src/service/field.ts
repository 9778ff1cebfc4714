import { Context, Duration, Effect, Layer, Option, Semaphore, Stream } from "effect"
import type { Event } from "../classifier/events/event.ts"
import type { ScannedRecording } from "../embeddings/scans/scannedRecording.ts"
import { EVENTS_PREFIX, FIELD_PREFIX, isFieldRecording, siteOf } from "../store/keys.ts"
import { type ObjectInfo, Store, type StoreError } from "../store/store.ts"
import { Current } from "./current.ts"

/** A field recording, and what was heard of it, if it was. */
export interface FieldRecording {
  readonly recording: ObjectInfo
  readonly site: string
  readonly heard: ScannedRecording | undefined
}

/** What one model heard. */
export interface Heard {
  readonly model: string
  readonly events: ReadonlyArray<Event>
}

/** Milliseconds that what is known of the field recordings may be old. */
const AGE = 5_000
/** And at least so many times as long as listing took. */
const SHARE = 10

/** Field recordings, what models heard in them, and what people said of that: kept in memory between looks at the store. */
export class Field extends Context.Service<
  Field,
  {
    /** In the order of their keys. */
    readonly recordings: Effect.Effect<ReadonlyArray<FieldRecording>, StoreError>
    /** What a model heard; without one, the model in use, else the newest that heard something. */
    readonly heard: (model: string | undefined) => Effect.Effect<Heard | undefined, StoreError>
    /** The models that heard something, the newest first. */
    readonly models: Effect.Effect<ReadonlyArray<{ readonly runId: string; readonly isPromoted: boolean }>, StoreError>
    /** What a person says that an event is: a class, or nothing (the empty text). */
    readonly judgements: Effect.Effect<(event: Pick<Event, "recording" | "start" | "end">) => string | undefined, StoreError>
    /** The annotations of a recording have just changed. */
    readonly annotated: (recording: string) => Effect.Effect<void>
    /** Looks at the store at the next question. */
    readonly forget: Effect.Effect<void>
  }
>()("ecosight/service/Field") {}
