import { type Answer, dataOf, download, fetchEventSound, service } from "../api.ts"
import { unfinished } from "./annotationRow.ts"
import { h, select, wideCard } from "./elements.ts"
import { counted, lengthOf, nameOf } from "./format.ts"
import { pager } from "./pager.ts"
import { player, silence } from "./player.ts"
import { table } from "./table.ts"
import { attempt, toast } from "./toast.ts"

type Found = Answer<typeof service.annotations.recording.get>
type Row = Found["annotations"][number]

/** Rows on one page. */
const SHOWN = 50
/** Seconds of sound before and after an annotation. */
const AROUND = 2

const FORMATS = [
  ["raven", "Raven"],
  ["audacity", "Audacity"],
  ["csv", "CSV"],
  ["kaleidoscope", "Kaleidoscope"]
] as const

/** The annotations of one recording, to be heard, changed and taken away; `saved` is called after each change. */
export const annotationEditor = (found: Found, classes: ReadonlyArray<string>, saved: () => void): HTMLElement => {
  const { recording } = found
  let etag = found.etag
  let rows: Array<Row> = [...found.annotations]
  let complete = [...found.complete]
  let skip = 0
  const place = h("div", {})
  const parts = h("div", {})
  const stage = h("div", {})
  const pages = h("div", { class: "row" })
  const whole = h("input", {
    type: "checkbox",
    change: () => {
      complete = complete.filter((part) => part !== null)
      if (whole.checked) complete.push(null)
      touch()
    }
  })
  const save = h("button", { class: "primary", disabled: true, click: () => void attempt(store) }, "Save")
  const touch = () => {
    save.disabled = false
  }
  const store = async () => {
    const wrong = rows.map((row, at) => unfinished(row, at + 1)).find((reason) => reason !== undefined)
    if (wrong !== undefined) {
      toast(wrong)
      return
    }
    const answer = await dataOf(service.annotations.recording.post({ recording, etag, annotations: rows, complete }))
    etag = answer.etag
    save.disabled = true
    toast(answer.message)
    saved()
  }
  const change = (at: number, part: Partial<Row>) => {
    rows[at] = { ...rows[at]!, ...part }
    touch()
  }
  const seconds = (at: number, name: "start" | "end", label: string) => {
    const input = h("input", {
      type: "number",
      min: 0,
      step: "any",
      value: Number.isNaN(rows[at]![name]) ? "" : rows[at]![name],
      "aria-label": `${label} of row ${at + 1}, seconds`,
      // NaN where it is empty or no number.
      change: () => change(at, { [name]: input.valueAsNumber })
    })
    return input
  }
  const rowOf = (at: number) => {
    const { label, annotator, confidence } = rows[at]!
    const name = h("input", {
      type: "text",
      value: label,
      list: "labels",
      maxlength: 200,
      spellcheck: "false",
      "aria-label": `Class of row ${at + 1}`,
      change: () => change(at, { label: name.value.trim() })
    })
    return [
      String(at + 1),
      seconds(at, "start", "Start"),
      seconds(at, "end", "End"),
      name,
      [annotator ?? "", confidence === undefined ? "" : confidence.toFixed(2)].filter(Boolean).join(", ") || "–",
      h(
        "div",
        { class: "row" },
        h("button", { "aria-label": `Listen to row ${at + 1}`, click: () => void listen(at) }, "Listen"),
        h("button", { class: "danger", "aria-label": `Remove row ${at + 1}`, click: () => remove(at) }, "Remove")
      )
    ]
  }
  const listen = (at: number) =>
    attempt(async () => {
      const { start, end, label } = rows[at]!
      if (Number.isNaN(start + end)) {
        toast(unfinished(rows[at]!, at + 1)!)
        return
      }
      const until = Math.max(end, start + 0.1)
      const { sound, from } = await fetchEventSound({ recording, start, end: until }, AROUND)
      stage.replaceChildren(
        player(`${label}, ${lengthOf(start)} in ${nameOf(recording)}`, sound, {
          start: start - from,
          end: until - from,
          isPlayed: true
        })
      )
    })
  const remove = (at: number) => {
    rows = rows.toSpliced(at, 1)
    touch()
    draw()
    place.querySelector<HTMLElement>(".scroll")?.focus()
  }
  const add = () => {
    const last = rows.at(-1)
    const start = last?.end || 0
    rows.push({ start, end: start + 1, label: last?.label ?? classes[0] ?? "" })
    skip = Math.floor((rows.length - 1) / SHOWN) * SHOWN
    touch()
    draw()
    place.querySelector<HTMLElement>("tbody tr:last-child input")?.focus()
  }
  const turnTo = (first: number) => {
    skip = first
    draw()
    place.querySelector<HTMLElement>(".scroll")?.focus()
  }
  const draw = () => {
    silence()
    const shown = rows.slice(skip, skip + SHOWN)
    place.replaceChildren(
      rows.length === 0
        ? h("p", {}, "Nothing is annotated in this recording yet.")
        : table(
            "Annotations",
            ["", "Start, s", "End, s", "Class", "By", ""],
            shown.map((_, at) => rowOf(skip + at))
          )
    )
    pages.replaceChildren(
      ...pager(
        { skip, count: shown.length, total: rows.length, most: SHOWN },
        counted(rows.length, "annotation"),
        turnTo
      )
    )
    whole.checked = complete.includes(null)
    parts.replaceChildren(...spans())
  }
  /** Spans in which somebody found nothing. */
  const spans = () => {
    const own = complete.filter((part) => part !== null)
    if (own.length === 0) return []
    const lines = own.map((part) =>
      h(
        "li",
        {},
        `${lengthOf(part.start)} to ${lengthOf(part.end)} `,
        h(
          "button",
          {
            "aria-label": `Take back: nothing from ${lengthOf(part.start)} to ${lengthOf(part.end)}`,
            click: () => {
              complete = complete.filter((other) => other !== part)
              touch()
              draw()
            }
          },
          "Take back"
        )
      )
    )
    return [
      h(
        "details",
        {},
        h("summary", {}, `${counted(own.length, "span")} in which there is nothing else`),
        h("ul", { class: "items" }, ...lines)
      )
    ]
  }
  const format = select(FORMATS, { "aria-label": "Format" })
  const take = () =>
    void attempt(() => {
      const query = new URLSearchParams({ recording, format: format.value })
      const ending = { raven: ".Table.1.selections.txt", audacity: ".txt" }[format.value] ?? ".csv"
      const name = `${nameOf(recording).replace(/\.[^.]*$/, "")}${ending}`
      return download(`${service.annotations.table["~path"]}?${query}`, name)
    })
  draw()
  return wideCard(
    nameOf(recording),
    h("datalist", { id: "labels" }, ...classes.map((value) => h("option", { value }))),
    ...found.problems.map(({ row, reason }) => h("p", { class: "note" }, `Row ${row} is left out: ${reason}`)),
    stage,
    place,
    pages,
    h(
      "label",
      { class: "check" },
      whole,
      h("span", {}, "All of it was listened to: where nothing is annotated, there is nothing")
    ),
    parts,
    h(
      "div",
      { class: "row" },
      h("button", { click: add }, "Add a row"),
      save,
      h("label", { class: "row" }, "Take away for", format),
      h("button", { click: take }, "Download")
    )
  )
}
