import type { Annotation, TableFormat } from "./annotation.ts"
import { confidenceCell, csvLine, readColumns, seconds } from "./columns.ts"

const HEAD = ["INDIR", "FOLDER", "IN FILE", "CHANNEL", "OFFSET", "DURATION", "AUTO ID", "CONFIDENCE", "MANUAL ID"]

/** Kaleidoscope's tables of clusters, identifications and their review; a person's word goes before the program's. */
export const kaleidoscope: TableFormat = {
  name: "kaleidoscope",
  read: (sheet, options) =>
    readColumns(
      "kaleidoscope",
      sheet,
      {
        // An offset alone is where something ends elsewhere.
        start: sheet.lines[0]?.cells.some((cell) => /^in.?file$/i.test(cell)) ? ["offset"] : [],
        end: [],
        duration: ["duration"],
        label: ["manual id", "auto id", "common name", "top1match", "scientific name"],
        file: ["in file"],
        folder: ["folder"],
        confidence: ["confidence", "match ratio"],
        annotator: ["reviewed by", "reviewer"]
      },
      options
    ),
  writer: {
    ending: ".csv",
    perRecording: false,
    head: csvLine(HEAD),
    row: ({ recording, start, end, class: className, peak }) =>
      csvLine(cellsOf(recording, { start, end, label: className, confidence: peak }))
  },
  annotations: {
    head: csvLine([...HEAD, "REVIEWED BY"]),
    row: (annotation, _, recording) => csvLine([...cellsOf(recording, annotation), annotation.annotator ?? ""])
  }
}

const cellsOf = (recording: string, { start, end, label, confidence }: Annotation): ReadonlyArray<string | number> => {
  const [indir, ...path] = recording.split("/")
  const file = path.pop() ?? ""
  const cells = [indir!, path.join("/"), file, 0, seconds(start), seconds(end - start), label]
  return [...cells, confidenceCell(confidence), ""]
}
