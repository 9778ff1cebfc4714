import { Effect, Result } from "effect"
import type { Annotation, AnnotationRow, Annotations, BadRow, HeardSpan } from "../stream/annotations/annotation.ts"
import { readOptions, readTable } from "../stream/annotations/formats.ts"
import { ofSeveral, pairingOf } from "../stream/annotations/pairing.ts"
import { AnnotationError, changeAnnotations, contentOf } from "./annotate.ts"

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
 * else of the one that the table is named as. Where `asked` is given, rows that name another are left out. What is there
 * already stays, and is not there twice.
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
  const placeOf = ({ file }: AnnotationRow | HeardSpan): Place => {
    if (file === undefined && asked !== undefined) return { recording: asked }
    const called = file === undefined ? pairing.ofName(name) : pairing.ofRow(name, file)
    if (asked !== undefined) return called.includes(asked) ? { recording: asked } : { reason: otherThan(asked, file!) }
    if (called.length > 1) return { reason: ofSeveral(called) }
    return called.length === 1 ? { recording: called[0]! } : { missing: file ?? name }
  }
  const places = new Map([...rows, ...complete].map((row) => [row, placeOf(row)]))
  const recordingOf = (row: AnnotationRow | HeardSpan): string | undefined => {
    const place = places.get(row)!
    return "recording" in place ? place.recording : undefined
  }
  const found = new Set([...places.keys()].map(recordingOf).filter((recording) => recording !== undefined))
  const missing = [...new Set([...places.values()].flatMap((place) => ("missing" in place ? [place.missing] : [])))]
  const left = [...places].flatMap(([{ row = 1 }, place]) => ("reason" in place ? [{ row, reason: place.reason }] : []))
  if (found.size === 0 && places.size > 0) {
    const message =
      left[0]?.reason ??
      `None of the recordings that ${name} is of is there (${missing.slice(0, 3).join(", ")}): choose one.`
    return yield* new AnnotationError({ reason: "unreadable", message })
  }
  let annotations = 0
  for (const recording of found) {
    const isOfIt = (row: AnnotationRow | HeardSpan) => recordingOf(row) === recording
    const part = contentOf({ rows: rows.filter(isOfIt), complete: complete.filter(isOfIt) })
    annotations += part.annotations.length
    yield* changeAnnotations(recording, (before) => Effect.succeed(union(before, part)))
  }
  return {
    annotations,
    recordings: [...found],
    problems: [...bad, ...left].sort((a, b) => a.row - b.row),
    missing
  } satisfies AddedTable
})

/** Which recording a row is of; why it is of none that can be told; or the name that nothing has. */
type Place = { readonly recording: string } | { readonly reason: string } | { readonly missing: string }

const otherThan = (asked: string, file: string): string =>
  `It names ${file}, which is not ${asked}: add the table without choosing a recording, or mend the name.`

const union = (before: Annotations, added: Annotations): Annotations => {
  const known = new Set(before.annotations.map(nameOf))
  const parts = new Set(before.complete.map((part) => JSON.stringify(part ?? null)))
  return {
    annotations: [...before.annotations, ...added.annotations.filter((one) => !known.has(nameOf(one)))],
    complete: [...before.complete, ...added.complete.filter((part) => !parts.has(JSON.stringify(part ?? null)))]
  }
}

const nameOf = ({ start, end, label }: Annotation): string => `${start.toFixed(3)} ${end.toFixed(3)} ${label}`
