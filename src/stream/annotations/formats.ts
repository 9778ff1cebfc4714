import { Effect, Option, Result } from "effect"
import { Settings } from "../../config/settings.ts"
import type { AnnotationTable, Detection, ReadOptions, TableFormat, TableWriter } from "./annotation.ts"
import { audacity } from "./audacity.ts"
import { birdnet } from "./birdnet.ts"
import { csv } from "./csv.ts"
import { jsonl } from "./jsonl.ts"
import { kaleidoscope } from "./kaleidoscope.ts"
import { raven } from "./raven.ts"
import { sheetOf, textOf } from "./sheet.ts"

/** All formats; a table is of the first that knows it. */
export const FORMATS: ReadonlyArray<TableFormat> = [raven, kaleidoscope, birdnet, audacity, csv, jsonl]

/** What detections can be written as. */
export const WRITERS = {
  raven: raven.writer!,
  audacity: audacity.writer!,
  csv: csv.writer!,
  jsonl: jsonl.writer!,
  kaleidoscope: kaleidoscope.writer!
} satisfies Record<string, TableWriter>
export type WriterName = keyof typeof WRITERS

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
