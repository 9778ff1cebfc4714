// Imports nothing: the dashboard's pages write the same.

/**
 * A table as RFC 4180 has it, for spreadsheets, too: what they would take for a formula gets an apostrophe in front, also
 * within a cell, for in half of the world they part cells at semicolons, whatever quotation marks say.
 */
export const csvOf = (rows: ReadonlyArray<Row>): string =>
  // Without the mark, they take it for one of the machine's old character set.
  `\uFEFF${csvLines(rows)}`

/** More lines of the same, to follow those. */
export const csvLines = (rows: ReadonlyArray<Row>): string =>
  rows.map((row) => `${row.map(cell).join(",")}\r\n`).join("")

export type Row = ReadonlyArray<string | number>

/** The place before what begins a formula, at a cell's beginning or behind what may end one. */
const FORMULA = /^(?=[\t\r])|(^|[;\t\r\n]\s*"*)(?=[=+\-@])/g

const cell = (value: string | number): string => {
  const text = typeof value === "string" ? value.replaceAll(FORMULA, "$1'") : `${value}`
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
