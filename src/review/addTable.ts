import { Effect, Result } from "effect"
import type { Annotation, AnnotationRow, BadRow, HeardSpan } from "../stream/annotations/annotation.ts"
import { readOptions, readTable } from "../stream/annotations/formats.ts"
import { pairingOf } from "../stream/annotations/pairing.ts"
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
  const read = readTable(bytes, yield* readOptions)
  if (Result.isFailure(read)) return yield* new AnnotationError({ reason: "unreadable", message: read.failure })
  const { rows, complete, bad } = read.success
  const pairing = pairingOf(recordings)
  // A table that somebody says is of one recording is, whatever its rows call that.
  const recordingOf = ({ file }: AnnotationRow | HeardSpan): string | undefined => {
    if (asked !== undefined) return asked
    const called = file === undefined ? pairing.ofName(name) : pairing.ofRow(name, file)
    return called.length === 1 ? called[0] : undefined
  }
  const found = new Set([...rows, ...complete].map(recordingOf).filter((key) => key !== undefined))
  const missing = [...rows, ...complete].flatMap((row) => (recordingOf(row) === undefined ? [row.file ?? name] : []))
  if (found.size === 0 && missing.length > 0) {
    const message = `None of the recordings that ${name} is of is there (${[...new Set(missing)].slice(0, 3).join(", ")}): choose one.`
    return yield* new AnnotationError({ reason: "unreadable", message })
  }
  let annotations = 0
  for (const recording of found) {
    const part = contentOf({
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

const union = (before: Annotations, added: Annotations): Annotations => {
  const known = new Set(before.annotations.map(nameOf))
  const parts = new Set(before.complete.map((part) => JSON.stringify(part ?? null)))
  return {
    annotations: [...before.annotations, ...added.annotations.filter((one) => !known.has(nameOf(one)))],
    complete: [...before.complete, ...added.complete.filter((part) => !parts.has(JSON.stringify(part ?? null)))]
  }
}

const nameOf = ({ start, end, label }: Annotation): string => `${start.toFixed(3)} ${end.toFixed(3)} ${label}`
