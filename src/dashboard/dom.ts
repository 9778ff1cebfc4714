type Attributes = Readonly<Record<string, string | number | boolean | undefined | ((event: Event) => void)>>
type Child = Node | string

const fill = <E extends Element>(element: E, attributes: Attributes, children: ReadonlyArray<Child>): E => {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value)
    else if (value === true) element.setAttribute(name, "")
    else if (value !== false && value !== undefined) element.setAttribute(name, String(value))
  }
  element.append(...children)
  return element
}

/** An element of HTML; text is text, never markup. Functions are listeners. */
export const h = <Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: ReadonlyArray<Child>
): HTMLElementTagNameMap[Tag] => fill(document.createElement(tag), attributes, children)

/** An element of SVG. */
export const s = <Tag extends keyof SVGElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: ReadonlyArray<Child>
): SVGElementTagNameMap[Tag] => fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children)

/** A titled part of a page. */
export const card = (title: string, ...children: ReadonlyArray<Child>): HTMLElement =>
  h("section", { class: "card" }, h("h2", {}, title), ...children)

/** A titled part as wide as the page. */
export const wideCard = (title: string, ...children: ReadonlyArray<Child>): HTMLElement => {
  const element = card(title, ...children)
  element.classList.add("wide")
  return element
}

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

/** Says something at the bottom of the page for some seconds, and to screen readers. */
export const toast = (message: string): void => {
  const place = document.getElementById("toast")!
  const line = h("p", {}, message)
  place.append(line)
  setTimeout(() => line.remove(), 8000)
}

/** `0.714` as `71.4 %`; a dash where there is no figure. */
export const percent = (share: number | null | undefined): string =>
  share === null || share === undefined ? "–" : `${(100 * share).toFixed(1)}\u00a0%`

/** A run's id as the time in it, in the reader's own time zone. */
export const timeOf = (runId: string): string => {
  const iso = runId.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{3})Z.*$/, "$1-$2-$3T$4:$5:$6.$7Z")
  const date = new Date(iso)
  return Number.isNaN(date.getTime())
    ? runId
    : date.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" })
}
