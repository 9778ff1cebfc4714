import { type Answer, dataOf, service } from "../api.ts"
import type { Page } from "../page.ts"
import { bars } from "../parts/chart.ts"
import { dropZone } from "../parts/dropZone.ts"
import { card, h, select, wideCard } from "../parts/elements.ts"
import { listen } from "../parts/player.ts"
import { mapCards } from "../parts/recordingsMap.ts"
import { attempt, toast } from "../parts/toast.ts"
import { uploadAll } from "../parts/uploadList.ts"

type Classes = Answer<typeof service.classes.get>
type Clip = Answer<typeof service.clips.get>["clips"][number]

const NEW_CLASS = " new"

/** The training data: what there is, adding to it, listening to it. */
export const trainingDataPage = async (): Promise<Page> => {
  const counts = h("div", {})
  const showCounts = async () => {
    const data = await dataOf(service.classes.get())
    counts.replaceChildren(...countsOf(data))
    return data
  }
  const data = await showCounts()
  const timer = setInterval(() => void showCounts().catch(() => {}), 5000)
  return {
    content: h(
      "div",
      { class: "columns" },
      card("Add recordings", ...uploadForm(data, showCounts)),
      card("What there is", counts),
      wideCard("Listen", ...listening(data)),
      ...(await mapCards())
    ),
    leave: () => clearInterval(timer)
  }
}

const countsOf = ({ classes, recordings, new_since_training, threshold, running }: Classes): Array<HTMLElement> => {
  const most = Math.max(1, ...classes.map((one) => one.recordings))
  const label = `${new_since_training} of ${threshold} new recordings until the next training`
  return [
    h(
      "label",
      { class: "stack" },
      label,
      h("progress", { max: threshold, value: Math.min(new_since_training, threshold) })
    ),
    ...(running === null
      ? []
      : [h("p", { class: "note" }, "A training is under way: see ", h("a", { href: "#runs" }, "Runs"), ".")]),
    h("p", {}, `${recordings} recordings in ${classes.length} classes.`),
    bars(
      classes.map((one) => ({
        name: one.name,
        share: one.recordings / most,
        note: one.new > 0 ? `${one.recordings}, ${one.new} new` : String(one.recordings)
      }))
    )
  ]
}

const uploadForm = (data: Classes, showCounts: () => Promise<Classes>): Array<HTMLElement> => {
  const names = [...new Set([...data.classes.map(({ name }) => name), "unknown"])]
  const name = h("input", { type: "text", pattern: "[a-z0-9][a-z0-9_\\-]{0,63}", maxlength: 64, autocomplete: "off" })
  const nameLine = h(
    "label",
    { class: "stack", hidden: true },
    "Name of the new class",
    name,
    h("span", { class: "hint" }, "Lower-case letters, digits, _ and -")
  )
  const choice = select([...names, ...(data.new_classes_allowed ? [[NEW_CLASS, "A new class …"] as const] : [])], {
    change: () => {
      nameLine.hidden = choice.value !== NEW_CLASS
    }
  })
  const files = h("ul", { class: "uploads" })
  const summary = h("p", { role: "status" })
  const take = (chosen: ReadonlyArray<File>) => {
    const isNew = choice.value === NEW_CLASS
    if (isNew && (name.value === "" || !name.checkValidity())) {
      toast("Name the new class first.")
      name.focus()
      return
    }
    if (chosen.length === 0) return
    files.replaceChildren()
    void uploadAll(chosen, isNew ? name.value : choice.value, files, summary).then(showCounts)
  }
  return [
    h("label", { class: "stack" }, "Class", choice),
    nameLine,
    dropZone("Drop recordings here, or choose them", true, take),
    summary,
    files
  ]
}

const listening = (data: Classes): Array<HTMLElement> => {
  const list = h("ul", { class: "clips" })
  const stage = h("div", { "aria-live": "polite" })
  const more = h("button", { hidden: true, click: () => void page() }, "Show more")
  let after = ""

  const page = () =>
    attempt(async () => {
      const query = { class: choice.value, limit: 10, after }
      const { clips, next } = await dataOf(service.clips.get({ query }))
      list.append(...clips.map((clip) => h("li", {}, h("button", { click: () => void play(clip) }, clip.name))))
      after = next ?? ""
      more.hidden = next === null
    })
  const play = ({ key, name }: Clip) =>
    attempt(async () => {
      const place = h("div", {})
      const hear = (variant: string) =>
        listen(place, variant === "" ? name : `${name}, ${words(variant)}`, key, variant)
      const { variants } = await dataOf(service.clips.variants.get({ query: { key } }))
      const options = variants.map((variant) => [variant, words(variant)] as const)
      const choice = select([["", "the recording"], ...options], { change: () => void hear(choice.value) })
      stage.replaceChildren(place, h("label", { class: "stack" }, "Variant used in training", choice))
      await hear("")
    })
  const names = data.classes.map(({ name }) => name)
  const choice = select(names, {
    change: () => {
      after = ""
      list.replaceChildren()
      void page()
    }
  })
  if (names.length > 0) void page()
  return [h("label", { class: "stack" }, "Class", choice), stage, list, more]
}

const words = (variant: string): string => variant.replaceAll("_", " ")
