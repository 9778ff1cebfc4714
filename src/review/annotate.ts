import { Effect, Option, Result, Schedule, Schema, Semaphore, Stream } from "effect"
import { unlessChanged } from "../store/documents.ts"
import { ANNOTATIONS_PREFIX, FIELD_PREFIX, isFieldRecording, mayBeTable } from "../store/keys.ts"
import { sha256 } from "../store/sha256.ts"
import { isNoFile, orNone, removeUnneeded, Store } from "../store/store.ts"
import type { Annotations, AnnotationTable, BadRow } from "../stream/annotations/annotation.ts"
import { ANNOTATION_WRITERS, readOptions, readTable, writeAnnotations } from "../stream/annotations/formats.ts"
import { pairingOf } from "../stream/annotations/pairing.ts"

/** The same as it lies in the store. */
export interface StoredAnnotations extends Annotations {
  /** Changes whenever a table of it does. */
  readonly etag: string
  readonly bad: ReadonlyArray<BadRow>
}

/** A table that is called as a recording is. */
interface OwnTable {
  readonly key: string
  readonly etag: string
  readonly bytes: Uint8Array
  readonly table: AnnotationTable
  /** Whether rows of it are of other recordings. */
  readonly isShared: boolean
}

const pathOf = (recording: string): string => recording.slice(FIELD_PREFIX.length).replace(/(?<=[^/])\.[^./]*$/, "")

/** Where the table of a recording is written: with the recording's ending where that alone tells it from others. */
const tableKey = (recording: string, namesakes: ReadonlyArray<string>): string => {
  const path = namesakes.length > 1 ? recording.slice(FIELD_PREFIX.length) : pathOf(recording)
  return `${ANNOTATIONS_PREFIX}${path}.csv`
}

/** A recording's annotations cannot be changed; `message` says why. */
export class AnnotationError extends Schema.TaggedError<AnnotationError>()("AnnotationError", {
  reason: Schema.Literals(["unreadable", "unusable", "damaged", "changed", "contradicted"]),
  message: Schema.String
}) {}

/** What a table says, whatever recordings its rows name. */
export const contentOf = ({ rows, complete }: Pick<AnnotationTable, "rows" | "complete">): Annotations => ({
  annotations: rows.map(({ row: _, file: __, ...annotation }) => annotation),
  complete: complete.map(({ span }) => span)
})

/** The recordings that are called as this one is but for their endings, itself among them. */
const namesakesOf = Effect.fnUntraced(function* (recording: string) {
  const path = pathOf(recording)
  const found = yield* (yield* Store).list(FIELD_PREFIX + path).pipe(
    Stream.filter((object) => isFieldRecording(object) && pathOf(object.key) === path),
    Stream.map(({ key }) => key),
    Stream.runCollect
  )
  return found.includes(recording) ? found : [...found, recording]
})

/** The tables that are called as a recording is: those under annotations/, else those beside it, as a training reads them. */
const ownTables = Effect.fnUntraced(function* (recording: string, namesakes: ReadonlyArray<string>) {
  const store = yield* Store
  const { ofTable } = pairingOf(namesakes)
  const { ofRow } = pairingOf([recording])
  const isOwn = (table: string) => {
    const called = ofTable(table)
    return called.length === 1 && called[0] === recording
  }
  for (const prefix of [ANNOTATIONS_PREFIX, FIELD_PREFIX]) {
    const keys = yield* store.list(prefix + pathOf(recording)).pipe(
      Stream.filter((object) => mayBeTable(object) && isOwn(object.key)),
      Stream.map(({ key }) => key),
      Stream.runCollect
    )
    const tables = yield* Effect.forEach(keys, (key) => readOwn(key, (file) => ofRow(key, file).length > 0))
    if (tables.flat().length > 0) return tables.flat()
  }
  return []
})

const readOwn = Effect.fnUntraced(function* (key: string, isOwn: (file: string) => boolean) {
  const found = yield* orNone((yield* Store).get(key)).pipe(
    Effect.catchIf(isNoFile, ({ message }) => Effect.fail(new AnnotationError({ reason: "damaged", message })))
  )
  if (Option.isNone(found)) return []
  const { bytes, etag } = found.value
  const read = readTable(bytes, yield* readOptions)
  if (Result.isFailure(read)) {
    const message = `${key} cannot be read, so nothing is written to it: ${read.failure}`
    return yield* new AnnotationError({ reason: "damaged", message })
  }
  const { rows, complete } = read.success
  const isMeant = ({ file }: { readonly file?: string }) => file === undefined || isOwn(file)
  const table = { ...read.success, rows: rows.filter(isMeant), complete: complete.filter(isMeant) }
  const isShared = table.rows.length + table.complete.length < rows.length + complete.length
  return [{ key, etag, bytes, table, isShared } satisfies OwnTable]
})

const joined = (tables: ReadonlyArray<OwnTable>): StoredAnnotations => ({
  ...contentOf({
    rows: tables.flatMap(({ table }) => table.rows),
    complete: tables.flatMap(({ table }) => table.complete)
  }),
  etag: tables.map(({ etag }) => etag).join(" "),
  bad: tables.flatMap(({ table }) => table.bad)
})

/** What the tables say that are called as a recording is; none where there are none. */
export const readAnnotations = Effect.fn("readAnnotations")(function* (recording: string) {
  const tables = yield* ownTables(recording, yield* namesakesOf(recording))
  return tables.length === 0 ? Option.none() : Option.some(joined(tables))
})

/** Annotations as a table of the project's own: with a header, between commas. */
const asOwnTable = (said: Annotations): string => writeAnnotations(ANNOTATION_WRITERS.csv, said, "")

/** How often what other processes write meanwhile is read again: of those that write at once, one at least succeeds each time. */
const TRIES = 20

/** Those of this process wait for each other. */
const turn = Semaphore.makeUnsafe(1)

/** Whether a table has anything that the project's own would not have: remarks, more columns, rows that are wrong. */
const tellsMore = ({ bytes, table }: OwnTable): boolean =>
  new TextDecoder().decode(bytes) !== asOwnTable(contentOf(table))

/** Keeps a table as it is where it lies, under a name that is no table's and that no other one has. */
const keep = Effect.fnUntraced(function* ({ key, bytes }: OwnTable) {
  const store = yield* Store
  const kept = `${key}.replaced`
  const there = yield* orNone(store.get(kept))
  if (Option.isNone(there)) return yield* store.put(kept, bytes, { ifNoneMatch: "*" })
  const hash = sha256(bytes)
  if (sha256(there.value.bytes) === hash) return
  return yield* store.put(`${kept}-${hash.slice(0, 8)}`, bytes)
})

/** A recording's tables, where they may be changed: read as they are, and none of other recordings, too. */
const changeable = Effect.fnUntraced(function* (recording: string) {
  const namesakes = yield* namesakesOf(recording)
  const tables = yield* ownTables(recording, namesakes)
  const shared = tables.find(({ isShared }) => isShared)
  if (shared !== undefined) return yield* new AnnotationError({ reason: "damaged", message: sharedBy(shared.key) })
  return { namesakes, tables }
})

/** Fails where one of the recordings has a table that may not be changed, so that of several none is changed then. */
export const mayChange = (recordings: ReadonlyArray<string>) =>
  Effect.forEach(recordings, changeable, { discard: true })

/**
 * Changes a recording's annotations, as one of many who may at once. The table is then one of the project's own; those that
 * people or other programs wrote are kept where they were, under names that are no table's.
 */
export const changeAnnotations = Effect.fn("changeAnnotations")(
  function* (
    recording: string,
    change: (before: Annotations) => Effect.Effect<Annotations, AnnotationError>,
    etag?: string
  ) {
    const store = yield* Store
    const { namesakes, tables } = yield* changeable(recording)
    const before = joined(tables)
    if (etag !== undefined && etag !== before.etag) {
      return yield* new AnnotationError({ reason: "changed", message: CHANGED })
    }
    const after = yield* change(before)
    const key = tableKey(recording, namesakes)
    const [own, others] = [tables.find((table) => table.key === key), tables.filter((table) => table.key !== key)]
    yield* Effect.forEach(tables.filter(tellsMore), keep, { discard: true })
    const bytes = new TextEncoder().encode(asOwnTable(after))
    const written = yield* store.put(key, bytes, unlessChanged(Option.fromUndefinedOr(own)))
    yield* removeUnneeded(others.map(({ key: other }) => other))
    return { ...after, etag: written.etag, bad: [] } satisfies StoredAnnotations
  },
  (effect) =>
    Effect.retry(effect, {
      times: TRIES,
      schedule: Schedule.jittered(Schedule.spaced("100 millis")),
      while: (error) => error._tag === "StoreError" && error.reason === "conflict"
    }).pipe(turn.withPermit)
)

const sharedBy = (key: string): string =>
  `${key} has rows of other recordings, too, so nothing is written to it: call it as none of them, or make it a table each.`

const CHANGED = "Somebody else has changed these annotations meanwhile: open them again."
