import type { EventData } from "../../service/runLog.ts"
import { dataOf, follow, service } from "../api.ts"
import type { Page } from "../page.ts"
import { card, h, wideCard } from "../parts/elements.ts"
import { percent, timeOf } from "../parts/format.ts"
import { reportOf, statusOf } from "../parts/runReport.ts"
import { table } from "../parts/table.ts"
import { attempt, toast } from "../parts/toast.ts"
import { liveView } from "../parts/trainingNow.ts"

/** Training runs: start one, watch it, read what it came to. */
export const runsPage = async (): Promise<Page> => {
  const live = h("div", {})
  const report = h("div", { "aria-live": "polite" })
  const history = h("div", {})
  let stop = () => {}

  const showHistory = async (before?: string) => {
    const query = { limit: SHOWN, ...(before === undefined ? {} : { before }) }
    const { runs, running } = await dataOf(service.runs.get({ query }))
    const rows = runs.map((run) => [
      h("button", { class: "link", click: () => void showReport(run.id) }, timeOf(run.id)),
      statusOf(run),
      percent(run.result?.macroF1),
      run.result === null ? "–" : String(run.result.recordings),
      h("div", {}, run.outcome ?? "–", h("div", { class: "hint" }, `Started for: ${run.trigger ?? "no reason given"}`))
    ])
    const columns = ["Started", "Came to", "Macro-F1", "Recordings", "In words"]
    const older = runs.length < SHOWN ? undefined : runs.at(-1)!.id
    history.replaceChildren(
      rows.length > 0 ? table("Runs", columns, rows) : h("p", {}, "There has been no run yet."),
      h(
        "div",
        { class: "row" },
        ...(before === undefined
          ? []
          : [h("button", { click: () => void attempt(async () => void (await showHistory())) }, "Newest runs")]),
        ...(older === undefined
          ? []
          : [h("button", { click: () => void attempt(async () => void (await showHistory(older))) }, "Older runs")])
      )
    )
    return running
  }
  const showReport = (id: string) =>
    attempt(async () => {
      report.replaceChildren(card(`Run of ${timeOf(id)}`, ...reportOf(await dataOf(service.runs({ id }).get()))))
      report.scrollIntoView({ block: "nearest" })
    })
  const watch = (id: string) => {
    stop()
    const view = liveView(id)
    live.replaceChildren(view.content)
    const end = (outcome: string | null) => {
      stop()
      toast(outcome ?? "The run has ended.")
      live.replaceChildren()
      void showHistory()
      void showReport(id)
    }
    const source = follow<EventData>(service.runs({ id }).events, { ...view.takes, end: ({ outcome }) => end(outcome) })
    // Where that is given up (the run goes on elsewhere, or its service has been started anew), its record tells.
    const timer = setInterval(() => {
      view.say(source.readyState === source.OPEN ? "" : AWAY)
      if (source.readyState !== source.CLOSED) return
      dataOf(service.runs({ id }).get()).then(
        ({ status, outcome }) => {
          if (status !== "running") end(outcome)
        },
        () => {}
      )
    }, LOOK)
    stop = () => {
      clearInterval(timer)
      source.close()
      stop = () => {}
    }
  }

  const running = await showHistory()
  if (running !== null) watch(running)
  const form = startForm((id) => {
    watch(id)
    void showHistory()
  })
  return {
    content: h(
      "div",
      { class: "columns" },
      card("Start a training", form),
      live,
      report,
      wideCard("Runs so far", history)
    ),
    leave: () => stop()
  }
}

/** Runs listed at once. */
const SHOWN = 20
/** Milliseconds between two looks at whether a run's events still come. */
const LOOK = 3_000
const AWAY = "Its progress does not come through at the moment; how it ends will be shown here."

const startForm = (started: (id: string) => void): HTMLElement => {
  const reason = h("input", { type: "text", maxlength: 500, placeholder: "New recordings from the north ridge" })
  const submit = (event: Event) => {
    event.preventDefault()
    void attempt(async () => {
      const { message, run_id, status } = await dataOf(
        service.retrain.post({ trigger_reason: reason.value || "Started on the dashboard", min_new_samples: 0 })
      )
      toast(status === "in_progress" ? "A training is under way already." : message)
      if (run_id !== undefined) started(run_id)
    })
  }
  return h(
    "form",
    { submit },
    h("label", { class: "stack" }, "Reason", reason),
    h("button", { class: "primary" }, "Start training"),
    h(
      "p",
      { class: "hint" },
      "Only recordings that are new cost time; the new model replaces the old one if it is not worse."
    )
  )
}
