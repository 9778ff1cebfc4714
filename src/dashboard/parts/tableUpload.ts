import { Refused, reasonOf, send, service } from "../api.ts"
import { dropZone } from "./dropZone.ts"
import { h } from "./elements.ts"
import { counted, nameOf } from "./format.ts"

/** Where tables of annotations are added; `added` is given the recording where there is only one. */
export const tableUpload = (
  asked: string,
  added: (recording: string | undefined) => void
): ReadonlyArray<HTMLElement> => {
  const lines = h("ul", { class: "uploads" })
  const isAsked = h("input", { type: "checkbox" })
  isAsked.checked = asked !== ""
  const sendOne = async (file: File) => {
    const line = h("li", {}, h("span", { class: "name" }, file.name))
    lines.append(line)
    const form = new FormData()
    form.append("file", file)
    if (isAsked.checked && asked !== "") form.append("recording", asked)
    try {
      const { message, recordings, problems, missing } = await send(service.annotations, form)
      line.className = problems.length + missing.length === 0 ? "good" : ""
      line.append(
        h("span", {}, message),
        ...[
          ...problems.map(({ row, reason }) => `Row ${row} was left out. ${reason}`),
          ...missing.map((name) => `There is no recording ${name}.`)
        ]
          .slice(0, MOST)
          .map((text) => h("span", { class: "hint" }, text)),
        ...(problems.length + missing.length > MOST
          ? [h("span", { class: "hint" }, `And ${counted(problems.length + missing.length - MOST, "problem")} more.`)]
          : [])
      )
      added(recordings.length === 1 ? recordings[0] : undefined)
    } catch (error) {
      line.className = "bad"
      line.append(h("span", { class: "figure" }, reasonOf(error)))
      if (!(error instanceof Refused)) throw error
    }
  }
  const take = async (files: ReadonlyArray<File>) => {
    lines.replaceChildren()
    // One after another: two may be of the same recording.
    for (const file of files) await sendOne(file)
  }
  return [
    h(
      "p",
      { class: "hint" },
      "Raven's selection tables, Audacity's label tracks, results of BirdNET and Kaleidoscope, or a CSV table with start, end and label."
    ),
    ...(asked === "" ? [] : [h("label", { class: "check" }, isAsked, h("span", {}, `They are of ${nameOf(asked)}`))]),
    dropZone("Drop tables here, or choose them", true, (files) => void take(files), ".txt,.csv,.tsv"),
    h("p", { class: "hint" }, "A table is of the recordings that its rows name, else of the one that it is named as."),
    h("div", { role: "status" }, lines)
  ]
}

const MOST = 10
