import { ALARM_RATES } from "../../config/alarmRates.ts"
import { type Html, html } from "../report/html.ts"
import type { ClassFigures, HeadFigures } from "./figures.ts"
import { describeFigure } from "./figureTables.ts"
import { BINS, type Reliability } from "./outcomes.ts"

// In the units of the view box, which a phone shows about one to one.
const [WIDTH, HEIGHT] = [360, 240]
const MARGIN = { left: 46, right: 24, top: 14, bottom: 38 }
const inner = { width: WIDTH - MARGIN.left - MARGIN.right, height: HEIGHT - MARGIN.top - MARGIN.bottom }
const across = (share: number) => (MARGIN.left + share * inner.width).toFixed(1)
const up = (share: number) => (HEIGHT - MARGIN.bottom - share * inner.height).toFixed(1)
const QUARTERS = [0, 0.25, 0.5, 0.75, 1]

/** Each head's macro-F1 as a point, with its interval as a line. */
export const headPicture = (heads: ReadonlyArray<HeadFigures>): Html => {
  const height = 30 * heads.length + 40
  const left = 90
  const x = (value: number) => (left + value * (WIDTH - left - 20)).toFixed(1)
  return html`<figure><figcaption>Macro-F1</figcaption>
<svg viewBox="0 0 ${WIDTH} ${height}" style="max-width: 45rem" role="img" aria-label="Macro-F1: ${heads.map(({ head, macroF1 }) => `${head} ${describeFigure(macroF1)}`).join(", ")}.">
${QUARTERS.map(
  (tick) => html`<line class="grid" x1="${x(tick)}" x2="${x(tick)}" y1="8" y2="${height - 26}"/>
<text class="tick" x="${x(tick)}" y="${height - 8}" text-anchor="middle">${tick}</text>`
)}
${heads.map(({ head, macroF1: { value, low, high } }, at) => {
  const y = 24 + 30 * at
  return html`<g class="head${at % 6}"><text class="name" x="${left - 10}" y="${y + 4}" text-anchor="end">${head}</text>
<line class="span" x1="${x(low)}" x2="${x(high)}" y1="${y}" y2="${y}"/><circle class="dot" cx="${x(value)}" cy="${y}" r="5"/></g>`
})}
</svg></figure>`
}

/** Confidence against the share of hits: the line would be the diagonal if probabilities were what they say. */
export const reliabilityPicture = (head: string, { recordings, confidence, hits }: Reliability): Html => {
  const total = recordings.reduce((sum, count) => sum + count, 0)
  const bins = Array.from({ length: BINS }, (_, bin) => ({
    share: recordings[bin]! / total,
    confidence: confidence[bin]! / recordings[bin]!,
    hits: hits[bin]! / recordings[bin]!
  })).filter(({ share }) => share > 0)
  return html`<figure><figcaption>${head}</figcaption>
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${head}: share recognised by confidence.">
${grid(QUARTERS.map((tick) => [tick, `${100 * tick} %`] as const))}
<line class="best" x1="${across(0)}" y1="${up(0)}" x2="${across(1)}" y2="${up(1)}"/>
${bins.map(
  ({ share, confidence, hits }) =>
    html`<circle class="dot" cx="${across(confidence)}" cy="${up(hits)}" r="${(3 + 18 * Math.sqrt(share)).toFixed(1)}"><title>${(100 * share).toFixed(0)} % of recordings, confidence ${confidence.toFixed(2)}: ${(100 * hits).toFixed(0)} % recognised</title></circle>`
)}
<text class="tick" x="${WIDTH - MARGIN.right}" y="${HEIGHT - 4}" text-anchor="end">confidence</text>
</svg></figure>`
}

/** Recall against false alarms an hour (on a logarithmic scale), a line for each head. */
export const alarmPicture = (
  className: string,
  heads: ReadonlyArray<{ readonly head: string; readonly figures: Pick<ClassFigures, "curve" | "recallAtAlarms"> }>
): Html => {
  const rates = heads.flatMap(({ figures }) => figures.curve.map(({ perHour }) => perHour)).filter((rate) => rate > 0)
  const highest = Math.log10(Math.max(...rates, 100))
  const lowest = Math.min(0, Math.log10(Math.min(...rates, 1)))
  // What is below the lowest rate that the background can show is drawn at the left edge.
  const x = (rate: number) => across(rate <= 0 ? 0 : (Math.log10(rate) - lowest) / (highest - lowest))
  const decades = Array.from({ length: Math.floor(highest) - Math.ceil(lowest) + 1 }, (_, at) => Math.ceil(lowest) + at)
  return html`<figure><figcaption>${className}</figcaption>
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${className}: recall by false alarms an hour.">
${grid(decades.map((power) => [(power - lowest) / (highest - lowest), (10 ** power).toLocaleString("en")] as const))}
${heads.map(
  ({ figures }, at) =>
    html`<g class="head${at % 6}"><polyline points="${figures.curve.map(({ perHour, recall }) => `${x(perHour)},${up(recall)}`).join(" ")}"/></g>`
)}
<text class="tick" x="${WIDTH - MARGIN.right}" y="${HEIGHT - 4}" text-anchor="end">false alarms an hour</text>
</svg>
<p class="quiet">${heads.map(({ head, figures }) => `${head} ${describeFigure(figures.recallAtAlarms?.[0] ?? null)}`).join("; ")} at ${ALARM_RATES[0]}/h</p></figure>`
}

const grid = (columns: ReadonlyArray<readonly [share: number, label: string]>): Html =>
  html`${QUARTERS.map(
    (tick) => html`<line class="grid" x1="${across(0)}" x2="${across(1)}" y1="${up(tick)}" y2="${up(tick)}"/>
<text class="tick" x="${MARGIN.left - 6}" y="${Number(up(tick)) + 4}" text-anchor="end">${100 * tick} %</text>`
  )}${columns.map(
    ([share, label]) =>
      html`<text class="tick" x="${across(share)}" y="${HEIGHT - MARGIN.bottom + 16}" text-anchor="middle">${label}</text>`
  )}`
