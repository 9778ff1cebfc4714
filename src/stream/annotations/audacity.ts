import type { Line, TableFormat } from "./annotation.ts"
import { collect, seconds, tabLine } from "./columns.ts"
import { numberOf } from "./sheet.ts"

/** A line that tells the band of the label before it. */
const BAND = "\\"

/** Audacity's label tracks: start, end and label between tabs, without a header; BirdNET adds how sure it is. */
export const audacity: TableFormat = {
  name: "audacity",
  read: ({ lines, comments }) => {
    const first = lines[0]?.cells
    if (first === undefined || first.length > 4 || !first.slice(0, 2).every((cell) => numberOf(cell) !== undefined)) {
      return undefined
    }
    const bandOf = new Map<Line, Line>()
    for (const [at, line] of lines.entries()) if (line.cells[0] === BAND) bandOf.set(lines[at - 1]!, line)
    const labels = lines.filter(({ cells }) => cells[0] !== BAND)
    return collect("audacity", comments, labels, (line) => {
      const [start, end, label = "", confidence] = line.cells
      const [, low, high] = bandOf.get(line)?.cells ?? []
      return { start, end, label, confidence, low: bound(low), high: bound(high) }
    })
  },
  writer: {
    ending: ".txt",
    perRecording: true,
    head: "",
    row: ({ start, end, class: className }) => tabLine([seconds(start), seconds(end), className])
  },
  annotations: {
    head: "",
    row: ({ start, end, label, low, high }) => {
      const band = low === undefined && high === undefined ? "" : tabLine([BAND, low ?? NO_BOUND, high ?? NO_BOUND])
      return tabLine([seconds(start), seconds(end), label]) + band
    }
  }
}

/** What Audacity writes for a bound that a label has not. */
const NO_BOUND = -1

const bound = (cell: string | undefined) => (cell?.startsWith("-") ? undefined : cell)
