import { dataOf, service } from "../api.ts"
import { h, wideCard } from "./elements.ts"
import type { EventQuery } from "./eventFilters.ts"
import { counted } from "./format.ts"
import { heatmap } from "./heatmap.ts"

/** A plot for each class, of those that the filter means: when it was heard, by day and hour. */
export const activityCard = () => {
  const place = h("div", { class: "plots" })
  const content = wideCard("Activity by day and hour", place)
  content.hidden = true
  let turn = 0

  const show = async (query: EventQuery, classes: ReadonlyArray<string>) => {
    const own = ++turn
    const shown = query.class === undefined ? classes : [query.class]
    const plots = await Promise.all(
      shown.slice(0, MOST).map(async (name) => {
        const activity = await dataOf(service.events.activity.get({ query: { ...query, class: name } }))
        return { name, ...activity }
      })
    )
    if (own !== turn) return
    const drawn = plots.filter(({ hours }) => hours.length > 0)
    const timeless = plots.reduce((sum, { without_time }) => sum + without_time, 0)
    const wrong = plots[0]?.wrong_clock ?? 0
    content.hidden = drawn.length === 0 && timeless === 0 && wrong === 0
    const title = (name: string) => (query.site === undefined ? name : `${name} at ${query.site}`)
    place.replaceChildren(
      ...drawn.map(({ name, hours }) => heatmap(title(name), hours)),
      ...(timeless === 0
        ? []
        : [
            h(
              "p",
              { class: "hint" },
              `${counted(timeless, "event")} ${timeless === 1 ? "is" : "are"} of recordings that do not tell when they were made, neither by name nor inside.`
            )
          ]),
      ...wrongClocks(wrong),
      h(
        "p",
        { class: "hint" },
        "By the recorders' clocks. The darker, the more events; grey hours were heard and had none, empty ones were not recorded, and a dashed line stands for more than a month of these."
      )
    )
  }
  return { content, show }
}

/** What is not drawn for its recorder's clock. */
export const wrongClocks = (recordings: number): ReadonlyArray<HTMLElement> =>
  recordings === 0
    ? []
    : [
        h(
          "p",
          { class: "hint" },
          `${counted(recordings, "recording")} and what was heard there ${recordings === 1 ? "is" : "are"} left out: the recorder's clock was never set, or is in the future.`
        )
      ]

/** Plots at once; a filter shows others. */
const MOST = 6
