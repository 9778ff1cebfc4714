import type { TableFormat } from "./annotation.ts"
import { nameOf, readColumns } from "./columns.ts"

/** BirdNET's results as CSV and for R. Those for Raven, Audacity and Kaleidoscope are tables of these programs. */
export const birdnet: TableFormat = {
  name: "birdnet",
  read: (sheet, options) => {
    if (!sheet.lines[0]?.cells.some((name) => nameOf(name) === "scientific name")) return undefined
    return readColumns(
      "birdnet",
      sheet,
      {
        start: ["start (s)", "start"],
        end: ["end (s)", "end"],
        label: ["common name", "scientific name"],
        file: ["filepath", "file"],
        confidence: ["confidence"]
      },
      options
    )
  }
}
