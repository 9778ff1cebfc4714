import type { EventData } from "../../service/runLog.ts"
import { STAGES } from "../../stream/stages.ts"
import { dataOf, service, type Takes } from "../api.ts"
import { lines } from "./chart.ts"
import { card, h } from "./elements.ts"
import { counted } from "./format.ts"
import { attempt } from "./toast.ts"

/** What is seen of a run while it goes on. */
export const liveView = (id: string) => {
  const stage = h("p", { role: "status" }, "Starting …")
  const bar = h("progress", { "aria-label": "Progress of this stage" })
  const rate = h("p", { class: "hint" })
  const line = h("p", { class: "note", role: "status", hidden: true })
  const chart = h("div", {})
  const skipped = h("ul", { class: "uploads" })
  const losses: Array<number> = []
  const validation: Array<number> = []
  const cancel = h(
    "button",
    {
      click: () => {
        cancel.disabled = true
        void attempt(async () => void (await dataOf(service.runs({ id }).cancel.post())))
      }
    },
    "Cancel"
  )
  const takes: Omit<Takes<EventData>, "end"> = {
    progress: ({ stage: name, done, total, rate: perSecond, secondsLeft }) => {
      // A service that was started anew may be of a version with other stages than this page.
      const { title, unit } = STAGES[name] ?? { title: name, unit: "steps" }
      const count = Math.round(done)
      stage.textContent = total === null ? `${title}: ${count} ${unit}` : `${title}: ${count} of ${total} ${unit}`
      if (total === null) bar.removeAttribute("value")
      else {
        bar.max = Math.max(1, total)
        bar.value = done
      }
      rate.textContent =
        perSecond === null || name === "search"
          ? ""
          : `${perSecond.toFixed(1)} ${unit} a second${secondsLeft === null ? "" : `, about ${durationOf(secondsLeft)} left`}`
    },
    epoch: ({ loss, validationLoss }) => {
      losses.push(loss)
      if (validationLoss !== null) validation.push(validationLoss)
      const series = [
        { name: "training", values: losses },
        { name: "validation", values: validation }
      ]
      chart.replaceChildren(lines("Loss by epoch", series, { x: "epoch" }))
    },
    skip: ({ key, reason }) =>
      skipped.append(h("li", { class: "bad" }, h("span", { class: "name" }, key), h("span", {}, reason)))
  }
  /** Says how the connection is; nothing where it is well. */
  const say = (text: string) => {
    line.hidden = text === ""
    line.textContent = text
  }
  return { content: card("Training now", stage, bar, rate, line, chart, skipped, cancel), takes, say }
}

const durationOf = (seconds: number): string =>
  seconds < 120 ? `${Math.ceil(seconds)} s` : counted(Math.ceil(seconds / 60), "minute")
