import { Context, Effect, Layer, Option, Result, Stream } from "effect"
import type { Event } from "../classifier/events/event.ts"
import type { KnownScans } from "../embeddings/scans/knownScans.ts"
import type { ScannedRecording } from "../embeddings/scans/scannedRecording.ts"
import { Scans } from "../embeddings/scans/scans.ts"
import {
  ANNOTATIONS_PREFIX,
  type Annotations,
  decodeAnnotations,
  type StoredAnnotations,
  tableKeys
} from "../review/annotate.ts"
import { judgementOf } from "../review/judge.ts"
import { readPart } from "../runs/scan/eventParts.ts"
import { EVENTS_PREFIX, FIELD_PREFIX, isFieldRecording, SCANS_PREFIX, siteOf } from "../store/keys.ts"
import { isAbsence, type ObjectInfo, orNone, Store, type StoreError } from "../store/store.ts"
import { Current } from "./current.ts"
import { keptAWhile } from "./keptAWhile.ts"

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

/** A table of annotations, and the recording that it is of, if there is one. */
export interface FieldTable {
  readonly key: string
  readonly recording: string | undefined
  /** What it says, or why it cannot be read. */
  readonly table: Result.Result<StoredAnnotations, string>
}

/** Objects read at once. */
const AT_ONCE = 8

/** Field recordings, what models heard in them, and what people say of that: kept in memory between looks at the store. */
export class Field extends Context.Service<
  Field,
  {
    /** In the order of their keys. */
    readonly recordings: Effect.Effect<ReadonlyArray<FieldRecording>, StoreError>
    /** What a model heard; without one, the model in use, else the newest that heard something. */
    readonly heard: (model: string | undefined) => Effect.Effect<Heard | undefined, StoreError>
    /** The models that heard something, the newest first. */
    readonly models: Effect.Effect<ReadonlyArray<{ readonly runId: string; readonly isPromoted: boolean }>, StoreError>
    readonly tables: Effect.Effect<ReadonlyArray<FieldTable>, StoreError>
    /** What a person says that an event is: a class, or nothing (the empty text). */
    readonly judgements: Effect.Effect<
      (event: Pick<Event, "recording" | "start" | "end" | "class">) => string | undefined,
      StoreError
    >
    /** Looks at the store at the next question. */
    readonly forget: Effect.Effect<void>
  }
>()("ecosight/service/Field") {
  static readonly layer = Layer.effect(
    Field,
    Effect.gen(function* () {
      const store = yield* Store
      const scans = yield* Scans
      const current = yield* Current
      const here = Effect.provideService(Store, store)

      const listing = keptAWhile(store.list(FIELD_PREFIX).pipe(Stream.filter(isFieldRecording), Stream.runCollect))
      const scanned = keptAWhile(
        Effect.gen(function* () {
          const parts = yield* Stream.runCollect(store.list(SCANS_PREFIX))
          const recipes = new Set(parts.flatMap(({ key }) => /^scans\/([0-9a-f]{16})\//.exec(key)?.[1] ?? []))
          return yield* Effect.forEach(recipes, (id) => scans.index({ id }))
        })
      )
      const recordings = Effect.gen(function* () {
        const known = yield* scanned.get
        return (yield* listing.get).map(
          (recording): FieldRecording => ({
            recording,
            site: siteOf(recording.key),
            heard: scannedAs(known, recording)
          })
        )
      })

      /** Each version of a part is read once. */
      const parts = new Map<string, { readonly etag: string; readonly events: ReadonlyArray<Event> }>()
      const models = keptAWhile(
        Effect.map(Stream.runCollect(store.list(EVENTS_PREFIX)), (found) =>
          Map.groupBy(
            found.filter(({ key }) => /^events\/[^/]+\/[^/]+\.parquet$/.test(key)),
            ({ key }) => key.slice(EVENTS_PREFIX.length).split("/")[0]!
          )
        )
      )
      const readOnce = Effect.fnUntraced(function* ({ key, etag }: ObjectInfo) {
        const known = parts.get(key)
        if (known?.etag === etag) return known.events
        const read = here(readPart(key)).pipe(
          Effect.catchTag("PartError", ({ message }) => Effect.as(Effect.logWarning(message), [])),
          // Another has taken its place since it was listed.
          Effect.catchIf(isAbsence, () => Effect.succeed([]))
        )
        const events = yield* read
        parts.set(key, { etag, events })
        return events
      })
      const heard = Effect.fn("Field.heard")(function* (asked: string | undefined) {
        const found = yield* models.get
        const promoted = Option.getOrUndefined(yield* current.model)?.runId
        const newest = [...found.keys()].sort().at(-1)
        const model = asked ?? (promoted !== undefined && found.has(promoted) ? promoted : newest)
        const own = model === undefined ? undefined : found.get(model)
        if (model === undefined || own === undefined) return undefined
        const events = (yield* Effect.forEach(own, readOnce, { concurrency: AT_ONCE })).flat()
        return { model, events } satisfies Heard
      })

      const texts = new Map<string, { readonly etag: string; readonly table: FieldTable["table"] }>()
      const readOne = Effect.fnUntraced(function* ({ key, etag }: ObjectInfo, recording: string | undefined) {
        const known = texts.get(key)
        if (known?.etag === etag) return { key, recording, table: known.table } satisfies FieldTable
        const found = yield* orNone(store.get(key))
        const table: FieldTable["table"] = Option.isNone(found)
          ? Result.fail("It has just been removed.")
          : decodeAnnotations(key, found.value.etag, found.value.bytes)
        texts.set(key, { etag, table })
        return { key, recording, table } satisfies FieldTable
      })
      const tables = keptAWhile(
        Effect.gen(function* () {
          const recordingOf = new Map(
            (yield* listing.get).flatMap(({ key }) => tableKeys(key).map((table) => [table, key] as const))
          )
          const below = yield* Stream.runCollect(store.list(ANNOTATIONS_PREFIX))
          const beside = yield* store.list(FIELD_PREFIX).pipe(
            Stream.filter(({ key }) => recordingOf.has(key)),
            Stream.runCollect
          )
          const own = below.filter(({ key }) => /\.(csv|txt)$/i.test(key))
          return yield* Effect.forEach([...own, ...beside], (table) => readOne(table, recordingOf.get(table.key)), {
            concurrency: AT_ONCE
          })
        })
      )
      const judgements = Effect.map(tables.get, (found) => {
        const byRecording = new Map<string, Annotations>(
          found.flatMap(({ recording, table }) =>
            recording === undefined || Result.isFailure(table) ? [] : [[recording, table.success] as const]
          )
        )
        return (event: Pick<Event, "recording" | "start" | "end" | "class">) => {
          const own = byRecording.get(event.recording)
          return own === undefined ? undefined : judgementOf(event, own)
        }
      })

      return Field.of({
        recordings,
        heard,
        models: Effect.gen(function* () {
          const promoted = Option.getOrUndefined(yield* current.model)?.runId
          const found = [...(yield* models.get).keys()].sort().reverse()
          return found.map((runId) => ({ runId, isPromoted: runId === promoted }))
        }),
        tables: here(tables.get),
        judgements: here(judgements),
        forget: Effect.forEach([listing, scanned, models, tables], ({ forget }) => forget, { discard: true })
      })
    })
  ).pipe(Layer.provide(Scans.layer))
}

const scannedAs = (known: ReadonlyArray<KnownScans>, object: ObjectInfo): ScannedRecording | undefined => {
  for (const scan of known) {
    const content = scan.contentOf(object)
    const recording = content === undefined ? undefined : scan.recordings.get(content)
    if (recording !== undefined) return recording
  }
  return undefined
}
