import { type Html, html } from "./html.ts"

/** A line of a chart: a value for each epoch, or none where there was no validation. */
export interface Series {
  readonly name: "Training" | "Validation"
  readonly values: ReadonlyArray<number | undefined>
}

// In the units of the view box, which a phone shows about one to one.
const [WIDTH, HEIGHT] = [360, 230]
const MARGIN = { left: 46, right: 12, top: 14, bottom: 34 }

/** A learning curve: figures over epochs, counted from 1, with the epoch marked that the weights are of. */
export const curves = (
  title: string,
  series: ReadonlyArray<Series>,
  bestEpoch: number,
  format: (value: number) => string
): Html => {
  const epochs = Math.max(...series.map(({ values }) => values.length))
  const highest = Math.max(...series.flatMap(({ values }) => values.map((value) => value ?? 0)))
  const ticks = ticksTo(highest)
  const top = ticks.at(-1)!
  const x = (epoch: number) =>
    MARGIN.left + ((epoch - 1) / Math.max(1, epochs - 1)) * (WIDTH - MARGIN.left - MARGIN.right)
  const y = (value: number) => HEIGHT - MARGIN.bottom - (value / top) * (HEIGHT - MARGIN.top - MARGIN.bottom)
  const place = (value: number) => value.toFixed(1)
  const shown = series.filter(({ values }) => values.some((value) => value !== undefined))
  const last = shown.map(({ name, values }) => `${name.toLowerCase()} ends at ${format(values.at(-1)!)}`).join(", ")
  return html`<figure>
<figcaption>${title} <span class="legend">${shown.map(({ name }) => html`<span class="${name.toLowerCase()}">${name}</span> `)}</span></figcaption>
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${title} over ${epochs} epochs: ${last}.">
${ticks.map(
  (
    tick
  ) => html`<line class="grid" x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${place(y(tick))}" y2="${place(y(tick))}"/>
<text class="tick" x="${MARGIN.left - 6}" y="${place(y(tick) + 4)}" text-anchor="end">${format(tick)}</text>`
)}
${epochTicks(epochs).map(
  (epoch) =>
    html`<text class="tick" x="${place(x(epoch))}" y="${HEIGHT - MARGIN.bottom + 16}" text-anchor="middle">${epoch}</text>`
)}
<text class="tick" x="${WIDTH - MARGIN.right}" y="${HEIGHT - 3}" text-anchor="end">epoch</text>
<line class="best" x1="${place(x(bestEpoch))}" x2="${place(x(bestEpoch))}" y1="${MARGIN.top}" y2="${HEIGHT - MARGIN.bottom}"><title>Epoch ${bestEpoch}: the weights kept</title></line>
${shown.map(({ name, values }) => {
  const points = values.flatMap((value, at) => (value === undefined ? [] : [{ epoch: at + 1, value }]))
  return html`<g class="${name.toLowerCase()}">
<polyline points="${points.map(({ epoch, value }) => `${place(x(epoch))},${place(y(value))}`).join(" ")}"/>
${points.map(
  ({ epoch, value }) =>
    html`<circle cx="${place(x(epoch))}" cy="${place(y(value))}" r="4"><title>${name}, epoch ${epoch}: ${format(value)}</title></circle>`
)}
</g>`
})}
</svg>
</figure>`
}

/** Round numbers from 0 to the first that is not below `highest`, about four of them. */
export const ticksTo = (highest: number): ReadonlyArray<number> => {
  const rough = Math.max(highest, 1e-6) / 4
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough)!
  return Array.from({ length: Math.ceil(highest / step - 1e-9) + 1 }, (_, i) => i * step)
}

const epochTicks = (epochs: number): ReadonlyArray<number> => {
  const step = [1, 2, 5, 10, 20, 25, 50].find((candidate) => epochs / candidate <= 6) ?? Math.ceil(epochs / 6)
  const whole = Array.from({ length: Math.floor(epochs / step) }, (_, i) => (i + 1) * step)
  return step === 1 ? whole : [1, ...whole]
}
