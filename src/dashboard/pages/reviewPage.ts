import { dataOf, service } from "../api.ts"
import type { Page } from "../page.ts"
import { h, wideCard } from "../parts/elements.ts"
import { counted } from "../parts/format.ts"
import { type ReviewState, reviewCards } from "../parts/reviewCards.ts"
import { attempt, toast } from "../parts/toast.ts"

/** Recordings that are worth a look, and what to do with them. */
export const reviewPage = async (): Promise<Page> => {
  const state = h("div", { "aria-live": "polite" })
  const found = h("div", { class: "wide" })
  let shown = ""
  let wasRunning = false

  const refresh = async () => {
    const looked = await dataOf(service.review.get())
    state.replaceChildren(...stateOf(looked))
    begin.disabled = looked.running !== null || !looked.trained
    if (wasRunning && looked.running === null && looked.failure === null) toast("The recordings are looked through.")
    wasRunning = looked.running !== null
    // Drawn anew only where something changed, so that nobody's player stops.
    const now = JSON.stringify([looked.review, looked.aside, looked.trained])
    if (now === shown) return
    shown = now
    found.replaceChildren(...reviewCards(looked, refresh))
  }
  const begin = h(
    "button",
    {
      class: "primary",
      click: () => {
        begin.disabled = true
        void attempt(async () => {
          await dataOf(service.review.post())
          await refresh()
        })
      }
    },
    "Look through the recordings"
  )
  await refresh()
  // A look costs the store some requests: often only while there is something to wait for.
  let ticks = 0
  const timer = setInterval(() => {
    if (wasRunning || ++ticks % 10 === 0) void refresh().catch(() => {})
  }, 2000)
  return {
    content: h(
      "div",
      { class: "columns" },
      wideCard(
        "Review",
        h(
          "p",
          {},
          "Second opinions on every label, recordings that hold the same sound under names of different sources, and silence. Nothing changes until you decide."
        ),
        state,
        begin
      ),
      found
    ),
    leave: () => clearInterval(timer)
  }
}

const stateOf = ({ running, failure, review }: ReviewState): ReadonlyArray<HTMLElement> => {
  const lines: Array<HTMLElement> = []
  if (review !== null) {
    const when = new Date(review.date).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" })
    const more =
      review.unknown > 0
        ? ` ${review.unknown} more ${review.unknown === 1 ? "is" : "are"} new, copied, moved or not usable: a training looks at them.`
        : ""
    lines.push(
      h(
        "p",
        { class: "hint" },
        `${counted(review.recordings, "recording")} ${review.recordings === 1 ? "was" : "were"} looked through on ${when}.${more}`
      )
    )
  }
  if (failure !== null) lines.push(h("p", { class: "problem", role: "alert" }, failure))
  if (running !== null)
    lines.push(h("p", {}, h("progress", { "aria-label": "Review" }), ` ${running || "Beginning …"}`))
  return lines
}
