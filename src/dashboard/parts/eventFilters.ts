import type { Answer, service } from "../api.ts"
import { fillSelect, h, select, wideCard } from "./elements.ts"
import { timeOf } from "./format.ts"

type Events = Answer<typeof service.events.get>
/** What the service is asked for. */
export type EventQuery = NonNullable<Parameters<typeof service.events.get>[0]>["query"] & {}

/** Milliseconds without a key until a search begins. */
const PAUSE = 300

const JUDGED = [
  ["", "Judged or not"],
  ["no", "Not judged yet"],
  ["yes", "Judged"]
] as const

const ORDERS = [
  ["newest", "Newest first"],
  ["time", "By time"],
  ["surest", "Surest first"],
  ["unsure", "Least sure first"]
] as const

/** What events are to be shown, hidden while there are none at all; `changed` is called whenever the reader wants others. */
export const eventFilters = (changed: () => void) => {
  const site = h("select", { change: changed })
  const className = h("select", { change: changed })
  const model = h("select", { change: changed })
  const judged = select(JUDGED, { change: changed })
  const order = select(ORDERS, { change: changed })
  let timer: ReturnType<typeof setTimeout> | undefined
  const later = () => {
    clearTimeout(timer)
    timer = setTimeout(() => isPossible() && changed(), PAUSE)
  }
  const percents = { type: "number", min: 0, max: 100, step: "any", inputmode: "decimal", input: later }
  const least = h("input", { ...percents, placeholder: "0" })
  const most = h("input", { ...percents, placeholder: "100" })
  const since = h("input", { type: "datetime-local", input: later })
  const until = h("input", { type: "datetime-local", input: later })
  /** Whether there are such probabilities; says what is wrong beside the field. */
  const isPossible = (): boolean => {
    const isReversed = least.valueAsNumber > most.valueAsNumber
    most.setCustomValidity(isReversed ? "No probability is at least the one before, and at most this." : "")
    return least.reportValidity() && most.reportValidity()
  }
  const fields = { site, class: className, model, judged, since, until }

  /** The filter, without what is left open. */
  const filter = (): EventQuery => ({
    ...Object.fromEntries(Object.entries(fields).flatMap(([name, { value }]) => (value === "" ? [] : [[name, value]]))),
    ...(least.value === "" ? {} : { least: Number(least.value) / 100 }),
    ...(most.value === "" ? {} : { most: Number(most.value) / 100 })
  })
  /** What there is to choose from now; what is chosen stays chosen. */
  const know = ({ sites, classes, models, model: told }: Events) => {
    const isOpen = model.value === ""
    content.hidden = models.length === 0
    fillSelect(site, [["", "All sites"], ...sites])
    fillSelect(className, [["", "All classes"], ...classes])
    fillSelect(
      model,
      models.map(({ runId, isPromoted }) => [runId, `${timeOf(runId)}${isPromoted ? " (in use)" : ""}`])
    )
    // Not the newest: whose events these are is for the service to choose where nobody else has.
    if (isOpen) model.value = told ?? ""
  }
  /** Begins with what the page's address asks for. */
  const start = (asked: URLSearchParams) => {
    for (const [name, field] of Object.entries(fields)) field.value = asked.get(name) ?? field.value
  }
  const label = (text: string, field: HTMLElement) => h("label", { class: "stack" }, text, field)
  const content = wideCard(
    "What was heard",
    h(
      "div",
      { class: "filters many" },
      label("Site", site),
      label("Class", className),
      label("Judged", judged),
      label("Order", order),
      label("Probability from, %", least),
      label("to, %", most),
      label("From", since),
      label("Until", until),
      label("Model", model)
    )
  )
  return { content, filter, order: () => order.value as (typeof ORDERS)[number][0], know, start }
}
