import { Context, Effect, Layer, Option, Result, Stream } from "effect"
import type { Event } from "../classifier/events/event.ts"
import type { KnownScans } from "../embeddings/scans/knownScans.ts"
import type { ScannedRecording } from "../embeddings/scans/scannedRecording.ts"
import { Scans } from "../embeddings/scans/scans.ts"
import { contentOf } from "../review/annotate.ts"
import { judgementOf, merged, type TableSaid } from "../review/judge.ts"
import { eventsIn, readPart } from "../runs/scan/eventParts.ts"
import { startOf } from "../runs/scan/fieldRecordings.ts"
import {
  ANNOTATIONS_PREFIX,
  EVENTS_PREFIX,
  FIELD_PREFIX,
  isFieldRecording,
  mayBeTable,
  SCANS_PREFIX,
  siteOf
} from "../store/keys.ts"
import { isAbsence, isNoFile, type ObjectInfo, Store, type StoreError } from "../store/store.ts"
import type { Annotations, AnnotationTable } from "../stream/annotations/annotation.ts"
import { readOptions, readTable } from "../stream/annotations/formats.ts"
import { type Pairing, pairingOf } from "../stream/annotations/pairing.ts"
import { Current } from "./current.ts"
import { keptAWhile } from "./keptAWhile.ts"

/** A field recording, and what was heard of it, if it was. */
export interface FieldRecording {
  readonly recording: ObjectInfo
  readonly site: string
  readonly heard: ScannedRecording | undefined
  /** The first key at which the same content lies, where that is another one: a copy's events are told there. */
  readonly copyOf: string | undefined
  /** Why the last scan of this process could not hear it. */
  readonly refused: string | undefined
}

/** When it starts by the recorder's clock; undefined where that is not known, or not yet. */
export const startedAt = ({ heard, recording }: FieldRecording): string | undefined =>
  heard && startOf({ recording: heard, key: recording.key })

/** What one model heard. */
export interface ModelEvents {
  readonly model: string
  readonly events: ReadonlyArray<Event>
}

/** A table of annotations. */
export interface FieldTable {
  readonly key: string
  /** What it says, or why it cannot be read. */
  readonly table: Result.Result<AnnotationTable, string>
  /** The same by recording. */
  readonly said: ReadonlyMap<string, Annotations>
  /** What it says that it is of, and there is not, or several times. */
  readonly missing: ReadonlyArray<string>
}

/** Objects read at once. */
const AT_ONCE = 8

/** Field recordings, what models heard in them, and what people say of that: kept in memory between looks at the store. */
export class Field extends Context.Service<
  Field,
  {
    /** In the order of their keys. */
    readonly recordings: Effect.Effect<ReadonlyArray<FieldRecording>, StoreError>
    /** All keys at which the content of the recording at this one lies: what was heard of it was heard at each. */
    readonly placesOf: Effect.Effect<(key: string) => ReadonlyArray<string>, StoreError>
    /** Where recordings lie, or lay when they were heard. */
    readonly sites: Effect.Effect<ReadonlyArray<string>, StoreError>
    /** What a model heard; without one, the model in use, else the newest that heard something. */
    readonly heard: (model: string | undefined) => Effect.Effect<ModelEvents | undefined, StoreError>
    /** The models that heard something, the newest first. */
    readonly models: Effect.Effect<ReadonlyArray<{ readonly runId: string; readonly isPromoted: boolean }>, StoreError>
    readonly tables: Effect.Effect<ReadonlyArray<FieldTable>, StoreError>
    /** What tables said of a recording a while ago: those under annotations/, else those beside it, as a training reads them. */
    readonly said: (recording: string) => Effect.Effect<ReadonlyArray<TableSaid>, StoreError>
    /** What a person says that an event is: a class, or nothing (the empty text). */
    readonly judgements: Effect.Effect<
      (event: Pick<Event, "recording" | "start" | "end" | "class">) => string | undefined,
      StoreError
    >
    /** A scan could not hear a recording, and why: told of until another lies there. */
    readonly refuse: (key: string, reason: string) => void
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
      const options = yield* readOptions
      const here = Effect.provideService(Store, store)

      const listing = keptAWhile(store.list(FIELD_PREFIX).pipe(Stream.filter(isFieldRecording), Stream.runCollect))
      const scanned = keptAWhile(
        Effect.gen(function* () {
          const parts = yield* Stream.runCollect(store.list(SCANS_PREFIX))
          const recipes = new Set(parts.flatMap(({ key }) => /^scans\/([0-9a-f]{16})\//.exec(key)?.[1] ?? []))
          return yield* Effect.forEach(recipes, (id) => scans.indexOnly({ id }))
        })
      )
      const refused = new Map<string, { readonly reason: string; etag?: string }>()
      const refusalOf = ({ key, etag }: ObjectInfo) => {
        const known = refused.get(key)
        if (known === undefined) return undefined
        known.etag ??= etag
        return known.etag === etag ? known.reason : undefined
      }
      const recordings = Effect.gen(function* () {
        const known = yield* scanned.get
        const first = new Map<string, string>()
        return (yield* listing.get).map((recording): FieldRecording => {
          const { key } = recording
          const heard = scannedAs(known, recording)
          if (heard === undefined) {
            return { recording, site: siteOf(key), heard, copyOf: undefined, refused: refusalOf(recording) }
          }
          const copyOf = first.get(heard.contentHash)
          if (copyOf === undefined) first.set(heard.contentHash, key)
          return { recording, site: siteOf(key), heard, copyOf, refused: undefined }
        })
      })
      const placesOf = Effect.map(recordings, (all) => {
        const copies = Map.groupBy(all, ({ recording, copyOf = recording.key }) => copyOf)
        const places = new Map(
          [...copies.values()].flatMap((own) => {
            const keys = own.map(({ recording }) => recording.key)
            return keys.map((key) => [key, keys] as const)
          })
        )
        return (key: string) => places.get(key) ?? [key]
      })

      const sites = Effect.gen(function* () {
        const heard = (yield* scanned.get).flatMap(({ recordings }) => [...recordings.values()])
        const names = new Set([...(yield* listing.get), ...heard].map(({ key }) => siteOf(key)))
        return [...names].filter((name) => name !== "").sort()
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
        const events = yield* here(readPart(key)).pipe(
          Effect.catchTag("PartError", ({ message }) =>
            Effect.as(Effect.logWarning(`${message} A scan judges its recording anew.`), [])
          ),
          Effect.tap((read) => Effect.sync(() => parts.set(key, { etag, events: read }))),
          // Another has taken its place since it was listed; it may come back as it was.
          Effect.catchIf(isAbsence, () => Effect.succeed([]))
        )
        return events
      })
      const heard = Effect.fn("Field.heard")(function* (asked: string | undefined) {
        const found = yield* models.get
        const promoted = Option.getOrUndefined(yield* current.model)?.runId
        const newest = [...found.keys()].sort().at(-1)
        const model = asked ?? (promoted !== undefined && found.has(promoted) ? promoted : newest)
        const own = model === undefined ? undefined : found.get(model)
        if (model === undefined || own === undefined) return undefined
        const read = yield* Effect.forEach(own, readOnce, { concurrency: AT_ONCE })
        const all = own.map(({ key }, at) => ({ key, events: read[at]! }))
        return { model, events: yield* here(eventsIn(model, all)) } satisfies ModelEvents
      })

      const texts = new Map<string, { readonly etag: string; readonly table: FieldTable["table"] }>()
      const readOne = Effect.fnUntraced(function* ({ key, etag }: ObjectInfo, pairing: Pairing) {
        const known = texts.get(key)
        if (known?.etag === etag) return said(key, known.table, pairing)
        const table: FieldTable["table"] = yield* store.get(key).pipe(
          Effect.map(({ bytes }) => readTable(bytes, options)),
          Effect.catchIf(isAbsence, () => Effect.succeed(Result.fail("It has just been removed."))),
          Effect.catchIf(isNoFile, ({ message }) => Effect.succeed(Result.fail(message)))
        )
        texts.set(key, { etag, table })
        return said(key, table, pairing)
      })
      const tables = keptAWhile(
        Effect.gen(function* () {
          const pairing = pairingOf((yield* listing.get).map(({ key }) => key))
          const all = yield* Effect.forEach([ANNOTATIONS_PREFIX, FIELD_PREFIX], (prefix) =>
            store.list(prefix).pipe(
              Stream.filter(
                (object) =>
                  // Recorders and people leave other texts beside recordings.
                  mayBeTable(object) && (prefix === ANNOTATIONS_PREFIX || pairing.ofTable(object.key).length > 0)
              ),
              Stream.runCollect
            )
          )
          return yield* Effect.forEach(all.flat(), (table) => readOne(table, pairing), { concurrency: AT_ONCE })
        })
      )
      const saidOf = Effect.map(tables.get, (found) => {
        const all = found.flatMap(({ key, said }) =>
          [...said].map(([recording, own]) => ({ recording, table: key, said: own }))
        )
        const byRecording = Map.groupBy(all, ({ recording }) => recording)
        return (recording: string): ReadonlyArray<TableSaid> => {
          const own = byRecording.get(recording) ?? []
          const written = own.filter(({ table }) => table.startsWith(ANNOTATIONS_PREFIX))
          return written.length > 0 ? written : own
        }
      })
      // Whoever judges event after event has the store listed for it now and then, not for each.
      const saidBefore = keptAWhile(saidOf)
      const judgements = Effect.map(saidOf, (tablesOf) => {
        const byRecording = new Map<string, Annotations>()
        const annotationsOf = (recording: string): Annotations => {
          const own = byRecording.get(recording) ?? merged(tablesOf(recording).map((table) => table.said))
          byRecording.set(recording, own)
          return own
        }
        return (event: Pick<Event, "recording" | "start" | "end" | "class">) =>
          judgementOf(event, annotationsOf(event.recording))
      })

      return Field.of({
        recordings,
        placesOf,
        sites,
        heard,
        models: Effect.gen(function* () {
          const promoted = Option.getOrUndefined(yield* current.model)?.runId
          const found = [...(yield* models.get).keys()].sort().reverse()
          return found.map((runId) => ({ runId, isPromoted: runId === promoted }))
        }),
        tables: here(tables.get),
        said: (recording) => here(Effect.map(saidBefore.get, (tablesOf) => tablesOf(recording))),
        judgements: here(judgements),
        refuse: (key, reason) => void refused.set(key, { reason }),
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

const said = (key: string, table: FieldTable["table"], pairing: Pairing): FieldTable => {
  if (Result.isFailure(table)) return { key, table, said: new Map(), missing: [] }
  const recordingOf = ({ file }: { readonly file?: string }) => {
    const called = file === undefined ? pairing.ofTable(key) : pairing.ofRow(key, file)
    return called.length === 1 ? called[0] : undefined
  }
  const { rows, complete } = table.success
  const found = new Set([...rows, ...complete].map(recordingOf))
  const isEmpty = rows.length + complete.length === 0
  if (isEmpty) found.add(recordingOf({}))
  const partOf = (recording: string) =>
    contentOf({
      rows: rows.filter((row) => recordingOf(row) === recording),
      complete: complete.filter((row) => recordingOf(row) === recording)
    })
  const lost = [...rows, ...complete].filter((row) => recordingOf(row) === undefined)
  return {
    key,
    table,
    said: new Map([...found].flatMap((one) => (one === undefined ? [] : [[one, partOf(one)] as const]))),
    missing: [...new Set(lost.map(({ file }) => file ?? ""))]
  }
}
