import type { TableFormat } from "./annotation.ts"
import { type Columns, collect, confidenceCell, csvLine, probability, readColumns, seconds } from "./columns.ts"
import { numberOf } from "./sheet.ts"

const COLUMNS: Columns = {
  start: [
    "start",
    "start (s)",
    "start time",
    "start time (s)",
    "begin",
    "begin time",
    "onset",
    "onset (s)",
    "start s",
    "start seconds",
    "onset s"
  ],
  end: [
    "end",
    "end (s)",
    "end time",
    "end time (s)",
    "stop",
    "stop time",
    "offset",
    "offset (s)",
    "end s",
    "stop seconds",
    "end seconds",
    "offset s"
  ],
  duration: ["duration", "duration (s)", "length", "duration s"],
  label: [
    "label",
    "class",
    "species",
    "annotation",
    "tag",
    "tags",
    "event label",
    "event",
    "call type",
    "common name",
    "name"
  ],
  file: ["recording", "file", "filename", "file name", "audio file", "path", "filepath", "file path", "audio"],
  confidence: ["confidence", "probability", "score", "peak"],
  annotator: ["annotator", "annotated by", "analyst", "observer"],
  low: ["low", "low f", "low freq", "low freq (hz)", "low frequency", "f min", "min freq", "freq low"],
  high: ["high", "high f", "high freq", "high freq (hz)", "high frequency", "f max", "max freq", "freq high"]
}

/** Tables between commas, semicolons or tabs, with a header or in the order `start,end,label[,confidence,annotator]`. */
export const csv: TableFormat = {
  name: "csv",
  read: (sheet, options) => {
    const { lines, comments } = sheet
    const first = lines[0]?.cells ?? []
    if (lines.length === 0 || (first.length >= 3 && first.slice(0, 2).every((cell) => numberOf(cell) !== undefined))) {
      return collect("csv", comments, lines, ({ cells: [start, end, label = "", confidence, annotator] }) => ({
        start,
        end,
        label,
        confidence,
        annotator
      }))
    }
    return readColumns("csv", sheet, COLUMNS, options)
  },
  writer: {
    ending: ".csv",
    perRecording: false,
    head: csvLine(["recording", "start", "end", "label", "confidence", "mean", "windows", "at"]),
    row: ({ recording, start, end, class: className, peak, mean, windows, at }) =>
      csvLine([
        recording,
        seconds(start),
        seconds(end),
        className,
        probability(peak),
        probability(mean),
        windows,
        at ?? ""
      ])
  },
  annotations: {
    whole: "# complete\n",
    head: csvLine(["start", "end", "label", "confidence", "annotator", "low", "high"]),
    row: ({ start, end, label, confidence, annotator = "", low = "", high = "" }) =>
      csvLine([seconds(start), seconds(end), label, confidenceCell(confidence), annotator, low, high])
  }
}
