type Attributes = Readonly<Record<string, string | number | boolean | undefined | ((event: Event) => void)>>
export type Child = Node | string

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

/** Of each option its value, and its text where that differs. */
type Options = ReadonlyArray<string | readonly [value: string, text: string]>

/** A list to choose from. */
export const select = (options: Options, attributes: Attributes = {}): HTMLSelectElement => {
  const element = h("select", attributes)
  fillSelect(element, options)
  return element
}

/** Gives a list other options; what was chosen stays chosen where it is still among them. */
export const fillSelect = (element: HTMLSelectElement, options: Options): void => {
  const before = element.value
  const elements = options.map((option) => {
    const [value, text] = typeof option === "string" ? [option, option] : option
    return h("option", { value }, text)
  })
  element.replaceChildren(...elements)
  if (elements.some(({ value }) => value === before)) element.value = before
}
