import { type Answer, dataOf, download, service } from "../api.ts"
import { h } from "./elements.ts"
import type { HeardEvent } from "./eventDesk.ts"
import type { EventQuery } from "./eventFilters.ts"
import { clockOf, counted, lengthOf, nameOf, percent } from "./format.ts"
import { pageButtons } from "./pager.ts"
import { table } from "./table.ts"
import { attempt } from "./toast.ts"

type Events = Answer<typeof service.events.get>

/** Events on one page. */
const SHOWN = 25

/** What the list goes by. */
interface Asked {
  readonly query: () => EventQuery
  /** Told what there is at all, whenever it has been asked. */
  readonly know: (events: Events) => void
  readonly open: (event: HeardEvent, isPlayed: boolean) => Promise<void>
}

/** The events that a filter means, a page at a time; the one in hand is marked. */
export const eventList = ({ query, know, open }: Asked) => {
  let skip = 0
  let found: Events | undefined
  let turn = 0
  let current: HeardEvent | undefined
  const state = h("p", { role: "status" })
  const place = h("div", {})
  const pages = h("div", { class: "row" })

  const ask = async (): Promise<boolean> => {
    const own = ++turn
    const answer = await dataOf(service.events.get({ query: { ...query(), limit: SHOWN, skip } }))
    if (own !== turn) return false
    found = answer
    know(answer)
    if (answer.events.length > 0 || skip === 0) return true
    skip = 0
    return ask()
  }
  const refresh = () =>
    attempt(async () => {
      if (await ask()) draw()
    })
  const goTo = (first: number): Promise<void> => {
    skip = first
    return refresh()
  }
  /** Turns the page; its beginning takes the focus, for the button that was pressed is gone. */
  const turnTo = (first: number) => void goTo(first).then(() => place.querySelector<HTMLElement>(".scroll")?.focus())

  const draw = () => {
    const { events, total, model } = found!
    const last = skip + events.length
    state.textContent = total === 0 ? "" : `${skip + 1} to ${last} of ${counted(total, "event")}`
    csv.hidden = total === 0
    place.replaceChildren(
      total === 0 ? nothing(model, Object.keys(query()).length > 0) : table("Events", COLUMNS, events.map(rowOf))
    )
    pages.replaceChildren(...pageButtons({ skip, count: events.length, total, most: SHOWN }, turnTo))
    mark()
  }
  const rowOf = (event: HeardEvent) => [
    event.at === null ? `${lengthOf(event.start)} in ${nameOf(event.recording)}` : clockOf(event.at),
    event.site === "" ? "–" : event.site,
    event.class,
    percent(event.peak),
    lengthOf(event.end - event.start),
    judgedTag(event.judged),
    h("button", { "aria-label": `Listen: ${event.class}, ${titleOf(event)}`, click: () => show(event, true) }, "Listen")
  ]
  const show = (event: HeardEvent, isPlayed: boolean) => {
    current = event
    mark()
    return open(event, isPlayed)
  }
  /** Marks the row of the event in hand. */
  const mark = () => {
    const at = current === undefined ? -1 : placeOf(current)
    for (const [row, line] of place.querySelectorAll("tbody tr").entries()) {
      if (row === at) line.setAttribute("aria-current", "true")
      else line.removeAttribute("aria-current")
    }
  }
  const placeOf = (event: HeardEvent) => found?.events.findIndex((other) => isSame(event, other)) ?? -1

  /** Goes to the event before or after one, over the page's end, too. */
  const step = async (from: HeardEvent, by: 1 | -1): Promise<void> => {
    const { events = [], total = 0 } = found ?? {}
    const at = placeOf(from)
    // What a filter shows no more once it is judged leaves its place to the next.
    const next = at < 0 ? (by > 0 ? 0 : -1) : at + by
    const there = events[next]
    if (there !== undefined) return show(there, true)
    const first = skip + (by > 0 ? SHOWN : -SHOWN)
    if (first < 0 || first >= total) return
    await goTo(first)
    const turned = by > 0 ? found?.events[0] : found?.events.at(-1)
    if (turned !== undefined) await show(turned, true)
  }
  /** Shows what a person has said, without asking for all anew: a list that changes under the hand loses the place. */
  const judged = (event: HeardEvent, label: string | null) => {
    if (found === undefined) return
    const at = placeOf(event)
    if (at < 0) return
    const events = found.events.map((other, place) => (place === at ? { ...other, judged: label } : other))
    found = { ...found, events }
    draw()
  }

  const csv = h(
    "button",
    {
      hidden: true,
      click: () =>
        void attempt(() =>
          download(
            `${service.events["list.csv"]["~path"]}?${new URLSearchParams(Object.entries(query()).map(([name, value]) => [name, `${value}`]))}`,
            "events.csv"
          )
        )
    },
    "Download as CSV"
  )
  const content = [h("div", { class: "row between" }, state, csv), place, pages]
  return {
    content,
    refresh,
    anew: () => goTo(0),
    step,
    judged,
    /** The event with what is known of it now. */
    latest: (event: HeardEvent): HeardEvent => found?.events[placeOf(event)] ?? event,
    isEmpty: () => (found?.total ?? 0) === 0
  }
}

const COLUMNS = ["When", "Site", "Class", "Probability", "Length", "Judged", ""]

const isSame = (a: HeardEvent, b: HeardEvent): boolean =>
  a.recording === b.recording && a.start === b.start && a.class === b.class

const titleOf = ({ at, start, recording }: HeardEvent): string =>
  at === null ? `${lengthOf(start)} in ${nameOf(recording)}` : clockOf(at)

const judgedTag = (label: string | null) =>
  label === null ? "–" : h("span", { class: "tag promoted" }, label === "" ? "nothing" : label)

const nothing = (model: string | null, isFiltered: boolean) =>
  h(
    "p",
    {},
    ...(model === null
      ? [
          "No recording has been heard yet. Add some under ",
          h("a", { href: "#field" }, "Field"),
          " and start a scan there; a scan needs a model, which ",
          h("a", { href: "#runs" }, "Runs"),
          " trains."
        ]
      : [
          isFiltered
            ? "No event is like this: widen the filters above."
            : "The model heard nothing above its threshold."
        ])
  )
