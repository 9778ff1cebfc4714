/** Markup that is safe to put into a page. */
export class Html {
  constructor(readonly markup: string) {}
}

type Interpolation = Html | string | number | undefined | ReadonlyArray<Html>

/** Builds markup; text put into it is escaped, `undefined` left out. */
export const html = (strings: TemplateStringsArray, ...parts: ReadonlyArray<Interpolation>): Html =>
  new Html(strings.map((markup, at) => markup + render(parts[at])).join(""))

const render = (part: Interpolation): string => {
  if (part === undefined) return ""
  if (part instanceof Html) return part.markup
  if (typeof part === "string" || typeof part === "number") return escapeText(`${part}`)
  return part.map(({ markup }) => markup).join("")
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;"
}

const escapeText = (text: string): string => text.replace(/[&<>"']/g, (character) => ENTITIES[character]!)
