import { h, s } from "./elements.ts"
import { counted } from "./format.ts"

/** An hour of a day: how many events there were, and what share of it was heard at all. */
export interface Hour {
  /** As `2026-05-31`. */
  readonly day: string
  /** 0 to 23, by the recorder's clock. */
  readonly hour: number
  readonly events: number
  /** 0 to 1. */
  readonly heard: number
}

const CELL = 11
const LEFT = 40
const BOTTOM = 22
const TOP = 4
/** So many days in a row without anything are drawn as such; of more, a line stands for them. */
const LONG = 31
/** Days that a chart has room for at least, so that a single one is no bar. */
const LEAST = 14

/** Events by day (to the right) and hour (downwards): the darker, the more; hours that nobody heard stay empty. */
export const heatmap = (title: string, hours: ReadonlyArray<Hour>): HTMLElement => {
  const days = daysFrom(hours.map(({ day }) => day))
  const at = new Map(days.map((day, place) => [day, place]))
  const cuts = days.flatMap((day, place) => (day === undefined ? [LEFT + CELL * (place + 0.5) - 0.5] : []))
  const most = Math.max(1, ...hours.map(({ events }) => events))
  const cells = hours.map(({ day, hour, events, heard }) => {
    const cell = s(
      "rect",
      {
        class: events > 0 ? "hour" : "hour quiet",
        x: LEFT + CELL * at.get(day)!,
        y: TOP + CELL * hour,
        width: CELL - 1,
        height: CELL - 1
      },
      s(
        "title",
        {},
        `${day}, ${clock(hour)}: ${counted(events, "event")}${heard < 0.99 ? `, ${inMinutes(heard)} heard` : ""}`
      )
    )
    // A single event is to be seen beside an hour of hundreds.
    const share = events > 0 ? 0.25 + 0.75 * Math.sqrt(events / most) : 0.1 + 0.25 * heard
    cell.style.setProperty("--share", share.toFixed(3))
    return cell
  })
  const width = LEFT + CELL * Math.max(LEAST, days.length) + 4
  const height = TOP + 24 * CELL + BOTTOM
  const tick = (x: number, y: number, text: string, anchor: string) =>
    s("text", { class: "tick", x, y, "text-anchor": anchor }, text)
  return h(
    "figure",
    { class: "chart heatmap" },
    h("figcaption", {}, title),
    h(
      "div",
      { class: "scroll", tabindex: 0, role: "region", "aria-label": title },
      s(
        "svg",
        { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": describe(title, hours) },
        ...[0, 6, 12, 18].map((hour) => tick(LEFT - 6, TOP + CELL * (hour + 1) - 1, clock(hour), "end")),
        ...cells,
        ...cuts.map((x) => s("line", { class: "cut", x1: x, x2: x, y1: TOP, y2: TOP + 24 * CELL })),
        tick(LEFT, height - 6, days[0] ?? "", "start"),
        // Beside each other only where there is room for both.
        ...(days.length < LEAST ? [] : [tick(width - 4, height - 6, days.at(-1)!, "end")])
      )
    )
  )
}

const DAY = 86_400_000

/** Every day from the first to the last, those without anything, too; undefined stands for many of these in a row. */
export const daysFrom = (given: ReadonlyArray<string>): ReadonlyArray<string | undefined> => {
  const times = [...new Set(given)].sort().map((day) => Date.parse(day))
  return times.flatMap((time, place): ReadonlyArray<string | undefined> => {
    const empty = place === 0 ? 0 : (time - times[place - 1]!) / DAY - 1
    const before = Array.from({ length: empty > LONG ? 0 : empty }, (_, at) => dayOf(time - DAY * (empty - at)))
    return [...(empty > LONG ? [undefined] : before), dayOf(time)]
  })
}

const dayOf = (time: number): string => new Date(time).toISOString().slice(0, 10)

const clock = (hour: number): string => `${String(hour).padStart(2, "0")}:00`

const inMinutes = (share: number): string => `${Math.round(60 * share)} min`

const describe = (title: string, hours: ReadonlyArray<Hour>): string => {
  const byHour = Array.from({ length: 24 }, (_, hour) =>
    hours.filter((one) => one.hour === hour).reduce((sum, { events }) => sum + events, 0)
  )
  const total = byHour.reduce((sum, count) => sum + count, 0)
  const busiest = byHour.indexOf(Math.max(...byHour))
  const days = new Set(hours.map(({ day }) => day)).size
  const peak = total === 0 ? "" : `; most from ${clock(busiest)} on, ${byHour[busiest]}`
  return `${title}: ${counted(total, "event")} on ${counted(days, "day")}${peak}`
}
