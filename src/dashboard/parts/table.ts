import { type Child, h } from "./elements.ts"

/** A table with a caption for those who do not see it, that scrolls where it is too wide. */
export const table = (
  caption: string,
  head: ReadonlyArray<Child>,
  rows: ReadonlyArray<ReadonlyArray<Child>>
): HTMLElement =>
  h(
    "div",
    { class: "scroll", tabindex: 0, role: "region", "aria-label": caption },
    h(
      "table",
      {},
      h("thead", {}, h("tr", {}, ...head.map((cell) => h("th", { scope: "col" }, cell)))),
      h(
        "tbody",
        {},
        ...rows.map(([first, ...others]) =>
          h("tr", {}, h("th", { scope: "row" }, first ?? ""), ...others.map((cell) => h("td", {}, cell)))
        )
      )
    )
  )
