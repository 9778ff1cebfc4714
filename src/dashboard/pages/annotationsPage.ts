import { type Answer, dataOf, service } from "../api.ts"
import type { Page } from "../page.ts"
import { annotationEditor } from "../parts/annotationEditor.ts"
import { card, h, wideCard } from "../parts/elements.ts"
import { counted, nameOf } from "../parts/format.ts"
import { pager } from "../parts/pager.ts"
import { table } from "../parts/table.ts"
import { tableUpload } from "../parts/tableUpload.ts"
import { attempt } from "../parts/toast.ts"

type Tables = Answer<typeof service.annotations.get>

/** Recordings of one table that are listed. */
const MOST_NAMES = 5
/** Tables on one page. */
const SHOWN = 25

/** What people say is where in field recordings: tables of other programs, and what was judged here. */
export const annotationsPage = async (asked: URLSearchParams): Promise<Page> => {
  let skip = 0
  const place = h("div", {})
  const detail = h("div", { class: "wide", "aria-live": "polite" })

  const showTables = async () => {
    const tables = await dataOf(service.annotations.get({ query: { skip, limit: SHOWN } }))
    place.replaceChildren(...tablesOf(tables, skip, open, turnTo))
  }
  const turnTo = (first: number) =>
    void attempt(async () => {
      skip = first
      await showTables()
      place.querySelector<HTMLElement>(".scroll")?.focus()
    })
  const open = (recording: string) =>
    attempt(async () => {
      const found = await dataOf(service.annotations.recording.get({ query: { recording } }))
      const { classes } = await dataOf(service.classes.get())
      const names = classes.map(({ name }) => name)
      detail.replaceChildren(annotationEditor(found, names, () => void showTables()))
      detail.scrollIntoView({ block: "nearest" })
    })
  const upload = tableUpload(asked.get("recording") ?? "", (recording) => {
    void attempt(showTables)
    if (recording !== undefined) void open(recording)
  })
  await showTables()
  const recording = asked.get("recording")
  if (recording !== null) await open(recording)
  return {
    content: h(
      "div",
      { class: "columns" },
      card("Add a table", ...upload),
      card(
        "What annotations are for",
        h(
          "p",
          {},
          "An annotation says what is to be heard from one time to another in a field recording. The next training learns from them, beside the clips."
        ),
        h(
          "p",
          { class: "hint" },
          "Answers under ",
          h("a", { href: "#events" }, "Events"),
          " become annotations by themselves. To annotate a recording that has none, open it under ",
          h("a", { href: "#field" }, "Field"),
          "."
        )
      ),
      wideCard("Tables", place),
      detail
    )
  }
}

const tablesOf = (
  { tables, total }: Tables,
  skip: number,
  open: (recording: string) => Promise<void>,
  turnTo: (skip: number) => void
): ReadonlyArray<HTMLElement> => {
  if (total === 0)
    return [h("p", {}, "Nothing is annotated yet: add a table above, or judge what was heard under Events.")]
  const rows = tables.map(({ key, recordings, format, annotations, labels, problems }) => [
    recordings.length === 0
      ? h("span", { class: "name" }, key)
      : h(
          "div",
          {},
          ...recordings
            .slice(0, MOST_NAMES)
            .map((recording) => h("button", { class: "link", click: () => void open(recording) }, nameOf(recording))),
          ...(recordings.length > MOST_NAMES
            ? [h("div", { class: "hint" }, `and ${recordings.length - MOST_NAMES} more in ${nameOf(key)}`)]
            : [])
        ),
    format ?? "–",
    String(annotations),
    labels.join(", ") || "–",
    problems.length === 0
      ? ""
      : h(
          "details",
          {},
          h("summary", {}, counted(problems.length, "problem")),
          h("ul", {}, ...problems.map((problem) => h("li", {}, problem)))
        )
  ])
  return [
    table("Tables", ["Recording", "Format", "Annotations", "Labels", "Problems"], rows),
    h("div", { class: "row" }, ...pager({ skip, count: tables.length, total, most: SHOWN }, `${total}`, turnTo))
  ]
}
