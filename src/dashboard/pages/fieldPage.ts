import { ALARM_RATES, UNMEASURED_THRESHOLD } from "../../config/alarmRates.ts"
import { dataOf, service } from "../api.ts"
import type { Page } from "../page.ts"
import { card, h, wideCard } from "../parts/elements.ts"
import { fieldUpload } from "../parts/fieldUpload.ts"
import { clockOf, counted, hoursOf } from "../parts/format.ts"
import { scanLine } from "../parts/scanLine.ts"
import { siteCards } from "../parts/siteCards.ts"
import { table } from "../parts/table.ts"
import { attempt, toast } from "../parts/toast.ts"

/** Field recordings: add some, have them heard, and see by site what there is. */
export const fieldPage = async (asked: URLSearchParams): Promise<Page> => {
  const places = h("div", {})
  const detail = h("div", { class: "columns wide", "aria-live": "polite" })
  let open = asked.get("site")

  const showSites = async () => {
    const { sites } = await dataOf(service.field.get())
    upload.know(sites.map(({ name }) => name))
    const refused = sites.reduce((sum, site) => sum + site.refused, 0)
    const waiting = sites.reduce((sum, { recordings, heard }) => sum + recordings - heard, -refused)
    const why = refused === 0 ? "" : ` ${counted(refused, "recording")} cannot be heard: their sites say why.`
    begin.disabled = sites.length === 0
    unheard.textContent =
      sites.length === 0
        ? "Add recordings first, here or in the store below field_audio/<site>/."
        : waiting === 0
          ? `All ${refused === 0 ? "" : "other "}recordings have been heard.${why} A scan hears what is new, and asks a newer model about the others, which takes a moment.`
          : `${counted(waiting, "recording")} ${waiting === 1 ? "has" : "have"} not been heard yet.${why}`
    const rows = sites.map(({ name, recordings, heard, seconds, first, last, events }) => [
      h("button", { class: "link", click: () => void showSite(name) }, nameOfSite(name)),
      `${heard} of ${recordings} heard`,
      hoursOf(seconds),
      first === null ? "–" : `${dayOf(first)} to ${dayOf(last!)}`,
      String(events)
    ])
    places.replaceChildren(
      rows.length === 0
        ? h(
            "p",
            {},
            "There is no field recording yet. Recordings of any length go below field_audio/, a folder for each place where a recorder stands."
          )
        : table("Sites", ["Site", "Recordings", "Heard", "From", "Events"], rows)
    )
  }
  const showSite = (name: string) =>
    attempt(async () => {
      open = name
      detail.replaceChildren(...(await siteCards(name)))
      detail.scrollIntoView({ block: "nearest" })
    })
  const refresh = async () => {
    await showSites()
    if (open !== null) detail.replaceChildren(...(await siteCards(open)))
  }
  const scan = scanLine({ heard: () => {}, ended: () => void attempt(refresh) })
  const unheard = h("p", { role: "status" })
  const threshold = h("input", {
    type: "number",
    min: "0.01",
    max: "1",
    step: "any",
    value: String(UNMEASURED_THRESHOLD),
    required: true
  })
  const probability = h("label", { class: "stack", hidden: true }, "Probability", threshold)
  const told = h(
    "select",
    { change: () => (probability.hidden = told.value !== "probability") },
    h("option", { value: "" }, "as many as the service allows"),
    ...ALARM_RATES.map((rate) => h("option", { value: String(rate) }, `up to ${rate} an hour`)),
    h("option", { value: "probability" }, "from a probability, however many")
  )
  const wanted = () => {
    const alarms = ALARM_RATES.find((rate) => String(rate) === told.value)
    if (told.value === "probability") return { threshold: threshold.valueAsNumber }
    return alarms === undefined ? {} : { alarms }
  }
  const begin = h(
    "button",
    {
      class: "primary",
      click: () =>
        void attempt(async () => {
          if (!probability.hidden && !threshold.reportValidity()) return
          const { message, status, scan_id } = await dataOf(service.scan.post(wanted()))
          toast(message)
          if (status === "running") await scan.look({ running: scan_id ?? null })
        })
    },
    "Scan what is new"
  )
  const upload = fieldUpload(async (id) => {
    await showSites()
    await scan.look({ running: id ?? null })
  })
  await showSites()
  if (open !== null) await showSite(open)
  await scan.look(await dataOf(service.scans.get({ query: { limit: 1 } })))
  return {
    content: h(
      "div",
      { class: "columns" },
      card("Add field recordings", ...upload.content),
      card(
        "Scan",
        h(
          "p",
          {},
          "The model in use listens to every recording from its beginning to its end, and writes down what it hears."
        ),
        unheard,
        h(
          "label",
          { class: "stack" },
          "False alarms",
          told,
          h(
            "span",
            { class: "hint" },
            "Of each class, as the model had them in the sound that it was tested in; a site with other sounds may have more. Whoever lives with more finds more. It is asked of all recordings, also of those heard before. Scans that begin by themselves take what the service allows."
          )
        ),
        probability,
        begin,
        scan.content,
        h("p", { class: "hint" }, "What it hears stands under ", h("a", { href: "#events" }, "Events"), ".")
      ),
      wideCard("Sites", places),
      detail
    ),
    leave: scan.leave
  }
}

const nameOfSite = (name: string): string => (name === "" ? "(no site)" : name)

const dayOf = (at: string): string => clockOf(at).replace(/,[^,]*$/, "")
