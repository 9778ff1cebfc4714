import type { Annotation, AnnotationRow, AnnotationTable, Sheet, TableFormat } from "./annotation.ts"
import { type Columns, confidenceCell, nameOf, probability, readColumns, seconds, tabLine } from "./columns.ts"
import { NO_CLASS } from "./rules.ts"

/** What people and programs call the column of the class, BirdNET's tables for Raven included. */
const LABELS = ["species", "annotation", "label", "class", "tag", "tags", "tag 1", "call type", "common name"]
const OTHER_LABELS = ["species code", "sound type", "sound", "type", "event", "category", "call", "name", "code", "id"]

const COLUMNS: Columns = {
  start: ["begin time (s)"],
  end: ["end time (s)"],
  offset: ["file offset (s)"],
  label: [...LABELS, ...OTHER_LABELS],
  file: ["begin path", "begin file"],
  confidence: ["confidence", "score"],
  annotator: ["annotator", "analyst", "observer"],
  low: ["low freq (hz)"],
  high: ["high freq (hz)"]
}

/** What Raven asks of a selection, in its order. */
const HEAD = ["Selection", "View", "Channel", "Begin Time (s)", "End Time (s)", "Low Freq (Hz)", "High Freq (Hz)"]
/** The recording, and where in it a selection begins. */
const PLACE = ["Begin File", "File Offset (s)"]

/** The band of a detection: what a model hears of a recording. */
const HEARD = { low: 0, high: 8000 }

/** Raven's selection tables, with any views, channels and measurements. */
export const raven: TableFormat = {
  name: "raven",
  read: (sheet, options) => {
    const table = readColumns("raven", sheet, COLUMNS, options)
    return table && onePerSelection(sheet, table)
  },
  writer: {
    ending: ".Table.1.selections.txt",
    perRecording: true,
    head: tabLine([...HEAD, "Species", "Confidence", "Mean", "Windows", ...PLACE, "Begin Date Time"]),
    row: ({ recording, start, end, class: className, peak, mean, windows, at }, number) =>
      tabLine([
        ...selectionOf(number, { start, end, ...HEARD }),
        className,
        probability(peak),
        probability(mean),
        windows,
        ...placeOf(recording, start),
        at ?? ""
      ])
  },
  annotations: {
    head: tabLine([...HEAD, "Species", "Confidence", "Annotator", ...PLACE]),
    row: (annotation, number, recording) => {
      const { start, label, confidence, annotator = "" } = annotation
      const said = [label, confidenceCell(confidence), annotator]
      return tabLine([...selectionOf(number, annotation), ...said, ...placeOf(recording, start)])
    }
  }
}

const selectionOf = (number: number, { start, end, low, high }: Omit<Annotation, "label">) => [
  number,
  "Spectrogram 1",
  1,
  seconds(start),
  seconds(end),
  low ?? "",
  high ?? ""
]

const placeOf = (recording: string, start: number) => [recording.slice(recording.lastIndexOf("/") + 1), seconds(start)]

/** Raven writes a selection once for each view and channel that shows it, and a view may lack what another tells. */
const onePerSelection = ({ lines }: Sheet, table: AnnotationTable): AnnotationTable => {
  const names = lines[0]?.cells.map(nameOf) ?? []
  const place = names.indexOf("selection")
  if (place < 0 || !names.includes("view")) return table
  const selections = new Map(lines.map(({ row, cells }) => [row, cells[place] ?? ""]))
  const said = new Map<string, AnnotationRow>()
  for (const row of table.rows) {
    const key = [selections.get(row.row), row.start, row.end, row.file, row.label].join("\t")
    said.set(key, { ...row, ...said.get(key) })
  }
  const told = new Set(table.rows.map(({ row }) => selections.get(row)))
  return {
    ...table,
    rows: [...said.values()],
    bad: table.bad.filter(({ row, reason }) => reason !== NO_CLASS || !told.has(selections.get(row)))
  }
}
