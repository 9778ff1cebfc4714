import { describeMap, type Mark, marksOf } from "../../classifier/dataMap.ts"
import { dataOf, Refused, service } from "../api.ts"
import { h, s, wideCard } from "./elements.ts"
import { nameOf } from "./format.ts"
import { listen } from "./player.ts"

const MARGIN = 10

/** The map of the recordings, to be clicked on and heard; nothing where there is none yet. */
export const mapCards = async (): Promise<ReadonlyArray<HTMLElement>> => {
  const map = await dataOf(service.map.get()).catch((error: unknown) => {
    if (error instanceof Refused && error.status === 404) return undefined
    throw error
  })
  if (map === undefined || map.points.length === 0) return []
  // In units of a mark, which a finger has to meet.
  const [width, height] = matchMedia("(max-width: 30rem)").matches ? [320, 320] : [640, 400]
  const marks = marksOf(map)
  const stage = h("div", { "aria-live": "polite" })
  let chosen: Element | undefined
  const points = map.points.map(({ key, className, x, y }) => {
    const mark = marks.get(className)!
    const place = [x * (width - 2 * MARGIN) + MARGIN, y * (height - 2 * MARGIN) + MARGIN]
    const point = s(
      "path",
      {
        class: styleOf(mark),
        d: mark.path,
        transform: `translate(${place.map((value) => value.toFixed(1)).join(" ")})`,
        click: () => {
          chosen?.classList.remove("chosen")
          chosen = point
          point.classList.add("chosen")
          void listen(stage, `${nameOf(key)}, ${className}`, key)
        }
      },
      s("title", {}, `${nameOf(key)}, ${className}`)
    )
    return point
  })
  return [
    wideCard(
      "Map",
      h("p", { class: "hint" }, describeMap(map), " Click on one to hear it."),
      h(
        "ul",
        { class: "legend marks" },
        ...[...marks].map(([className, mark]) =>
          h(
            "li",
            {},
            s(
              "svg",
              { viewBox: "-6 -6 12 12", "aria-hidden": "true" },
              s("path", { class: styleOf(mark), d: mark.path })
            ),
            className
          )
        )
      ),
      s(
        "svg",
        {
          class: "map",
          viewBox: `0 0 ${width} ${height}`,
          role: "img",
          "aria-label": `Map of ${map.points.length} recordings of ${marks.size} classes`
        },
        ...points
      ),
      stage
    )
  ]
}

const styleOf = ({ colour }: Mark): string => (colour === undefined ? "mark grey" : `mark mark-${colour}`)
