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
    tellsJudged: true,
    head: csvLine(HEAD),
    row: ({ recording, start, end, class: className, peak, judged }) =>
      csvLine(cellsOf(recording, { start, end, confidence: peak }, className, judged === "" ? NO_ID : (judged ?? "")))
  },
  annotations: {
    head: csvLine([...HEAD, "REVIEWED BY"]),
    row: (annotation, _, recording) => {
      const { label, annotator = "", confidence } = annotation
      // Programs say how sure they are, and people who they are.
      const isOfProgram = confidence !== undefined && annotator === ""
      const [automatic, manual] = isOfProgram ? [label, ""] : ["", label]
      return csvLine([...cellsOf(recording, annotation, automatic, manual), annotator])
    }
  }
}

/** What Kaleidoscope calls that of which nobody can say what it is, or that it is anything. */
const NO_ID = "NoID"

const cellsOf = (
  recording: string,
  { start, end, confidence }: Omit<Annotation, "label">,
  automatic: string,
  manual: string
): ReadonlyArray<string | number> => {
  const [indir, ...path] = recording.split("/")
  const file = path.pop() ?? ""
  const cells = [indir!, path.join("/"), file, 0, seconds(start), seconds(end - start), automatic]
  return [...cells, confidenceCell(confidence), manual]
}
