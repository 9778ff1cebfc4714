import { dataOf, service } from "../api.ts"
import { h, wideCard } from "./elements.ts"
import type { HeardEvent } from "./eventDesk.ts"
import { clockOf, counted, lengthOf, nameOf, percent } from "./format.ts"
import { table } from "./table.ts"
import { attempt } from "./toast.ts"

/** Rows in sight until all are asked for: the events come below them. */
const SHOWN = 10

/** What sounds most like an event, over all that was heard of field recordings. */
export const alikeCard = (open: (event: HeardEvent) => void) => {
  const title = h("p", { role: "status" })
  const place = h("div", {})
  const close = () => {
    content.hidden = true
  }
  const content = wideCard("More like this", title, place, h("button", { click: close }, "Close"))
  content.hidden = true

  const show = (event: HeardEvent) =>
    attempt(async () => {
      content.hidden = false
      title.textContent = "Looking through all that was heard …"
      place.replaceChildren()
      const { recording, start, end } = event
      const query = { recording, start, end }
      const { windows, searched, seconds } = await dataOf(service.events.like.get({ query: query }))
      title.textContent =
        windows.length === 0
          ? "Nothing else was heard yet."
          : `What sounds most like ${event.class} at ${lengthOf(start)} in ${nameOf(recording)}, among ${counted(searched, "window")} in ${seconds.toFixed(2)} s:`
      const rows = windows.map((window) => [
        window.at === null ? `${lengthOf(window.start)} in ${nameOf(window.recording)}` : clockOf(window.at),
        window.site === "" ? "–" : window.site,
        window.class === "" ? "–" : window.class,
        percent(window.likeness),
        h(
          "button",
          {
            "aria-label": `Listen: ${nameOf(window.recording)} at ${lengthOf(window.start)}`,
            click: () => open(window)
          },
          "Listen"
        )
      ])
      const draw = (shown: number) => table("Alike", ["When", "Site", "Heard as", "Likeness", ""], rows.slice(0, shown))
      const more = h("button", { click: () => place.replaceChildren(draw(rows.length)) }, `Show all ${rows.length}`)
      if (rows.length > 0) place.replaceChildren(draw(SHOWN))
      if (rows.length > SHOWN) place.append(h("p", {}, more))
      content.scrollIntoView({ block: "nearest" })
    })
  return { content, show, close }
}
