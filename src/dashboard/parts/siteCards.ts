import { type Answer, dataOf, service } from "../api.ts"
import { wrongClocks } from "./activityCard.ts"
import { bars } from "./chart.ts"
import { card, h, wideCard } from "./elements.ts"
import { bytes, clockOf, counted, lengthOf, nameOf } from "./format.ts"
import { heatmap } from "./heatmap.ts"
import { pager } from "./pager.ts"
import { table } from "./table.ts"
import { attempt } from "./toast.ts"

type Site = Answer<typeof service.field.site.get>

/** Recordings on one page. */
const SHOWN = 25
/** Gaps and the like in sight. */
const MOST_ODD = 10

/** What there is of one site: what was heard there, gaps, recordings, activity by class. */
export const siteCards = async (name: string): Promise<ReadonlyArray<HTMLElement>> => {
  const ask = (skip: number) => dataOf(service.field.site.get({ query: { name, skip, limit: SHOWN } }))
  const first = await ask(0)
  const recordings = h("div", {})
  const show = (site: Site, skip: number) => recordings.replaceChildren(...recordingsOf(site, skip, turnTo))
  const turnTo = (skip: number) =>
    void attempt(async () => {
      show(await ask(skip), skip)
      recordings.querySelector<HTMLElement>(".scroll")?.focus()
    })
  show(first, 0)
  return [
    card(name === "" ? "Recordings in no site" : name, ...heardOf(name, first)),
    ...(first.odd.length === 0 ? [] : [oddCard(first)]),
    ...(await activityOf(name, first)),
    wideCard("Recordings", recordings)
  ]
}

const heardOf = (name: string, { classes, total }: Site): ReadonlyArray<HTMLElement> => {
  const most = Math.max(1, ...classes.map(({ events }) => events))
  const link = h("a", { href: `#events?${new URLSearchParams(name === "" ? {} : { site: name })}` }, "Listen to them")
  return [
    h("p", {}, `${counted(total, "recording")}.`),
    ...(classes.length === 0
      ? [h("p", { class: "hint" }, "Nothing was heard here yet.")]
      : [
          bars(
            classes.map((one) => ({ name: one.name, share: one.events / most, note: counted(one.events, "event") }))
          ),
          h("p", {}, link)
        ])
  ]
}

const oddCard = ({ odd }: Site): HTMLElement =>
  card(
    "Gaps, overlaps, clocks",
    h(
      "ul",
      {},
      ...odd
        .slice(0, MOST_ODD)
        .map(({ key, before = "", what }) => h("li", {}, `${nameOf(key)}: ${what.replace(before, nameOf(before))}`))
    ),
    ...(odd.length > MOST_ODD ? [h("p", { class: "hint" }, `And ${odd.length - MOST_ODD} more.`)] : [])
  )

const activityOf = async (name: string, { classes }: Site): Promise<ReadonlyArray<HTMLElement>> => {
  if (name === "" || classes.length === 0) return []
  const plots = await Promise.all(
    classes.slice(0, MOST_PLOTS).map(async (one) => {
      const query = { site: name, class: one.name }
      return { name: one.name, ...(await dataOf(service.events.activity.get({ query }))) }
    })
  )
  const drawn = plots.filter(({ hours }) => hours.length > 0).map(({ name: title, hours }) => heatmap(title, hours))
  const wrong = wrongClocks(plots[0]?.wrong_clock ?? 0)
  return drawn.length + wrong.length === 0
    ? []
    : [wideCard("Activity by day and hour", h("div", { class: "plots" }, ...drawn, ...wrong))]
}

const MOST_PLOTS = 6

const recordingsOf = (
  { recordings, total }: Site,
  skip: number,
  turnTo: (skip: number) => void
): ReadonlyArray<HTMLElement> => {
  const rows = recordings.map(({ key, name, size, heard, refused, copy_of, events }) => [
    h("div", {}, linkTo(key, name), ...(copy_of === null ? [] : [h("div", { class: "hint" }, ...copyOf(copy_of))])),
    bytes(size),
    heard === null ? (refused === null ? "not yet" : "cannot be") : lengthOf(heard.seconds),
    heard?.startedAt === undefined ? "–" : clockOf(heard.startedAt),
    heard === null ? (refused ?? "") : recorderOf(heard),
    heard === null ? "" : String(events)
  ])
  return [
    table("Recordings", ["Name", "Size", "Heard", "Began", "Recorder", "Events"], rows),
    h("div", { class: "row" }, ...pager({ skip, count: recordings.length, total, most: SHOWN }, `${total}`, turnTo))
  ]
}

const linkTo = (key: string, name: string) =>
  h("a", { href: `#annotations?${new URLSearchParams({ recording: key })}` }, name)

/** A copy is one recording with what it is a copy of: its events are judged, and annotated, there. */
const copyOf = (key: string) => ["A copy of ", linkTo(key, key.slice(key.indexOf("/") + 1)), ", with its events"]

/** What the recorder says, and what was not as usual. */
const recorderOf = ({ recorder, temperature, battery, repairs }: NonNullable<Site["recordings"][number]["heard"]>) =>
  h(
    "div",
    {},
    [
      ...(recorder === undefined ? [] : [recorder]),
      ...(temperature === undefined ? [] : [`${temperature.toFixed(1)} °C`]),
      ...(battery === undefined ? [] : [`${battery.toFixed(1)} V`])
    ].join(", ") || (repairs.length === 0 ? "–" : ""),
    ...repairs.map((repair) => h("div", { class: "hint" }, repair))
  )
