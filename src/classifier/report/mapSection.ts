import { describeMap, type Mark, marksOf } from "../dataMap.ts"
import type { DataMap } from "../mapRecordings.ts"
import { type Html, html } from "./html.ts"

const [WIDTH, HEIGHT, MARGIN] = [640, 420, 10]

/** The recordings on a plane, coloured by class. */
export const mapSection = (map: DataMap): Html => {
  const marks = marksOf(map)
  const classOf = ({ colour }: Mark) => (colour === undefined ? "mark grey" : `mark mark-${colour}`)
  const place = (share: number, extent: number) => (MARGIN + share * (extent - 2 * MARGIN)).toFixed(1)
  return html`<h2>Map of the recordings</h2>
<p class="quiet">${describeMap(map)}</p>
<ul class="marks" aria-label="Classes">${[...marks].map(
    ([className, mark]) =>
      html`<li><svg viewBox="-6 -6 12 12" aria-hidden="true"><path class="${classOf(mark)}" d="${mark.path}"/></svg>${className}</li>`
  )}</ul>
<svg class="map" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="Map of ${map.points.length} recordings of ${marks.size} classes">
${map.points.map(({ key, className, x, y }) => {
  const mark = marks.get(className)!
  return html`<path class="${classOf(mark)}" d="${mark.path}" transform="translate(${place(x, WIDTH)} ${place(y, HEIGHT)})"><title>${key}</title></path>`
})}
</svg>`
}
