import { get, post, Refused, type RunView } from "./api.ts"
import { type Line, lines } from "./charts.ts"
import { card, h, percent, table, timeOf, toast, wideCard } from "./dom.ts"
import type { Page } from "./page.ts"

interface Summary {
  readonly recordings: number
  readonly embedded: number
  readonly reused: number
  readonly variants: number
  readonly skipped: ReadonlyArray<{ readonly key: string; readonly reason: string }>
  readonly notes: ReadonlyArray<string>
  readonly seconds: { readonly total: number }
  readonly engine: { readonly name: string; readonly adapter: string }
  readonly holdout: { readonly recordings: number; readonly accuracy: number | null; readonly macroF1: number | null }
}

interface Progress {
  readonly stage: "list" | "stream" | "train" | "publish"
  readonly done: number
  readonly total: number | null
  readonly rate: number | null
  readonly secondsLeft: number | null
}

const STAGES = {
  list: ["Listing", "recordings"],
  stream: ["Listening to", "recordings"],
  train: ["Training", "epochs"],
  publish: ["Writing", "files"]
} as const

/** Training runs: start one, watch it, read what it came to. */
export const runsPage = async (): Promise<Page> => {
  const live = h("div", {})
  const report = h("div", { "aria-live": "polite" })
  const history = h("div", {})
  let source: EventSource | undefined

  const showHistory = async () => {
    const { runs, running } = await get<{ runs: ReadonlyArray<RunView>; running: string | null }>("/runs")
    const rows = runs.map((run) => [
      h("button", { class: "link", click: () => void showReport(run.id) }, timeOf(run.id)),
      h("span", { class: `tag ${run.status}` }, run.status),
      run.trigger ?? "–"
    ])
    history.replaceChildren(
      rows.length > 0 ? table("Runs", ["Started", "Status", "Reason"], rows) : h("p", {}, "There has been no run yet.")
    )
    return running
  }
  const showReport = async (id: string) => {
    try {
      const run = await get<RunView & { summary: Summary | null }>(`/runs/${id}`)
      report.replaceChildren(card(`Run of ${timeOf(id)}`, ...reportOf(run)))
      report.scrollIntoView({ block: "nearest" })
    } catch (error) {
      toast(error instanceof Refused ? error.message : "The service cannot be reached.")
    }
  }
  const watch = (id: string) => {
    source?.close()
    const view = liveView(id)
    live.replaceChildren(view.content)
    source = new EventSource(`/runs/${id}/events`)
    const on = (type: string, take: (data: never) => void) =>
      source!.addEventListener(type, ({ data }) => take(JSON.parse(data) as never))
    on("progress", view.progress)
    on("epoch", view.epoch)
    on("skip", view.skip)
    on("end", (data: { outcome: string }) => {
      source?.close()
      toast(data.outcome)
      live.replaceChildren()
      void showHistory()
      void showReport(id)
    })
  }

  const running = await showHistory()
  if (running !== null) watch(running)
  return {
    content: h(
      "div",
      { class: "columns" },
      card(
        "Start a training",
        startForm((id) => {
          watch(id)
          void showHistory()
        })
      ),
      live,
      report,
      wideCard("Runs so far", history)
    ),
    leave: () => source?.close()
  }
}

const startForm = (started: (id: string) => void): HTMLElement => {
  const reason = h("input", { type: "text", maxlength: 500, placeholder: "New recordings from the north ridge" })
  const submit = async (event: Event) => {
    event.preventDefault()
    try {
      const body = { trigger_reason: reason.value || "Started on the dashboard", min_new_samples: 0 }
      const { message, run_id, status } = await post<{ message: string; run_id?: string; status: string }>(
        "/retrain",
        body
      )
      toast(status === "in_progress" ? "A training is under way already." : message)
      if (run_id !== undefined) started(run_id)
    } catch (error) {
      toast(error instanceof Refused ? error.message : "The service cannot be reached.")
    }
  }
  return h(
    "form",
    { submit: (event) => void submit(event) },
    h("label", { class: "stack" }, "Reason", reason),
    h("button", { class: "primary" }, "Start training"),
    h(
      "p",
      { class: "hint" },
      "Only recordings that are new cost time; the new model replaces the old one if it is not worse."
    )
  )
}

const liveView = (id: string) => {
  const stage = h("p", { role: "status" }, "Starting …")
  const bar = h("progress", { "aria-label": "Progress of this stage" })
  const rate = h("p", { class: "hint" })
  const chart = h("div", {})
  const skipped = h("ul", { class: "uploads" })
  const losses: Array<number> = []
  const validation: Array<number> = []
  const cancel = h(
    "button",
    {
      click: () => {
        cancel.disabled = true
        post(`/runs/${id}/cancel`).catch((error: unknown) =>
          toast(error instanceof Refused ? error.message : String(error))
        )
      }
    },
    "Cancel"
  )
  return {
    content: card("Training now", stage, bar, rate, chart, skipped, cancel),
    progress: ({ stage: name, done, total, rate: perSecond, secondsLeft }: Progress) => {
      const [what, unit] = STAGES[name]
      stage.textContent = total === null ? `${what}: ${done} ${unit}` : `${what}: ${done} of ${total} ${unit}`
      if (total === null) bar.removeAttribute("value")
      else {
        bar.max = Math.max(1, total)
        bar.value = done
      }
      rate.textContent =
        perSecond === null
          ? ""
          : `${perSecond.toFixed(1)} ${unit} a second${secondsLeft === null ? "" : `, at most ${Math.ceil(secondsLeft)} s left`}`
    },
    epoch: ({ loss, validationLoss }: { loss: number; validationLoss: number | null }) => {
      losses.push(loss)
      if (validationLoss !== null) validation.push(validationLoss)
      const series: Array<Line> = [
        { name: "training", values: losses },
        { name: "validation", values: validation }
      ]
      chart.replaceChildren(lines("Loss by epoch", series, { x: "epoch" }))
    },
    skip: ({ key, reason }: { key: string; reason: string }) => {
      skipped.append(h("li", { class: "bad" }, h("span", { class: "name" }, key), h("span", {}, reason)))
    }
  }
}

const reportOf = (run: RunView & { readonly summary: Summary | null }): Array<HTMLElement> => {
  const { summary } = run
  const lead = [
    h("p", {}, h("span", { class: `tag ${run.status}` }, run.status), ` ${run.outcome ?? ""}`),
    h("p", { class: "hint" }, `Reason: ${run.trigger ?? "not given"}`)
  ]
  if (summary === null) return lead
  const { holdout, skipped } = summary
  const facts = [
    ["Recordings", `${summary.recordings} (${summary.embedded} new, ${summary.reused} known)`],
    ["Variants", String(summary.variants)],
    ["Held out", String(holdout.recordings)],
    ["Accuracy", percent(holdout.accuracy)],
    ["Macro-F1", percent(holdout.macroF1)],
    ["Time", `${summary.seconds.total.toFixed(1)} s on ${summary.engine.adapter}`]
  ]
  return [
    ...lead,
    table("What the run came to", ["", ""], facts),
    ...summary.notes.map((note) => h("p", { class: "note" }, note)),
    ...(skipped.length === 0
      ? []
      : [
          h("h3", {}, `${skipped.length} recordings were left out`),
          h("ul", {}, ...skipped.map(({ key, reason }) => h("li", {}, `${key}: ${reason}`)))
        ])
  ]
}
