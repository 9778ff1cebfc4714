// Imports nothing: the dashboard's pages write the same.

/** A table as RFC 4180 has it, for spreadsheets, too: what they would take for a formula gets an apostrophe in front. */
export const csvOf = (rows: ReadonlyArray<ReadonlyArray<string | number>>): string =>
  // Without the mark, they take it for one of the machine's old character set.
  `\uFEFF${rows.map((row) => `${row.map(cell).join(",")}\r\n`).join("")}`

const cell = (value: string | number): string => {
  const text = typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? `'${value}` : `${value}`
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
