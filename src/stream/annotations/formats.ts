import { Effect, Option, Result } from "effect"
import { Settings } from "../../config/settings.ts"
import type {
  Annotation,
  Annotations,
  AnnotationTable,
  AnnotationWriter,
  Detection,
  ReadOptions,
  TableFormat,
  TableWriter
} from "./annotation.ts"
import { audacity } from "./audacity.ts"
import { birdnet } from "./birdnet.ts"
import { csv } from "./csv.ts"
import { jsonl } from "./jsonl.ts"
import { kaleidoscope } from "./kaleidoscope.ts"
import { raven } from "./raven.ts"
import { asKept } from "./rules.ts"
import { sheetOf, textOf } from "./sheet.ts"
import type { Stretch } from "./spans.ts"

/** All formats; a table is of the first that knows it. */
export const FORMATS: ReadonlyArray<TableFormat> = [raven, kaleidoscope, birdnet, audacity, csv, jsonl]

/** What detections can be written as. */
export const WRITERS = {
  raven: raven.writer!,
  audacity: audacity.writer!,
  csv: csv.writer!,
  jsonl: jsonl.writer!,
  kaleidoscope: kaleidoscope.writer!
} satisfies Readonly<Record<string, TableWriter>>
export type WriterName = keyof typeof WRITERS

/** What annotations can be written as. */
export const ANNOTATION_WRITERS = {
  raven: raven.annotations!,
  audacity: audacity.annotations!,
  csv: csv.annotations!,
  kaleidoscope: kaleidoscope.annotations!
} satisfies Record<string, AnnotationWriter>

/** Reads a table of any format; fails with a sentence on what is none. */
export const readTable = (bytes: Uint8Array, options: ReadOptions = {}): Result.Result<AnnotationTable, string> => {
  const sheet = sheetOf(textOf(bytes))
  if (Result.isFailure(sheet)) return Result.fail(sheet.failure)
  for (const { read } of FORMATS) {
    const table = read?.(sheet.success, options)
    if (table !== undefined) return Result.succeed(table)
  }
  return Result.fail(UNKNOWN)
}

/** How a store's tables are read: by the column that ANNOTATION_COLUMN names, too. */
export const readOptions = Effect.map(
  Settings,
  ({ annotationColumn }): ReadOptions => ({ labelColumn: Option.getOrUndefined(annotationColumn) })
)

const UNKNOWN =
  "It is no table of annotations: known are Raven's, Audacity's, BirdNET's and Kaleidoscope's, and columns called start, end and label."

/** A table of detections: all of one recording where the writer writes one for each. */
export const writeTable = (writer: TableWriter, detections: ReadonlyArray<Detection>): string =>
  writer.head + detections.map((detection, at) => writer.row(detection, at + 1)).join("")

/** What is said of a recording as a table of it, by time; what was listened to is in rows of its own. */
export const writeAnnotations = (
  { head, whole, row }: AnnotationWriter,
  { annotations, complete }: Annotations,
  recording: string
): string => {
  const isWhole = complete.includes(undefined)
  const heard = (part: Stretch): Annotation => ({ ...part, label: HEARD })
  const rows = [
    ...annotations,
    // Of less than a millisecond, it would be a point once it is written, which says something else.
    ...complete.flatMap((part) => (part === undefined || isPoint(asKept(part)) ? [] : [heard(part)]))
  ].sort((a, b) => a.start - b.start)
  if (isWhole && whole === undefined) rows.unshift(heard({ start: 0, end: 0 }))
  const above = isWhole ? (whole ?? "") : ""
  return above + head + rows.map((one, at) => row(one, at + 1, recording)).join("")
}

/** The label of a row that says that all of its span has been listened to. */
const HEARD = "complete"

const isPoint = ({ start, end }: Stretch): boolean => start === end
