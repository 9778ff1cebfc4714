import { Effect, Option, Result, Schedule, Schema } from "effect"
import { unlessChanged } from "../store/documents.ts"
import { FIELD_PREFIX } from "../store/keys.ts"
import { orNone, removeUnneeded, Store } from "../store/store.ts"
import type { Annotation, AnnotationTable, BadRow } from "../stream/annotations/annotation.ts"
import { csvLine, probability, seconds } from "../stream/annotations/columns.ts"
import { readTable } from "../stream/annotations/formats.ts"

/** A part of a recording, in seconds; the whole of it where it is empty. */
export type HeardPart = { readonly start: number; readonly end: number } | undefined

/** What is said of a recording. */
export interface Annotations {
  readonly annotations: ReadonlyArray<Annotation>
  /** What has been listened to completely: where nothing is annotated in it, nothing is to be heard. */
  readonly complete: ReadonlyArray<HeardPart>
}

/** The same as it lies in the store. */
export interface StoredAnnotations extends Annotations {
  readonly key: string
  readonly etag: string
  readonly format: string
  readonly bad: ReadonlyArray<BadRow>
}

/** Under here lies, by recording, what is where in field recordings. */
export const ANNOTATIONS_PREFIX = "annotations/"

const withoutEnding = (key: string): string => key.replace(/(?<=[^/])\.[^./]*$/, "")

/** Where the table of a recording is written. */
export const annotationKey = (recording: string): string =>
  `${ANNOTATIONS_PREFIX}${withoutEnding(recording.slice(FIELD_PREFIX.length))}.csv`

/** Where a recording's table may lie: under `annotations/`, or beside it. */
export const tableKeys = (recording: string): ReadonlyArray<string> =>
  [annotationKey(recording).slice(0, -".csv".length), withoutEnding(recording)].flatMap((path) => [
    `${path}.csv`,
    `${path}.txt`
  ])

/** A recording's annotations cannot be changed; `message` says why. */
export class AnnotationError extends Schema.TaggedError<AnnotationError>()("AnnotationError", {
  reason: Schema.Literals(["unreadable", "damaged", "changed"]),
  message: Schema.String
}) {}

/** The annotations in a table's bytes, which were found at `key`. */
export const decodeAnnotations = (
  key: string,
  etag: string,
  bytes: Uint8Array
): Result.Result<StoredAnnotations, string> =>
  Result.map(readTable(bytes), (table) => ({ key, etag, format: table.format, bad: table.bad, ...contentOf(table) }))

/** What a table says, whatever recordings its rows name. */
export const contentOf = ({ rows, complete }: AnnotationTable): Annotations => ({
  annotations: rows.map(({ row: _, file: __, ...annotation }) => annotation),
  complete: complete.map(({ span }) => span)
})

/** A recording's own table; none where there is none. */
export const readAnnotations = Effect.fn("readAnnotations")(function* (recording: string) {
  const store = yield* Store
  for (const key of tableKeys(recording)) {
    const found = yield* orNone(store.get(key))
    if (Option.isNone(found)) continue
    const { bytes, etag } = found.value
    const table = decodeAnnotations(key, etag, bytes)
    if (Result.isFailure(table)) {
      const message = `${key} cannot be read, so nothing is written to it: ${table.failure}`
      return yield* new AnnotationError({ reason: "damaged", message })
    }
    return Option.some(table.success)
  }
  return Option.none<StoredAnnotations>()
})

const HEAD = ["start", "end", "label", "confidence", "annotator", "low", "high"]

/** Annotations as a table of the project's own: with a header, between commas. */
export const annotationsAsCsv = ({ annotations, complete }: Annotations): string => {
  const rows = [
    ...annotations.map(({ start, end, label, confidence, annotator = "", low = "", high = "" }) => ({
      start,
      cells: [
        seconds(start),
        seconds(end),
        label,
        confidence === undefined ? "" : probability(confidence),
        annotator,
        low,
        high
      ]
    })),
    ...complete.flatMap((part) =>
      part === undefined
        ? []
        : [{ start: part.start, cells: [seconds(part.start), seconds(part.end), COMPLETE, "", "", "", ""] }]
    )
  ].sort((a, b) => a.start - b.start)
  const isWhole = complete.includes(undefined)
  return [...(isWhole ? [`# ${COMPLETE}\n`] : []), csvLine(HEAD), ...rows.map(({ cells }) => csvLine(cells))].join("")
}

/** The label of a row that says that all of its span has been listened to. */
const COMPLETE = "complete"

/** How often what others write meanwhile is read again. */
const TRIES = 5

/**
 * Changes a recording's annotations, as one of many who may at once. The table is then one of the project's own; one of
 * another program's is kept beside it, under a name that is no table's.
 */
export const changeAnnotations = Effect.fn("changeAnnotations")(
  function* (
    recording: string,
    change: (before: Annotations) => Effect.Effect<Annotations, AnnotationError>,
    etag?: string
  ) {
    const store = yield* Store
    const found = yield* readAnnotations(recording)
    if (etag !== undefined && etag !== (Option.getOrUndefined(found)?.etag ?? "")) {
      return yield* new AnnotationError({ reason: "changed", message: CHANGED })
    }
    const after = yield* change(Option.getOrElse(found, () => NONE))
    const key = annotationKey(recording)
    const before = Option.filter(found, (table) => table.key === key)
    const bytes = new TextEncoder().encode(annotationsAsCsv(after))
    const written = yield* store.put(key, bytes, unlessChanged(before))
    if (Option.isSome(found) && Option.isNone(before)) {
      const other = found.value.key
      yield* store.put(`${other}.replaced`, (yield* store.get(other)).bytes)
      yield* removeUnneeded([other])
    }
    return { ...after, key, etag: written.etag, format: "csv", bad: [] } satisfies StoredAnnotations
  },
  (effect) =>
    Effect.retry(effect, {
      times: TRIES,
      schedule: Schedule.exponential("20 millis"),
      while: (error) => error._tag === "StoreError" && error.reason === "conflict"
    })
)

const NONE: Annotations = { annotations: [], complete: [] }

const CHANGED = "Somebody else has changed these annotations meanwhile: open them again."
