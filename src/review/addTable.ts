import { Effect, Result } from "effect"
import { counted } from "../config/inWords.ts"
import type {
  Annotation,
  AnnotationRow,
  Annotations,
  AnnotationTable,
  BadRow,
  HeardSpan
} from "../stream/annotations/annotation.ts"
import { readOptions, readTable } from "../stream/annotations/formats.ts"
import { lengthOf } from "../stream/annotations/lengthOf.ts"
import { ofSeveral, pairingOf } from "../stream/annotations/pairing.ts"
import { beyondEnd } from "../stream/annotations/rules.ts"
import type { Stretch } from "../stream/annotations/spans.ts"
import { AnnotationError, changeAnnotations, contentOf, mayChange } from "./annotate.ts"

/** A field recording that a table may be of. */
export interface Annotatable {
  readonly key: string
  readonly size: number
  /** What was heard of it, where it was: tells how long one is whose file does not. */
  readonly seconds?: number | undefined
}

/** What a table added. */
export interface AddedTable {
  readonly annotations: number
  readonly recordings: ReadonlyArray<string>
  /** Rows that could not be used, or not all of it. */
  readonly problems: ReadonlyArray<BadRow>
  /** Recordings that rows name, and that there are not. */
  readonly missing: ReadonlyArray<string>
}

/**
 * Adds what a table says to the annotations of its recordings. Rows are of the recording that they name; others of `asked`,
 * else of the one that the table is named as. Where `asked` is given, rows that name another are left out. What is there
 * already stays, and is not there twice. What a row says of the time behind its recording's end is left out and told. A table
 * without a row that can be used, or of a recording whose annotations cannot be changed, is refused, and changes nothing.
 */
export const addTable = Effect.fn("addTable")(function* (
  bytes: Uint8Array,
  name: string,
  recordings: ReadonlyArray<Annotatable>,
  asked: string | undefined
) {
  const read = readTable(bytes, yield* readOptions)
  if (Result.isFailure(read)) return yield* new AnnotationError({ reason: "unreadable", message: read.failure })
  const { rows, complete, bad } = read.success
  const pairing = pairingOf(recordings.map(({ key }) => key))
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
  const parts = yield* Effect.forEach(
    found,
    Effect.fnUntraced(function* (recording) {
      const known = recordings.find(({ key }) => key === recording)
      const seconds = known && ((yield* lengthOf(known)) ?? known.seconds)
      const isOfIt = (row: AnnotationRow | HeardSpan) => recordingOf(row) === recording
      return { recording, ...upTo(seconds, rows.filter(isOfIt), complete.filter(isOfIt)) }
    })
  )
  const problems = [...bad, ...left, ...parts.flatMap(({ behind }) => behind)].sort((a, b) => a.row - b.row)
  const used = parts.filter(({ rows, complete }) => rows.length + complete.length > 0)
  if (used.length === 0) return yield* new AnnotationError({ reason: "unusable", message: ofNoUse(problems) })
  // The first one tells itself, before anything is written.
  yield* mayChange(used.slice(1).map(({ recording }) => recording))
  let annotations = 0
  for (const { recording, ...said } of used) {
    const part = contentOf(said)
    annotations += part.annotations.length
    yield* changeAnnotations(recording, (before) => Effect.succeed(union(before, part)))
  }
  return { annotations, recordings: used.map(({ recording }) => recording), problems, missing } satisfies AddedTable
})

/** What is said of a recording up to its end, where that is known, and which rows go on behind it. */
const upTo = (
  seconds: number | undefined,
  rows: ReadonlyArray<AnnotationRow>,
  complete: ReadonlyArray<HeardSpan>
): Pick<AnnotationTable, "rows" | "complete"> & { readonly behind: ReadonlyArray<BadRow> } => {
  if (seconds === undefined) return { rows, complete, behind: [] }
  const placed = [...rows, ...complete.flatMap(({ row = 1, span }) => (span === undefined ? [] : [{ row, ...span }]))]
  const behind = placed.flatMap((one) => {
    const reason = beyondEnd(one, seconds)
    return reason === undefined ? [] : [{ row: one.row, reason }]
  })
  const cut = <S extends Stretch>(span: S): ReadonlyArray<S> => {
    if (beyondEnd(span, seconds) === undefined) return [span]
    return span.start < seconds ? [{ ...span, end: seconds }] : []
  }
  return {
    rows: rows.flatMap(cut),
    complete: complete.flatMap((one) =>
      one.span === undefined ? [one] : cut(one.span).map((span) => ({ ...one, span }))
    ),
    behind
  }
}

/** Why a table is refused. */
const ofNoUse = ([first, ...others]: ReadonlyArray<BadRow>): string => {
  if (first === undefined) {
    return 'It has no row that says what is where, and nothing is changed: where all was listened to and nothing found, write a line "# complete".'
  }
  const more = others.length === 0 ? "" : ` ${counted(others.length, "more row")} cannot be used either.`
  return `It has no row that can be used, and nothing is changed. Row ${first.row}: ${first.reason}${more}`
}

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
