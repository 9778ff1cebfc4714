import { reasonOf, send, service } from "../api.ts"
import { h } from "./elements.ts"

/** Files on the way at once: enough to keep a slow line busy. */
const AT_ONCE = 3

/** Uploads files, a few at a time, with a line for each that says how it goes. */
export const uploadAll = async (
  files: ReadonlyArray<File>,
  className: string,
  list: HTMLElement,
  summary: HTMLElement
): Promise<void> => {
  const waiting = files.map((file) => {
    const bar = h("progress", { max: 1, value: 0, "aria-label": `Upload of ${file.name}` })
    const state = h("span", { class: "figure" }, "waiting")
    const line = h("li", {}, h("span", { class: "name" }, file.name), bar, state)
    list.append(line)
    return { file, bar, state, line }
  })
  const counts = { stored: 0, before: 0, refused: 0 }
  const queue = waiting.values()
  const work = async () => {
    for (const { file, bar, state, line } of queue) {
      const form = new FormData()
      form.append("class_name", className)
      form.append("file", file)
      try {
        state.textContent = "sending"
        const { already_stored } = await send(service.upload, form, (share) => {
          bar.value = share
        })
        counts[already_stored ? "before" : "stored"]++
        bar.value = 1
        state.textContent = already_stored ? "was there already" : "stored"
        line.className = "good"
      } catch (error) {
        counts.refused++
        state.textContent = reasonOf(error, "failed")
        line.className = "bad"
      }
      const { stored, before, refused } = counts
      summary.textContent = `${stored + before + refused} of ${files.length}: ${stored} stored, ${before} were there already, ${refused} refused.`
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
}
