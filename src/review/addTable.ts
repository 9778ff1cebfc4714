import { Effect, Result } from "effect"
import type { Annotation, AnnotationRow, BadRow, HeardSpan } from "../stream/annotations/annotation.ts"
import { readTable } from "../stream/annotations/formats.ts"
import { AnnotationError, type Annotations, changeAnnotations, contentOf } from "./annotate.ts"

/** What a table added. */
export interface AddedTable {
  readonly annotations: number
  readonly recordings: ReadonlyArray<string>
  /** Rows that could not be used. */
  readonly problems: ReadonlyArray<BadRow>
  /** Recordings that rows name, and that there are not. */
  readonly missing: ReadonlyArray<string>
}

/**
 * Adds what a table says to the annotations of its recordings. Rows are of the recording that they name; others of `asked`,
 * else of the one that the table is named as. What is there already stays, and is not there twice.
 */
export const addTable = Effect.fn("addTable")(function* (
  bytes: Uint8Array,
  name: string,
  recordings: ReadonlyArray<string>,
  asked: string | undefined
) {
  const read = readTable(bytes)
  if (Result.isFailure(read)) return yield* new AnnotationError({ reason: "unreadable", message: read.failure })
  const { rows, complete, bad, format } = read.success
  const own = asked ?? recordingNamed(name.replace(TABLE_ENDING, ""), recordings)
  // A table that somebody says is of one recording is, whatever its rows call that.
  const recordingOf = (row: AnnotationRow | HeardSpan) =>
    asked ?? (row.file === undefined ? own : recordingNamed(stemOf(row.file), recordings))
  const found = new Set([...rows, ...complete].map(recordingOf).filter((key) => key !== undefined))
  const missing = [...rows, ...complete].flatMap((row) => (recordingOf(row) === undefined ? [row.file ?? name] : []))
  if (found.size === 0 && missing.length > 0) {
    const message = `None of the recordings that ${name} is of is there (${[...new Set(missing)].slice(0, 3).join(", ")}): choose one.`
    return yield* new AnnotationError({ reason: "unreadable", message })
  }
  let annotations = 0
  for (const recording of found) {
    const part = contentOf({
      format,
      bad: [],
      rows: rows.filter((row) => recordingOf(row) === recording),
      complete: complete.filter((row) => recordingOf(row) === recording)
    })
    annotations += part.annotations.length
    yield* changeAnnotations(recording, (before) => Effect.succeed(union(before, part)))
  }
  return {
    annotations,
    recordings: [...found],
    problems: bad,
    missing: [...new Set(missing)]
  } satisfies AddedTable
})

/** What programs put behind a recording's name: Raven's and BirdNET's tables say which they are. */
const TABLE_ENDING = /(\.Table\.\d+)?(\.selections?)?(\.BirdNET)?(\.(selection\.table|results))?\.(txt|csv|tsv)$/i

/** A file's name without folders, on any system, and without its ending. */
const stemOf = (path: string): string => path.replace(/^.*[/\\]/, "").replace(/(?<=.)\.[^.]*$/, "")

/** The recording of this name, where it is the only one. */
const recordingNamed = (stem: string, recordings: ReadonlyArray<string>): string | undefined => {
  const alike = recordings.filter((key) => stemOf(key) === stem)
  return alike.length === 1 ? alike[0] : undefined
}

const union = (before: Annotations, added: Annotations): Annotations => {
  const known = new Set(before.annotations.map(nameOf))
  const parts = new Set(before.complete.map((part) => JSON.stringify(part ?? null)))
  return {
    annotations: [...before.annotations, ...added.annotations.filter((one) => !known.has(nameOf(one)))],
    complete: [...before.complete, ...added.complete.filter((part) => !parts.has(JSON.stringify(part ?? null)))]
  }
}

const nameOf = ({ start, end, label }: Annotation): string => `${start.toFixed(3)} ${end.toFixed(3)} ${label}`
