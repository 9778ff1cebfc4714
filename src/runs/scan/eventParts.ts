import { Effect, Option, Schema, Stream } from "effect"
import { parquetReadObjects } from "hyparquet"
import { parquetWriteBuffer } from "hyparquet-writer"
import { Event } from "../../classifier/events/event.ts"
import type { EventSettings } from "../../classifier/events/findEvents.ts"
import { listParts, PartError } from "../../embeddings/parts.ts"
import { findTime, formatClock } from "../../sound/field/wallClock.ts"
import { readDocumentIfWhole, writeDocument } from "../../store/documents.ts"
import { eventsPrefix, partKey, siteOf, toldKey } from "../../store/keys.ts"
import { sha256 } from "../../store/sha256.ts"
import { Store } from "../../store/store.ts"
import { startOf } from "./fieldRecordings.ts"
import type { Judged } from "./judgeRecordings.ts"

// What a model heard in a recording is one part, `events/<version>/<content>-<settings>.parquet`, also where it heard
// nothing. So a listing tells which recordings were judged, and by what settings; all parts together are one table.
// Scans at the same time may leave parts of several settings for a recording until the next one: `told.json` beside them
// says whose events are told, which are those of the scan that began last.

/** How many hex digits of a recording's content, and of what it was judged by, name a part. */
const DIGITS = { content: 32, settings: 8 } as const

const Row = Schema.Struct({ ...Event.fields, at: Schema.String })
const decodeRows = Schema.decodeUnknownEffect(Schema.Array(Row))

/** Where the events of a recording are told from: its key now. */
export interface Placed extends Judged {
  readonly key: string
}

/** Names what decides about a recording's events, beside its vectors and the model; `site` names what it learnt of that. */
const digestOf = ({ threshold, perClass }: EventSettings, key: string, site?: string): string =>
  sha256(JSON.stringify([{ threshold, perClass }, key, ...(site === undefined ? [] : [site])])).slice(
    0,
    DIGITS.settings
  )

const nameFor = (contentHash: string, digest: string): string => `${contentHash.slice(0, DIGITS.content)}-${digest}`

/** A recording's events, with the recording's key and the time by its recorder's clock. */
export const placeEvents = ({ recording, key, events }: Placed): ReadonlyArray<Event> => {
  const clock = findTime(startOf({ recording, key }) ?? "")
  return events.map((event) => ({
    recording: key,
    ...event,
    ...(clock === undefined ? {} : { at: formatClock(clock, event.start) })
  }))
}

const encodeEvents = ({ contentHash, repairs }: Placed["recording"], events: ReadonlyArray<Event>): Uint8Array =>
  new Uint8Array(
    parquetWriteBuffer({
      columnData: [
        { name: "recording", type: "STRING", nullable: false, data: events.map(({ recording }) => recording) },
        { name: "start", type: "DOUBLE", nullable: false, data: events.map(({ start }) => start) },
        { name: "end", type: "DOUBLE", nullable: false, data: events.map(({ end }) => end) },
        { name: "class", type: "STRING", nullable: false, data: events.map((event) => event.class) },
        { name: "peak", type: "DOUBLE", nullable: false, data: events.map(({ peak }) => peak) },
        { name: "mean", type: "DOUBLE", nullable: false, data: events.map(({ mean }) => mean) },
        { name: "windows", type: "INT32", nullable: false, data: events.map(({ windows }) => windows) },
        { name: "at", type: "STRING", nullable: false, data: events.map(({ at }) => at ?? "") },
        // For those who open a part by itself.
        { name: "site", type: "STRING", nullable: false, data: events.map(({ recording }) => siteOf(recording)) },
        { name: "content_hash", type: "STRING", nullable: false, data: events.map(() => contentHash) },
        // What was wrong with the recording, so that an event's time may be doubted.
        { name: "repairs", type: "STRING", nullable: false, data: events.map(() => repairs.join(" ")) }
      ]
    })
  )

/** The beginning of a recording's content and the settings' digest, as a part is named by them; undefined where it is none. */
const namesIn = (key: string) => {
  const [, content, digest] = /\/([0-9a-f]+)-([0-9a-f]+)\.parquet$/.exec(key) ?? []
  return content === undefined || digest === undefined ? undefined : { content, digest }
}

const Told = Schema.Struct({
  threshold: Schema.Finite,
  perClass: Schema.Record(Schema.String, Schema.Finite),
  /** Which of what was learnt of a site its events are told by; none of sites that it does not have. */
  sites: Schema.optionalKey(Schema.Record(Schema.String, Schema.String))
})
type Told = typeof Told.Type

const readTold = (runId: string) =>
  Effect.map(readDocumentIfWhole(toldKey(runId), Told), (found) => Option.getOrUndefined(found)?.value)

/** What was learnt of the site where a recording lies. */
const siteIn = (told: Told | undefined, key: string): string | undefined => {
  const sites = told?.sites ?? {}
  return Object.hasOwn(sites, siteOf(key)) ? sites[siteOf(key)] : undefined
}

const isSame = (a: EventSettings, b: EventSettings): boolean => digestOf(a, "") === digestOf(b, "")

/** Has a version's events be told by these settings from now on, whatever a scan under way goes by. */
export const tellBy = Effect.fn("tellBy")(function* (runId: string, settings: EventSettings) {
  const before = yield* readTold(runId)
  if (before !== undefined && isSame(before, settings)) return
  const { threshold, perClass } = settings
  yield* writeDocument(toldKey(runId), Told, { ...before, threshold, perClass })
})

/** Has a version's events be told by what it has learnt of these sites from now on: undefined for nothing. */
export const tellSites = Effect.fn("tellSites")(function* (
  runId: string,
  settings: EventSettings,
  sites: ReadonlyMap<string, string | undefined>
) {
  const before = yield* readTold(runId)
  const known = new Map(Object.entries(before?.sites ?? {}))
  if ([...sites].every(([site, id]) => known.get(site) === id)) return
  for (const [site, id] of sites) {
    if (id === undefined) known.delete(site)
    else known.set(site, id)
  }
  const { threshold, perClass } = before ?? settings
  yield* writeDocument(toldKey(runId), Told, { threshold, perClass, sites: Object.fromEntries(known) })
})

/** The parts of a version's events by the beginning of the recording's content: which settings made each. */
export const judgedBy = Effect.fn("judgedBy")(function* (runId: string) {
  const store = yield* Store
  const parts = new Map<string, Array<{ readonly key: string; readonly digest: string }>>()
  yield* listParts(eventsPrefix(runId)).pipe(
    Stream.runForEach(({ key }) =>
      Effect.sync(() => {
        const names = namesIn(key)
        if (names === undefined) return
        const { content, digest } = names
        parts.set(content, [...(parts.get(content) ?? []), { key, digest }])
      })
    )
  )
  const of = (contentHash: string) => parts.get(contentHash.slice(0, DIGITS.content)) ?? []
  const told = yield* readTold(runId)
  const digestNow = (settings: EventSettings, key: string) => digestOf(settings, key, siteIn(told, key))
  return {
    /** The part of a recording that lies at `key`, if these settings have judged it. */
    partOf: (contentHash: string, key: string, settings: EventSettings): string | undefined => {
      const own = digestNow(settings, key)
      return of(contentHash).find(({ digest }) => digest === own)?.key
    },
    /** The keys of a recording's parts that other settings gave, or another place. */
    othersOf: (contentHash: string, key: string, settings: EventSettings): ReadonlyArray<string> => {
      const own = digestNow(settings, key)
      return of(contentHash).flatMap((part) => (part.digest === own ? [] : [part.key]))
    },
    /** The keys of a recording's parts. */
    partsOf: (contentHash: string): ReadonlyArray<string> => of(contentHash).map(({ key }) => key),
    /** Writes a recording's events; returns them. */
    write: Effect.fn("writeEvents")(function* (settings: EventSettings, placed: Placed) {
      const name = nameFor(placed.recording.contentHash, digestNow(settings, placed.key))
      const events = placeEvents(placed)
      yield* store.put(partKey(eventsPrefix(runId), name), encodeEvents(placed.recording, events))
      return events
    }),
    /** Whether another scan has not begun meanwhile, by whose settings events are told instead. */
    isTold: Effect.fnUntraced(function* (settings: EventSettings) {
      const told = yield* readTold(runId)
      return told === undefined || isSame(told, settings)
    })
  }
})
export type JudgedBy = Effect.Success<ReturnType<typeof judgedBy>>

/** The events in a part. */
export const readPart = Effect.fnUntraced(function* (key: string) {
  const store = yield* Store
  const { bytes } = yield* store.get(key)
  const rows = yield* Effect.tryPromise({
    try: (): Promise<unknown> => parquetReadObjects({ file: bytes.slice().buffer, columns: Object.keys(Row.fields) }),
    catch: (cause) => cause
  }).pipe(
    Effect.flatMap(decodeRows),
    Effect.mapError(() => new PartError({ part: key, message: `${key} is damaged: it is no whole table of events.` }))
  )
  return rows.map(({ at, ...event }): Event => (at === "" ? event : { ...event, at }))
})

/** The events in a part of a version. */
export interface ReadPart {
  readonly key: string
  readonly events: ReadonlyArray<Event>
}

/** The events in all parts of a version, of each recording once. */
export const eventsIn = Effect.fn("eventsIn")(function* (runId: string, parts: ReadonlyArray<ReadPart>) {
  const byContent = Map.groupBy(parts, ({ key }) => namesIn(key)?.content ?? key)
  if (byContent.size === parts.length) return parts.flatMap(({ events }) => events)
  const told = yield* readTold(runId)
  return [...byContent.values()].flatMap((own) => toldOf(own, told).events)
})

/** Of the parts of one recording the one that these settings made; where none did, any, but always the same one. */
const toldOf = (parts: ReadonlyArray<ReadPart>, told: Told | undefined): ReadPart => {
  const keys = new Set(parts.flatMap(({ events }) => events.map(({ recording }) => recording)))
  const digests = new Set(told === undefined ? [] : [...keys].map((key) => digestOf(told, key, siteIn(told, key))))
  return parts.find(({ key }) => digests.has(namesIn(key)?.digest ?? "")) ?? parts[0]!
}
