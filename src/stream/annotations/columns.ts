import type { AnnotationRow, AnnotationTable, BadRow, HeardSpan, Line, ReadOptions, Sheet } from "./annotation.ts"
import { COMPLETE, NOTHING, pointHeard, wrongLabel, wrongMeasures, wrongTimes } from "./rules.ts"
import { numberOf } from "./sheet.ts"

/** The names that a table's columns may have, as `nameOf` writes them, the likeliest first. */
export interface Columns {
  readonly start: ReadonlyArray<string>
  readonly end: ReadonlyArray<string>
  /** Instead of an end. */
  readonly duration?: ReadonlyArray<string>
  /** Where a row starts within its own file, in tables whose times run on over several files. */
  readonly offset?: ReadonlyArray<string>
  /** Of several that a table has, the first that a row has something in. */
  readonly label: ReadonlyArray<string>
  readonly file?: ReadonlyArray<string>
  /** The folder of that file. */
  readonly folder?: ReadonlyArray<string>
  readonly confidence?: ReadonlyArray<string>
  readonly annotator?: ReadonlyArray<string>
  readonly low?: ReadonlyArray<string>
  readonly high?: ReadonlyArray<string>
}

/** A column's name without what programs write in different ways: `IN.FILE*`, `In File` and `in_file` are `in file`. */
export const nameOf = (cell: string): string =>
  cell
    .toLowerCase()
    .replace(/[._*\s-]+/g, " ")
    .trim()

/** Why a table that is clearly one names no class. */
const noLabel = (header: ReadonlyArray<string>) =>
  `None of its columns (${header.filter((name) => name !== "").join(", ")}) is known to say the class: call it Label, or name it in ANNOTATION_COLUMN.`

/** Reads a table whose first line names its columns; undefined where they are not these. */
export const readColumns = (
  format: string,
  { lines, comments }: Sheet,
  columns: Columns,
  { labelColumn }: ReadOptions
): AnnotationTable | undefined => {
  const [header, ...rest] = lines
  if (header === undefined) return undefined
  const names = header.cells.map(nameOf)
  const place = (wanted: ReadonlyArray<string> = []) => places(names, wanted)[0]
  const start = place(columns.start)
  const end = place(columns.end)
  const duration = end === undefined ? place(columns.duration) : undefined
  if (start === undefined || (end === undefined && duration === undefined)) return undefined
  const labels = places(names, labelColumn === undefined ? columns.label : [nameOf(labelColumn), ...columns.label])
  const refused = (reason: string) => ({ format, rows: [], bad: [{ row: header.row, reason }], complete: [] })
  if (labels.length === 0) return refused(noLabel(header.cells))
  const used = { ...columns, label: [names[labels[0]!]!] }
  const twofold = calledAlike(header.cells, Object.values(used).flat()) ?? differing(header.cells, rest, columns)
  if (twofold !== undefined) return refused(twofold)
  const file = place(columns.file)
  const offset = file === undefined ? undefined : place(columns.offset)
  const folder = place(columns.folder)
  const optional = {
    confidence: place(columns.confidence),
    low: place(columns.low),
    high: place(columns.high)
  }
  const annotator = place(columns.annotator)
  return collect(format, comments, rest, ({ cells }) => {
    const at = (place: number | undefined) => (place === undefined ? undefined : cells[place])
    const name = at(file)
    const within = at(folder)
    return {
      start: at(start),
      ...(end === undefined ? { duration: at(duration) } : { end: at(end) }),
      offset: at(offset),
      label: labels.map(at).find((label) => label !== undefined && label !== "") ?? "",
      file: name && within ? `${within}/${name}` : name,
      confidence: at(optional.confidence),
      annotator: at(annotator),
      low: at(optional.low),
      high: at(optional.high)
    }
  })
}

/** Why it cannot be told which of two columns of one name is meant, however their unit is written. */
const calledAlike = (header: ReadonlyArray<string>, used: ReadonlyArray<string>): string | undefined => {
  const plain = (name: string) =>
    nameOf(name)
      .replace(/[()]/g, "")
      .replace(/ seconds$/, " s")
  const names = header.map(plain)
  const known = new Set(used.map(plain))
  const second = names.findIndex((name, at) => known.has(name) && names.indexOf(name) < at)
  if (second < 0) return undefined
  const first = names.indexOf(names[second]!)
  return `Its columns ${first + 1} and ${second + 1} are of one meaning (${header[first]}, ${header[second]}): leave one of them, or rename it.`
}

/** Why it cannot be told which of several columns of times is meant, whose numbers differ. */
const differing = (
  header: ReadonlyArray<string>,
  lines: ReadonlyArray<Line>,
  { start, end }: Columns
): string | undefined => {
  const names = header.map(nameOf)
  // Beside an end, an offset is mostly something else.
  for (const wanted of [start, end.filter((name) => !name.startsWith("offset"))]) {
    const [first, ...others] = places(names, wanted)
    for (const other of others) {
      const odd = lines.find(({ cells }) => {
        const [one, another] = [numberOf(cells[first!]), numberOf(cells[other])]
        return one !== undefined && another !== undefined && one !== another
      })
      if (odd === undefined) continue
      return `Its columns ${header[first!]} and ${header[other]} are of one meaning and differ in row ${odd.row}: leave one of them, or rename it.`
    }
  }
  return undefined
}

const places = (names: ReadonlyArray<string>, wanted: ReadonlyArray<string>): ReadonlyArray<number> =>
  wanted.map((name) => names.indexOf(name)).filter((place) => place >= 0)

/** What a line's cells say, as they stand there. */
export interface Said {
  readonly start: string | undefined
  readonly end?: string | undefined
  readonly duration?: string | undefined
  readonly offset?: string | undefined
  readonly label: string
  readonly file?: string | undefined
  readonly confidence?: string | undefined
  readonly annotator?: string | undefined
  readonly low?: string | undefined
  readonly high?: string | undefined
}

/** Makes a table of lines: annotations, what cannot be used, and what is said to be complete. */
export const collect = (
  format: string,
  comments: ReadonlyArray<string>,
  lines: ReadonlyArray<Line>,
  said: (line: Line) => Said
): AnnotationTable => {
  const rows: Array<AnnotationRow> = []
  const bad: Array<BadRow> = []
  const complete: Array<HeardSpan> = comments.some((comment) => COMPLETE.test(comment)) ? [{}] : []
  for (const line of lines) {
    const found = understand(line.row, said(line))
    if ("reason" in found) bad.push(found)
    else if (COMPLETE.test(found.label)) {
      if (found.end > found.start || found.end === 0) complete.push(heard(found))
      else bad.push({ row: found.row, reason: pointHeard(found.start, WHOLE) })
    } else if (!NOTHING.test(found.label)) rows.push(found)
  }
  return { format, rows, bad, complete }
}

/** What a row says was listened to: its span, or, as a point where the recording begins, all of it. */
const heard = ({ start, end, row, file }: AnnotationRow): HeardSpan => ({
  ...(end > start ? { span: { start, end } } : {}),
  row,
  ...(file === undefined ? {} : { file })
})

const WHOLE = 'write a line "# complete"'

const understand = (row: number, said: Said): AnnotationRow | BadRow => {
  const start = numberOf(said.start)
  if (start === undefined) return { row, reason: `Its start, "${said.start ?? ""}", is not a number of seconds.` }
  const length = numberOf(said.duration)
  const end = said.duration === undefined ? numberOf(said.end) : length === undefined ? undefined : start + length
  if (end === undefined) {
    return { row, reason: `Its end, "${said.end ?? said.duration ?? ""}", is not a number of seconds.` }
  }
  const offset = numberOf(said.offset)
  const shift = (offset ?? start) - start
  const times = { start: start + shift, end: end + shift }
  const confidence = numberOf(said.confidence)
  const low = numberOf(said.low)
  const high = numberOf(said.high)
  const reason =
    beyondNumbers({ start, end, offset, confidence, low, high }) ??
    // Over several files, times as they are written may be later than any recording ends.
    wrongTimes(start < 0 || end < start ? { start, end } : times) ??
    wrongLabel(said.label) ??
    wrongMeasures({ confidence, low, high })
  if (reason !== undefined) return { row, reason }
  return {
    row,
    ...times,
    label: said.label,
    ...(said.file ? { file: said.file } : {}),
    ...(confidence === undefined ? {} : { confidence }),
    ...(said.annotator ? { annotator: said.annotator } : {}),
    ...(low === undefined ? {} : { low }),
    ...(high === undefined ? {} : { high })
  }
}

/** Tells of a number such as 1e999, which is infinite here, and which no answer can hold. */
const beyondNumbers = (numbers: Readonly<Record<string, number | undefined>>): string | undefined => {
  const name = Object.keys(numbers).find((one) => Math.abs(numbers[one] ?? 0) === Number.POSITIVE_INFINITY)
  return name && `Its ${name} is further from 0 than numbers go.`
}

/** A line of a table, as RFC 4180 has it. */
export const csvLine = (cells: ReadonlyArray<string | number>): string =>
  `${cells.map((cell) => (/[",\r\n]/.test(`${cell}`) ? `"${`${cell}`.replaceAll('"', '""')}"` : cell)).join(",")}\n`

/**
 * A line of cells between tabs, which no quotation protects: what would end a cell becomes a space. A cell that is all in
 * quotation marks is quoted once more, for one layer of them is taken off where it is read.
 */
export const tabLine = (cells: ReadonlyArray<string | number>): string =>
  `${cells
    .map((cell) => `${cell}`.replace(/[\t\r\n]+/g, " "))
    .map((cell) => (/^".*"$/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell))
    .join("\t")}\n`

/** Seconds to the millisecond. */
export const seconds = (value: number): string => value.toFixed(3)

/** A probability to six digits. */
export const probability = (value: number): string => value.toFixed(6)

/** The same where one is known. */
export const confidenceCell = (value: number | undefined): string => (value === undefined ? "" : probability(value))
