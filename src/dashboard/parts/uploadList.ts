import { Refused, reasonOf } from "../api.ts"
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

/** Sends one file, tells how far it is, 0 to 1, and whether it is new; `note` says more. */
export type Put = (
  file: File,
  progress: (share: number) => void
) => Promise<{ readonly isNew: boolean; readonly note: string }>

/** Uploads files, a few at a time, with a line for each that says how it goes; what failed on the way can be sent again. */
export const uploadAll = async (
  files: ReadonlyArray<File>,
  put: Put,
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
        await sendOne(upload, put)
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

const sendOne = async (upload: Upload, put: Put): Promise<void> => {
  const { file, bar, state, line } = upload
  line.className = ""
  state.textContent = "sending"
  try {
    const { isNew, note } = await put(file, (share) => {
      bar.value = share
    })
    upload.outcome = isNew ? "stored" : "before"
    bar.value = 1
    state.textContent = `${isNew ? "stored" : "was there already"}${note}`
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
