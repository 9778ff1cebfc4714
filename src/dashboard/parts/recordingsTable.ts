import { type Answer, dataOf, download, service } from "../api.ts"
import type { ChangeRequest } from "./changesCard.ts"
import { ask } from "./dialog.ts"
import { fillSelect, h, select } from "./elements.ts"
import { bytes, counted } from "./format.ts"
import { listenWithVariants, silence } from "./player.ts"
import { table } from "./table.ts"
import { attempt } from "./toast.ts"
import { CLASS_PATTERN } from "./uploadForm.ts"

type Clips = Answer<typeof service.clips.get>
type Clip = Clips["clips"][number]

/** Recordings on one page. */
const SHOWN = 25
/** Milliseconds without a key until a search begins. */
const PAUSE = 250

const ORDERS = [
  ["key", "Class, then name"],
  ["name", "Name"],
  ["largest", "Largest first"],
  ["smallest", "Smallest first"]
] as const

/** The recordings to search, sort, hear, relabel and remove; the service gives a page of them at a time. */
export const recordingsTable = (begin: (request: ChangeRequest) => Promise<void>) => {
  let names: ReadonlyArray<string> = []
  let isNewClassAllowed = false
  let skip = 0
  let found: Clips = { clips: [], total: 0, next: null }
  let turn = 0
  const chosen = new Set<string>()
  const search = h("input", { type: "search", placeholder: "bark 2024", autocomplete: "off", spellcheck: "false" })
  const classes = h("select", {})
  const order = select(ORDERS)
  const list = h("div", {})
  const state = h("p", { role: "status" })
  const actions = h("div", { class: "row bulk" })
  const pages = h("div", { class: "row" })

  const filter = () => ({
    ...(classes.value === "" ? {} : { class: classes.value }),
    ...(search.value.trim() === "" ? {} : { search: search.value.trim() })
  })
  const refresh = () =>
    attempt(async () => {
      const own = ++turn
      const query = { ...filter(), order: order.value as (typeof ORDERS)[number][0], limit: SHOWN, skip }
      const answer = await dataOf(service.clips.get({ query }))
      // Typed on meanwhile.
      if (own !== turn) return
      found = answer
      if (found.clips.length === 0 && skip > 0) return goTo(0)
      draw()
    })
  const goTo = (place: number): Promise<void> => {
    skip = place
    return refresh()
  }
  /** Turns the page; its beginning takes the focus, for the button that was pressed is gone. */
  const turnTo = (place: number) => void goTo(place).then(() => list.querySelector<HTMLElement>(".scroll")?.focus())
  const anew = () => {
    chosen.clear()
    void goTo(0)
  }
  let timer: ReturnType<typeof setTimeout> | undefined
  search.addEventListener("input", () => {
    clearTimeout(timer)
    timer = setTimeout(anew, PAUSE)
  })
  for (const control of [classes, order]) control.addEventListener("change", anew)

  const draw = () => {
    silence()
    const { clips, total } = found
    for (const key of [...chosen]) if (!clips.some((clip) => clip.key === key)) chosen.delete(key)
    const last = skip + clips.length
    state.textContent =
      total === 0
        ? Object.keys(filter()).length > 0
          ? "No recording is like this."
          : "There is no recording yet."
        : `${skip + 1} to ${last} of ${counted(total, "recording")}`
    list.replaceChildren(...(total === 0 ? [] : [table("Recordings", ["Name", "Class", "Size", ""], clips.map(rowOf))]))
    pages.replaceChildren(
      ...(total <= SHOWN
        ? []
        : [
            h("button", { disabled: skip === 0, click: () => turnTo(Math.max(0, skip - SHOWN)) }, "Previous"),
            h("button", { disabled: last >= total, click: () => turnTo(skip + SHOWN) }, "Next")
          ])
    )
    drawActions()
  }
  const rowOf = (clip: Clip) => {
    const box = h("input", {
      type: "checkbox",
      change: () => {
        if (box.checked) chosen.add(clip.key)
        else chosen.delete(clip.key)
        drawActions()
      }
    })
    box.checked = chosen.has(clip.key)
    const hear = h(
      "button",
      { "aria-label": `Listen: ${clip.name}`, click: () => void listenWithVariants(stageBelow(hear), clip) },
      "Listen"
    )
    return [
      h("label", { class: "check" }, box, h("span", { class: "name" }, clip.name)),
      clip.class ?? "–",
      bytes(clip.size),
      hear
    ]
  }

  const drawActions = () => {
    const { clips, total } = found
    const onPage = clips.map(({ key }) => key)
    const isPageChosen = onPage.length > 0 && onPage.every((key) => chosen.has(key))
    const choosePage = h("input", {
      type: "checkbox",
      disabled: onPage.length === 0,
      change: () => {
        chosen.clear()
        if (choosePage.checked) for (const key of onPage) chosen.add(key)
        draw()
        actions.querySelector("input")?.focus()
      }
    })
    choosePage.checked = isPageChosen
    const isFiltered = Object.keys(filter()).length > 0
    actions.replaceChildren(
      h("label", { class: "check" }, choosePage, h("span", {}, "All on this page")),
      ...(chosen.size === 0
        ? []
        : selectionActions(`${chosen.size} chosen`, { keys: [...chosen] }, counted(chosen.size, "recording"))),
      ...(chosen.size === 0 && isFiltered && total > 0
        ? selectionActions(
            total === 1 ? "The one found" : `All ${total} found`,
            { matching: filter(), expected: total },
            counted(total, "recording")
          )
        : [])
    )
  }
  const selectionActions = (label: string, recordings: ChangeRequest["recordings"], what: string) => {
    const change = async (request: ChangeRequest) => {
      chosen.clear()
      await begin(request)
    }
    return [
      h("span", { class: "figure" }, `${label}:`),
      h(
        "button",
        {
          click: async () => {
            const to = await askClass(what, names, isNewClassAllowed)
            if (to !== "") void change({ action: "relabel", recordings, class: to })
          }
        },
        "Move to class …"
      ),
      h(
        "button",
        {
          class: "danger",
          click: async () => {
            const answer = await ask(
              `Remove ${what}?`,
              [h("p", {}, "They go to the trash, whole, and are trained on no more. This can be undone.")],
              [{ value: "ok", label: "Move to the trash", style: "danger" }]
            )
            if (answer === "ok") void change({ action: "remove", recordings })
          }
        },
        "Remove"
      )
    ]
  }
  const csv = h(
    "button",
    {
      click: () =>
        void attempt(() =>
          download(`${service.clips["list.csv"]["~path"]}?${new URLSearchParams(filter())}`, "recordings.csv")
        )
    },
    "Download as CSV"
  )
  /** The classes there are now, those chosen from stay chosen. */
  const know = (known: Answer<typeof service.classes.get>) => {
    names = known.classes.map(({ name }) => name)
    isNewClassAllowed = known.new_classes_allowed
    fillSelect(classes, [["", "All classes"], ...names])
  }
  const content = [
    h(
      "div",
      { class: "filters" },
      h("label", { class: "stack" }, "Search in names and folders", search),
      h("label", { class: "stack" }, "Class", classes),
      h("label", { class: "stack" }, "Order", order)
    ),
    h("div", { class: "row between" }, state, csv),
    actions,
    list,
    pages
  ]
  return { content, know, refresh }
}

/** A place for a player below the row of a button. */
const stageBelow = (button: HTMLElement): HTMLElement => {
  silence()
  for (const old of document.querySelectorAll(".stage-row")) old.remove()
  const row = button.closest("tr")!
  const stage = h("td", { colspan: row.cells.length })
  row.after(h("tr", { class: "stage-row" }, stage))
  return stage
}

const NEW_CLASS = " new"

/** Asks for a class; "" where that was cancelled. */
const askClass = async (what: string, names: ReadonlyArray<string>, isNewAllowed: boolean): Promise<string> => {
  const name = h("input", { type: "text", pattern: CLASS_PATTERN, maxlength: 64, spellcheck: "false", required: true })
  name.disabled = true
  const line = h("label", { class: "stack", hidden: true }, "Name of the new class", name)
  const choice = select([...names, ...(isNewAllowed ? [[NEW_CLASS, "A new class …"] as const] : [])], {
    change: () => {
      line.hidden = choice.value !== NEW_CLASS
      name.disabled = line.hidden
    }
  })
  const answer = await ask(
    `Move ${what}`,
    [h("label", { class: "stack" }, "To the class", choice), line, h("p", { class: "hint" }, "This can be undone.")],
    [{ value: "ok", label: "Move", style: "primary" }]
  )
  if (answer !== "ok") return ""
  return choice.value === NEW_CLASS ? name.value : choice.value
}
