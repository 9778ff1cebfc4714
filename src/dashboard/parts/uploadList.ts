import { Refused, reasonOf, send, service } from "../api.ts"
import { h } from "./elements.ts"

/** Files on the way at once: enough to keep a slow line busy. */
const AT_ONCE = 3

/** A file on its way, and its line in the list. */
interface Upload {
  readonly file: File
  readonly bar: HTMLProgressElement
  readonly state: HTMLElement
  readonly line: HTMLElement
  outcome: "waiting" | "stored" | "before" | "refused" | "failed"
}

/** Uploads files, a few at a time, with a line for each that says how it goes; what failed on the way can be sent again. */
export const uploadAll = async (
  files: ReadonlyArray<File>,
  className: string,
  list: HTMLElement,
  summary: HTMLElement,
  stored: () => void
): Promise<void> => {
  const uploads = files.map((file): Upload => {
    const bar = h("progress", { max: 1, value: 0, "aria-label": `Upload of ${file.name}` })
    const state = h("span", { class: "figure" }, "waiting")
    const line = h("li", {}, h("span", { class: "name" }, file.name), bar, state)
    list.append(line)
    return { file, bar, state, line, outcome: "waiting" }
  })
  const sendAll = async (chosen: ReadonlyArray<Upload>) => {
    const queue = chosen.values()
    const work = async () => {
      for (const upload of queue) {
        await sendOne(upload, className)
        summary.replaceChildren(h("p", {}, summaryOf(uploads)))
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, work))
    stored()
    const failed = uploads.filter(({ outcome }) => outcome === "failed")
    if (failed.length === 0) return
    const again = () => {
      summary.replaceChildren(h("p", {}, summaryOf(uploads)))
      void sendAll(failed)
    }
    summary.append(h("button", { class: "primary", click: again }, `Send again what failed (${failed.length})`))
  }
  await sendAll(uploads)
}

const sendOne = async (upload: Upload, className: string): Promise<void> => {
  const { file, bar, state, line } = upload
  const form = new FormData()
  form.append("class_name", className)
  form.append("file", file)
  line.className = ""
  state.textContent = "sending"
  try {
    const { already_stored, class: itsClass } = await send(service.upload, form, (share) => {
      bar.value = share
    })
    upload.outcome = already_stored ? "before" : "stored"
    bar.value = 1
    const elsewhere = itsClass === className ? "" : `, in ${itsClass}`
    state.textContent = already_stored ? `was there already${elsewhere}` : "stored"
    line.className = "good"
  } catch (error) {
    // Sent again, a recording that was refused for what it is would be refused again.
    upload.outcome = error instanceof Refused && [400, 409, 413, 415, 422].includes(error.status) ? "refused" : "failed"
    bar.value = 0
    state.textContent = reasonOf(error)
    line.className = "bad"
  }
}

const summaryOf = (uploads: ReadonlyArray<Upload>): string => {
  const count = (outcome: Upload["outcome"]) => uploads.filter((upload) => upload.outcome === outcome).length
  const [stored, before, refused, failed] = (["stored", "before", "refused", "failed"] as const).map(count)
  const through = uploads.length - count("waiting")
  const were = before === 1 ? "was" : "were"
  const more = failed === 0 ? "" : `, ${failed} failed`
  return `${through} of ${uploads.length}: ${stored} stored, ${before} ${were} there already, ${refused} refused${more}.`
}
