import { describeMap, marksOf } from "../../classifier/dataMap.ts"
import { dataOf, Refused, service } from "../api.ts"
import { scatter } from "./chart.ts"
import { h, wideCard } from "./elements.ts"
import { nameOf } from "./format.ts"
import { listen } from "./player.ts"

/** The map of the recordings, to be clicked on and heard; nothing where there is none yet. */
export const mapCards = async (): Promise<ReadonlyArray<HTMLElement>> => {
  const map = await dataOf(service.map.get()).catch((error: unknown) => {
    if (error instanceof Refused && error.status === 404) return undefined
    throw error
  })
  if (map === undefined || map.points.length === 0) return []
  const marks = marksOf(map)
  const stage = h("div", { "aria-live": "polite" })
  const points = map.points.map(({ key, className, x, y }) => {
    const title = `${nameOf(key)}, ${className}`
    return { title, x, y, mark: marks.get(className)!, choose: () => void listen(stage, title, key) }
  })
  const label = `Map of ${points.length} recordings of ${marks.size} classes`
  const hint = h(
    "p",
    { class: "hint" },
    describeMap(map),
    " Click on one to hear it; by keyboard, go by arrows and press Enter. The table above has the same recordings."
  )
  return [wideCard("Map", hint, ...scatter(label, points, marks), stage)]
}
