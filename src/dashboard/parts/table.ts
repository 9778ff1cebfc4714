import { type Child, h } from "./elements.ts"

/** Columns that still fit beside each other on a phone; the rows of wider tables stack their cells there. */
const NARROW = 3

/** A table with a caption for those who do not see it, that scrolls where it is too wide. */
export const table = (
  caption: string,
  head: ReadonlyArray<Child>,
  rows: ReadonlyArray<ReadonlyArray<Child>>
): HTMLElement => {
  const labels = head.map((cell) => (typeof cell === "string" ? cell : (cell.textContent ?? "")))
  return h(
    "div",
    {
      class: head.length > NARROW ? "scroll stacks" : "scroll",
      tabindex: 0,
      role: "region",
      "aria-label": caption
    },
    h(
      "table",
      {},
      h("thead", {}, h("tr", {}, ...head.map((cell) => (cell === "" ? h("td") : h("th", { scope: "col" }, cell))))),
      h(
        "tbody",
        {},
        ...rows.map(([first, ...others]) =>
          h(
            "tr",
            {},
            h("th", { scope: "row" }, first ?? ""),
            ...others.map((cell, at) => h("td", { "data-label": labels[at + 1] }, cell))
          )
        )
      )
    )
  )
}
