import type { Mark } from "../../classifier/dataMap.ts"
import { h, s } from "./elements.ts"
import { percent } from "./format.ts"
import { table } from "./table.ts"

/** Horizontal bars of shares, 0 to 1, with their figures as text. */
export const bars = (
  items: ReadonlyArray<{
    readonly name: string
    readonly share: number
    readonly note?: string
    readonly strong?: boolean
    /** What can be done with it. */
    readonly action?: HTMLElement
  }>
): HTMLElement =>
  h(
    "ul",
    { class: "bars" },
    ...items.map(({ name, share, note, strong, action }) => {
      const fill = h("span", { class: strong ? "fill strong" : "fill" })
      fill.style.width = `${100 * share}%`
      return h(
        "li",
        {},
        h("span", { class: "name" }, name),
        h("span", { class: "track", "aria-hidden": "true" }, fill),
        h("span", { class: "figure" }, note ?? percent(share)),
        ...(action === undefined ? [] : [action])
      )
    })
  )

export interface Line {
  readonly name: string
  readonly values: ReadonlyArray<number>
}

const HEIGHT = 200
const LEFT = 44
const BOTTOM = 28
const TOP = 10
/** Whether this is a phone, where a chart is drawn narrower so that its text keeps its size. */
const isNarrow = () => matchMedia("(max-width: 30rem)").matches

/** Lines over epochs or versions, those that have values; figures at the axes' ends, names in a legend below. */
export const lines = (
  title: string,
  given: ReadonlyArray<Line>,
  axis: { readonly x: string; readonly from?: number; readonly to?: number }
): HTMLElement => {
  const width = isNarrow() ? 310 : 480
  const series = given.filter(({ values }) => values.length > 0)
  const all = series.flatMap(({ values }) => values)
  const low = axis.from ?? Math.min(0, ...all)
  const high = axis.to ?? Math.max(...all, low + 1e-6)
  const count = Math.max(...series.map(({ values }) => values.length))
  const x = (at: number) => LEFT + (count === 1 ? 0.5 : at / (count - 1)) * (width - LEFT - 10)
  const y = (value: number) => TOP + (1 - (value - low) / (high - low)) * (HEIGHT - TOP - BOTTOM)
  const grid = [low, (low + high) / 2, high].map((value) =>
    s(
      "g",
      {},
      s("line", { class: "grid", x1: LEFT, x2: width - 10, y1: y(value), y2: y(value) }),
      s("text", { class: "tick", x: LEFT - 6, y: y(value) + 4, "text-anchor": "end" }, value.toFixed(2))
    )
  )
  const paths = series.map(({ values }, index) => {
    const points = values.map((value, at) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`)
    return s(
      "g",
      { class: `line line-${index}` },
      s("polyline", { points: points.join(" ") }),
      ...(values.length <= 12
        ? points.map((point) => s("circle", { cx: point.split(",")[0]!, cy: point.split(",")[1]!, r: 3 }))
        : [])
    )
  })
  return h(
    "figure",
    { class: "chart" },
    h("figcaption", {}, title),
    s(
      "svg",
      { viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": describe(title, series) },
      ...grid,
      ...paths,
      s("text", { class: "tick", x: LEFT, y: HEIGHT - 8 }, "1"),
      s("text", { class: "tick", x: width - 10, y: HEIGHT - 8, "text-anchor": "end" }, `${axis.x} ${count}`)
    ),
    legend(series.map(({ name }, index) => [h("span", { class: `swatch line-${index}` }), name]))
  )
}

const legend = (entries: ReadonlyArray<readonly [Node, string]>, style = ""): HTMLElement =>
  h("ul", { class: `legend ${style}` }, ...entries.map(([mark, name]) => h("li", {}, mark, name)))

const describe = (title: string, series: ReadonlyArray<Line>): string =>
  `${title}: ${series
    .filter(({ values }) => values.length > 0)
    .map(({ name, values }) => `${name} from ${values[0]!.toFixed(3)} to ${values.at(-1)!.toFixed(3)}`)
    .join("; ")}`

/** A point of a scatter plot; places are 0 to 1. */
export interface Point {
  readonly title: string
  readonly x: number
  readonly y: number
  readonly mark: Mark
  readonly choose: () => void
}

const MARGIN = 10

/**
 * Points on a plane, each with its class's mark, and a legend of the marks. One is chosen by a click; by keyboard, arrows
 * go to the nearest point in their direction, and Enter chooses it.
 */
export const scatter = (
  label: string,
  points: ReadonlyArray<Point>,
  marks: Iterable<readonly [string, Mark]>
): ReadonlyArray<Element> => {
  // In units of a mark, which a finger has to meet.
  const [width, height] = isNarrow() ? [320, 320] : [640, 400]
  let chosen: Element | undefined
  const places = points.map(
    ({ x, y }) => [x * (width - 2 * MARGIN) + MARGIN, y * (height - 2 * MARGIN) + MARGIN] as const
  )
  // One stop for the Tab key, however many points there are.
  const hold = (at: number) => {
    for (const [place, shape] of shapes.entries()) shape.setAttribute("tabindex", place === at ? "0" : "-1")
  }
  const shapes: ReadonlyArray<SVGPathElement> = points.map(({ title, mark, choose }, at) => {
    const click = () => {
      chosen?.classList.remove("chosen")
      chosen = shape
      shape.classList.add("chosen")
      hold(at)
      choose()
    }
    const keydown = (event: Event) => {
      const { key } = event as KeyboardEvent
      if (key === "Enter" || key === " ") click()
      else if (!(key in ARROWS)) return
      else {
        const next = nearest(places, at, ARROWS[key]!)
        if (next !== undefined) {
          hold(next)
          shapes[next]!.focus()
        }
      }
      event.preventDefault()
    }
    const transform = `translate(${places[at]!.map((value) => value.toFixed(1)).join(" ")})`
    const shape = s(
      "path",
      {
        class: styleOf(mark),
        d: mark.path,
        transform,
        click,
        keydown,
        role: "button",
        "aria-label": title,
        tabindex: at === 0 ? 0 : -1
      },
      s("title", {}, title)
    )
    return shape
  })
  const sample = (mark: Mark) =>
    s("svg", { viewBox: "-6 -6 12 12", "aria-hidden": "true" }, s("path", { class: styleOf(mark), d: mark.path }))
  return [
    legend(
      Array.from(marks, ([name, mark]) => [sample(mark), name] as const),
      "marks"
    ),
    s("svg", { class: "map", viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": label }, ...shapes)
  ]
}

const ARROWS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1]
}

/** The nearest point in a direction; what lies off to the side counts as further away. */
const nearest = (
  places: ReadonlyArray<readonly [number, number]>,
  from: number,
  [dx, dy]: readonly [number, number]
): number | undefined => {
  const [x, y] = places[from]!
  let best: number | undefined
  let least = Number.POSITIVE_INFINITY
  for (const [at, place] of places.entries()) {
    const along = (place[0] - x) * dx + (place[1] - y) * dy
    const aside = Math.abs((place[0] - x) * dy) + Math.abs((place[1] - y) * dx)
    const far = along + 2 * aside
    if (along <= 0 || far >= least) continue
    best = at
    least = far
  }
  return best
}

const styleOf = ({ colour }: Mark): string => (colour === undefined ? "mark grey" : `mark mark-${colour}`)

/** Which classes are taken for which; the darker, the larger the share of the row. */
export const confusionTable = (
  classes: ReadonlyArray<string>,
  matrix: ReadonlyArray<ReadonlyArray<number>>
): HTMLElement => {
  const rows = matrix.map((row, label) => {
    const support = row.reduce((sum, value) => sum + value, 0)
    const cells = row.map((count, at) => {
      const cell = h("span", { class: at === label ? "cell right" : "cell wrong" }, String(count))
      cell.style.setProperty("--share", String(support === 0 ? 0 : count / support))
      return cell
    })
    return [classes[label] ?? "", ...cells]
  })
  const element = table("Confusion matrix: rows are the true classes", ["is / taken for", ...classes], rows)
  element.className = "scroll confusion"
  return element
}
