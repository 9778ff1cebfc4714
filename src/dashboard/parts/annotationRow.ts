/** An annotation as it stands in the editor; a time that is empty or no number is NaN. */
interface EditedRow {
  readonly start: number
  readonly end: number
  readonly label: string
}

/** Why a row cannot be kept or heard yet, as a sentence; `number` is the one that stands before it. */
export const unfinished = ({ start, end, label }: EditedRow, number: number): string | undefined => {
  const missing = [...(Number.isNaN(start) ? ["Start"] : []), ...(Number.isNaN(end) ? ["End"] : [])]
  if (missing.length > 0) return `Row ${number} needs a number of seconds as its ${missing.join(" and its ")}.`
  if (start < 0) return `Row ${number} starts before the recording does.`
  if (end < start) return `Row ${number} ends before it starts.`
  return label === "" ? `Row ${number} needs a class.` : undefined
}
