import { CsvError, parse } from "csv-parse/sync"
import { Result } from "effect"
import type { Line, Sheet } from "./annotation.ts"

/** Text as editors on any system save it: UTF-8 or UTF-16, with a mark or without, else Windows' Western characters. */
export const textOf = (bytes: Uint8Array): string => {
  const [first, second] = bytes
  if (first === 0xff && second === 0xfe) return new TextDecoder("utf-16le").decode(bytes)
  if (first === 0xfe && second === 0xff) return new TextDecoder("utf-16be").decode(bytes)
  if (second === 0 && first !== 0) return new TextDecoder("utf-16le").decode(bytes)
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes)
  } catch {
    return new TextDecoder("windows-1252").decode(bytes)
  }
}

/** A first line that tells spreadsheets what is between cells: `sep=;`. */
const DELIMITER_LINE = /^"?sep=([^\w\s"]|\t)"?[^\S\t\r\n]*(?=[\r\n]|$)/i

/**
 * Takes a text apart at what its first line names (`sep=;`), else at tabs, else at semicolons or commas; fails with a
 * sentence where a quotation never ends.
 */
export const sheetOf = (whole: string): Result.Result<Sheet, string> => {
  const named = DELIMITER_LINE.exec(whole)
  // The line's end stays, so that rows keep the numbers that they have in the file.
  const text = whole.slice(named?.[0].length ?? 0)
  const delimiter = named?.[1] ?? delimiterOf(text)
  // Programs that write tabs quote nothing: a lone quotation mark is an inch, or a seconds' sign.
  const isQuoted = delimiter !== "\t"
  return Result.try({
    try: () =>
      parse(text, {
        delimiter,
        quote: isQuoted ? '"' : null,
        relax_quotes: true,
        relax_column_count: true,
        skip_empty_lines: true,
        info: true
      }) as unknown as ReadonlyArray<{ readonly record: ReadonlyArray<string>; readonly info: { lines: number } }>,
    catch: (cause) =>
      cause instanceof CsvError && cause.code === "CSV_QUOTE_NOT_CLOSED"
        ? "A quotation mark in it is never closed: close it, or double it where it is part of the text."
        : "It cannot be taken apart into rows and cells."
  }).pipe(
    Result.map((records) => {
      const lines = records
        .map(({ record, info }): Line => ({ row: info.lines, cells: record.map((cell) => cleaned(cell, isQuoted)) }))
        .filter(({ cells }) => cells.some((cell) => cell !== ""))
      // A column may be called "#", or "#start".
      const isComment = ({ cells: [first, ...rest] }: Line) =>
        /^#+\s/.test(first!) || (first!.startsWith("#") && rest.every((cell) => cell === ""))
      return {
        lines: lines.filter((line) => !isComment(line)),
        comments: lines.filter(isComment).map(({ cells }) =>
          cells
            .filter((cell) => cell !== "")
            .join(", ")
            .replace(/^#+\s*/, "")
        )
      }
    })
  )
}

const delimiterOf = (text: string): "\t" | ";" | "," => {
  const first = /^(?!\s*(#[^\t;,]*)?$|\s*#+\s).+/m.exec(text)?.[0] ?? ""
  if (first.includes("\t")) return "\t"
  const semicolons = first.split(";").length
  return semicolons > 1 && semicolons >= first.split(",").length ? ";" : ","
}

const cleaned = (cell: string, isQuoted: boolean): string => {
  const trimmed = cell.trim()
  return !isQuoted && /^".*"$/s.test(trimmed) ? trimmed.slice(1, -1).replaceAll('""', '"').trim() : trimmed
}

/** A number with a point or a comma as its decimal sign; undefined for what is none. */
export const numberOf = (cell: string | undefined): number | undefined => {
  if (cell === undefined) return undefined
  const text = cell.includes(".") ? cell.replace(/,(?=\d{3}(\D|$))/g, "") : cell.replace(",", ".")
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : undefined
}
