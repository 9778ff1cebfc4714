import { Effect, Schema, Stream } from "effect"
import { parquetReadObjects } from "hyparquet"
import { parquetWriteBuffer } from "hyparquet-writer"
import { Event } from "../../classifier/events/event.ts"
import type { EventSettings } from "../../classifier/events/findEvents.ts"
import { damaged } from "../../embeddings/parts.ts"
import { findTime, formatClock } from "../../sound/field/wallClock.ts"
import { eventsPrefix, partKey, siteOf } from "../../store/keys.ts"
import { sha256 } from "../../store/sha256.ts"
import { removeUnneeded, Store } from "../../store/store.ts"
import type { Judged } from "./judgeRecordings.ts"

// What a model heard in a recording is one part, `events/<version>/<content>-<settings>.parquet`, also where it heard
// nothing. So a listing tells which recordings were judged, and by what settings; all parts together are one table.

/** How many hex digits of a recording's content, and of what it was judged by, name a part. */
const DIGITS = { content: 32, settings: 8 } as const

const Row = Schema.Struct({ ...Event.fields, at: Schema.String })
const decodeRows = Schema.decodeUnknownEffect(Schema.Array(Row))

/** Where the events of a recording are told from: its key now. */
export interface Placed extends Judged {
  readonly key: string
}

/** Names what decides about a recording's events, beside its vectors and the model. */
const digestOf = (settings: EventSettings, key: string): string =>
  sha256(JSON.stringify([settings, key])).slice(0, DIGITS.settings)

const nameFor = (contentHash: string, digest: string): string => `${contentHash.slice(0, DIGITS.content)}-${digest}`

/** A recording's events, with the recording's key and the time by its recorder's clock. */
export const placeEvents = ({ recording, key, events }: Placed): ReadonlyArray<Event> => {
  const clock = findTime(recording.facts.startedAt ?? "")
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

/** The parts of a version's events by the beginning of the recording's content: which settings made each. */
export const judgedBy = Effect.fn("judgedBy")(function* (runId: string) {
  const store = yield* Store
  const folder = eventsPrefix(runId)
  const parts = new Map<string, Array<{ readonly key: string; readonly digest: string }>>()
  yield* store.list(folder).pipe(
    Stream.runForEach(({ key }) =>
      Effect.sync(() => {
        const [, content, digest] = /^([0-9a-f]+)-([0-9a-f]+)\.parquet$/.exec(key.slice(folder.length)) ?? []
        if (content === undefined || digest === undefined) return
        parts.set(content, [...(parts.get(content) ?? []), { key, digest }])
      })
    )
  )
  return {
    /** Whether a recording that lies at `key` was judged by these settings. */
    has: (contentHash: string, key: string, settings: EventSettings): boolean =>
      parts.get(contentHash.slice(0, DIGITS.content))?.some(({ digest }) => digest === digestOf(settings, key)) ??
      false,
    /** The keys of a recording's parts that other settings gave, or another place. */
    othersOf: (contentHash: string, key: string, settings: EventSettings): ReadonlyArray<string> => {
      const own = digestOf(settings, key)
      const all = parts.get(contentHash.slice(0, DIGITS.content)) ?? []
      return all.flatMap((part) => (part.digest === own ? [] : [part.key]))
    },
    /** The keys of a recording's parts. */
    partsOf: (contentHash: string): ReadonlyArray<string> =>
      (parts.get(contentHash.slice(0, DIGITS.content)) ?? []).map(({ key }) => key)
  }
})
export type JudgedBy = Effect.Success<ReturnType<typeof judgedBy>>

/** Writes a recording's events, and then removes those that other settings gave; returns them. */
export const writeEvents = Effect.fn("writeEvents")(function* (
  runId: string,
  settings: EventSettings,
  judged: JudgedBy,
  placed: Placed
) {
  const store = yield* Store
  const { contentHash } = placed.recording
  const events = placeEvents(placed)
  const key = partKey(eventsPrefix(runId), nameFor(contentHash, digestOf(settings, placed.key)))
  yield* store.put(key, encodeEvents(placed.recording, events))
  yield* removeUnneeded(judged.othersOf(contentHash, placed.key, settings))
  return events
})

/** The events in a part. */
export const readPart = Effect.fnUntraced(function* (key: string) {
  const store = yield* Store
  const { bytes } = yield* store.get(key)
  const rows = yield* Effect.tryPromise({
    try: (): Promise<unknown> => parquetReadObjects({ file: bytes.slice().buffer, columns: Object.keys(Row.fields) }),
    catch: (cause) => cause
  }).pipe(Effect.flatMap(decodeRows), Effect.mapError(damaged(key)))
  return rows.map(({ at, ...event }): Event => (at === "" ? event : { ...event, at }))
})

/** Parts read at once. */
const CONCURRENCY = 16

/**
 * What a version heard, recording by recording. A part that cannot be read is passed over with a warning: the next scan
 * writes it again where it is removed.
 */
export const readEvents = (runId: string) =>
  Stream.unwrap(Effect.map(Store, (store) => store.list(eventsPrefix(runId)))).pipe(
    Stream.filter(({ key }) => key.endsWith(".parquet")),
    Stream.mapEffect(
      ({ key }) =>
        readPart(key).pipe(
          Effect.catchTag("PartError", ({ message }) =>
            Effect.as(Effect.logWarning(`${message} It is passed over.`), [] as ReadonlyArray<Event>)
          )
        ),
      { concurrency: CONCURRENCY }
    ),
    Stream.flattenIterable
  )
