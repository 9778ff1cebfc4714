import type { EventData } from "../../service/runLog.ts"
import { type Answer, dataOf, eventsOf, service } from "../api.ts"
import type { Page } from "../page.ts"
import { lines } from "../parts/chart.ts"
import { card, h, wideCard } from "../parts/elements.ts"
import { counted, percent, timeOf } from "../parts/format.ts"
import { table } from "../parts/table.ts"
import { attempt, toast } from "../parts/toast.ts"

const STAGES = {
  list: ["Listing", "recordings"],
  stream: ["Listening to", "recordings"],
  search: ["Trying heads", "seconds"],
  train: ["Training", "epochs"],
  mix: ["Hearing soundscapes", "minutes"],
  publish: ["Writing", "files"]
} as const

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
    const source = listenTo(id, { ...view.takes, end: ({ outcome }) => end(outcome) })
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

/** What a run came to, in a word: a model that was refused is no success. */
const statusOf = ({ status, result }: Pick<Answer<typeof service.runs.get>["runs"][number], "status" | "result">) => {
  if (status !== "finished" || result === null) return h("span", { class: `tag ${status}` }, status)
  return result.promoted
    ? h("span", { class: "tag promoted" }, "promoted")
    : h("span", { class: "tag refused" }, "not promoted")
}

type Takes = { readonly [Name in keyof EventData]: (data: EventData[Name]) => void }

/** Follows a run's events; where the line breaks, it comes back by itself. */
const listenTo = (id: string, takes: Takes) => {
  const source = eventsOf(service.runs({ id }).events)
  const on = <Name extends keyof EventData>(name: Name) =>
    source.addEventListener(name, ({ data }) => takes[name](JSON.parse(data) as EventData[Name]))
  on("progress")
  on("epoch")
  on("skip")
  on("end")
  return source
}

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

const liveView = (id: string) => {
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
  const takes: Omit<Takes, "end"> = {
    progress: ({ stage: name, done, total, rate: perSecond, secondsLeft }) => {
      const [what, unit] = STAGES[name] ?? [name, "steps"]
      const count = Math.round(done)
      stage.textContent = total === null ? `${what}: ${count} ${unit}` : `${what}: ${count} of ${total} ${unit}`
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

type Field = NonNullable<NonNullable<Answer<ReturnType<typeof service.runs>["get"]>["summary"]>["field"]>

/** How the model hears in the field: what share of a class's events it finds at so many false alarms an hour. */
const inField = ({ judgedBy, hours, events, rates, recallAtAlarms, perClass }: Field): ReadonlyArray<HTMLElement> => {
  const shares = (recalls: Field["recallAtAlarms"]) => recalls.map((recall) => percent(recall?.value))
  return [
    h("h3", {}, "In the field"),
    h(
      "p",
      { class: "hint" },
      `${counted(events, "event")} in ${hours.toFixed(1)} hours of ${judgedBy === "recordings" ? "annotated recordings" : "soundscape"}; found at so many false alarms an hour:`
    ),
    table(
      "In the field",
      ["Class", "Events", ...rates.map(String), "Average precision"],
      [
        ...perClass.map((one) => [
          one.className,
          String(one.events),
          ...shares(one.recallAtAlarms),
          percent(one.averagePrecision?.value)
        ]),
        ...(perClass.length > 1 ? [["All", String(events), ...shares(recallAtAlarms), "–"]] : [])
      ]
    )
  ]
}

/** Recordings and what is to be said of each; nothing where there are none. */
const namedList = (title: string, lines: ReadonlyArray<string>): ReadonlyArray<HTMLElement> =>
  lines.length === 0 ? [] : [h("h3", {}, title), h("ul", {}, ...lines.map((line) => h("li", {}, line)))]

const reportOf = (run: Answer<ReturnType<typeof service.runs>["get"]>): ReadonlyArray<HTMLElement> => {
  const { summary } = run
  const lead = [
    h("p", {}, statusOf(run), ` ${run.outcome ?? ""}`),
    h("p", { class: "hint" }, `Reason: ${run.trigger ?? "not given"}`)
  ]
  if (summary === null) return lead
  const { holdout, skipped, silent, noted = [], field, keras } = summary
  const facts = [
    ["Recordings", `${summary.recordings} (${summary.embedded} new, ${summary.reused} known)`],
    ["Variants", String(summary.variants)],
    ["Held out", String(holdout.recordings)],
    ["Accuracy", percent(holdout.accuracy)],
    ["Macro-F1", percent(holdout.macroF1)],
    ...(keras === undefined
      ? []
      : [["yamnet_classifier.keras", `accuracy ${percent(keras.accuracy)}, macro-F1 ${percent(keras.macroF1)}`]]),
    ["Time", `${summary.seconds.total.toFixed(1)} s on ${summary.engine.adapter}`]
  ]
  return [
    ...lead,
    table("What the run came to", ["", ""], facts),
    ...(field ? inField(field) : []),
    ...summary.notes.map((note) => h("p", { class: "note" }, note)),
    ...namedList(
      `${counted(skipped.length, "recording")} left out`,
      skipped.map(({ key, reason }) => `${key}: ${reason}`)
    ),
    ...namedList(`${counted(silent.length, "recording")} without sound: see Review`, silent),
    ...namedList(
      `${counted(noted.length, "recording")} not read as usual`,
      noted.map(({ key, note }) => `${key}: ${note}`)
    )
  ]
}
