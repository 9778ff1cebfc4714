import { type Answer, dataOf, service } from "../api.ts"
import { h, select, wideCard } from "./elements.ts"
import type { HeardEvent } from "./eventDesk.ts"
import { clockOf, counted, lengthOf, nameOf, percent, timeOf } from "./format.ts"
import { pager } from "./pager.ts"
import { table } from "./table.ts"
import { attempt } from "./toast.ts"

type Models = Answer<typeof service.events.get>["models"]
type Changes = Answer<typeof service.events.changes.get>
type Change = Changes["changes"][number]

/** Changes on one page. */
const SHOWN = 25

const KINDS = [
  ["", "All changes"],
  ["gained", "Gained: heard by the second alone"],
  ["lost", "Lost: heard by the first alone"],
  ["moved", "Moved: heard by both, at other times"]
] as const

/** What two models hear differently in the same recordings, each to be heard. */
export const modelChanges = (open: (event: HeardEvent) => void) => {
  let skip = 0
  const place = h("div", { "aria-live": "polite" })
  const from = h("select", {})
  const to = h("select", {})
  const kind = select(KINDS)
  const show = () =>
    attempt(async () => {
      const query = {
        from: from.value,
        to: to.value,
        limit: SHOWN,
        skip,
        ...(kind.value === "" ? {} : { kind: kind.value as Change["kind"] })
      }
      draw(await dataOf(service.events.changes.get({ query: query })))
    })
  const turnTo = (first: number) => {
    skip = first
    void show().then(() => place.querySelector<HTMLElement>(".scroll")?.focus())
  }
  const submit = (event: Event) => {
    event.preventDefault()
    skip = 0
    void show()
  }
  const draw = ({ counts, changes, total }: Changes) => {
    place.replaceChildren(
      h("p", {}, `${counts.gained} gained, ${counts.lost} lost, ${counts.moved} moved, ${counts.same} the same.`),
      ...(total === 0
        ? []
        : [
            table(
              "What changed",
              COLUMNS,
              changes.map((change) => rowOf(change, open))
            )
          ]),
      h(
        "div",
        { class: "row" },
        ...pager({ skip, count: changes.length, total, most: SHOWN }, counted(total, "change"), turnTo)
      )
    )
  }
  const content = wideCard(
    "What another model hears",
    h(
      "form",
      { class: "compare", submit },
      h("label", { class: "stack" }, "From", from),
      h("label", { class: "stack" }, "To", to),
      h("label", { class: "stack" }, "Kind", kind),
      h("button", {}, "Compare")
    ),
    place
  )
  content.hidden = true
  let known = ""
  /** The models that have heard something; with one alone there is nothing to compare. */
  const know = (models: Models) => {
    content.hidden = models.length < 2
    const now = models.map(({ runId }) => runId).join()
    if (now === known) return
    known = now
    const options = models.map(({ runId, isPromoted }) =>
      h("option", { value: runId }, `${timeOf(runId)}${isPromoted ? " (in use)" : ""}`)
    )
    from.replaceChildren(...options.map((option) => option.cloneNode(true)))
    to.replaceChildren(...options)
    // From the one before to the newest.
    from.selectedIndex = Math.min(1, models.length - 1)
    to.selectedIndex = 0
    place.replaceChildren()
  }
  return { content, know }
}

const COLUMNS = ["Change", "When", "Site", "Class", "Was", "Is", ""]

const rowOf = ({ kind, before, after }: Change, open: (event: HeardEvent) => void) => {
  const event = (after ?? before)!
  const told = (one: HeardEvent | null) =>
    one === null ? "–" : `${percent(one.peak)}, ${lengthOf(one.start)} to ${lengthOf(one.end)}`
  return [
    h("span", { class: `tag ${kind === "gained" ? "promoted" : kind === "lost" ? "failed" : ""}` }, kind),
    event.at === null ? nameOf(event.recording) : clockOf(event.at),
    event.site === "" ? "–" : event.site,
    event.class,
    told(before),
    told(after),
    h(
      "button",
      {
        "aria-label": `Listen: ${kind}, ${event.class}, ${nameOf(event.recording)} at ${lengthOf(event.start)}`,
        click: () => open(event)
      },
      "Listen"
    )
  ]
}
