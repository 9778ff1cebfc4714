import { Html, html } from "../report/html.ts"
import { confusionMatrix, notesList, page } from "../report/htmlPage.ts"
import type { AfarEvaluation } from "./afar/afarEvaluation.ts"
import { afarPartTable, afarTable, explainAfar } from "./afar/afarTables.ts"
import type { Evaluation } from "./evaluation.ts"
import type { FieldEvaluation } from "./field/fieldEvaluation.ts"
import { bandTable, describeFieldDifferences, explainField, fieldHeadsTable } from "./field/fieldTables.ts"
import type { HeadFigures } from "./figures.ts"
import { classTable, describeDifference, explain, headTable, partTable } from "./figureTables.ts"
import type { PartFigures } from "./partFigures.ts"
import { alarmPicture, headPicture, reliabilityPicture } from "./pictures.ts"
import type { UnknownEvaluation } from "./unknown/unknownFigures.ts"
import { alarmTable, explainUnknown, keptTable } from "./unknown/unknownTables.ts"

/** `evaluation.html`: heads compared, for people, on one page. */
export const evaluationPage = (evaluation: Evaluation, store: string, date: Date): string => {
  const { heads, notes, differences } = evaluation
  const best = heads.reduce((one, other) => (other.macroF1.value > one.macroF1.value ? other : one))
  const body = html`<ul class="figures">
<li><strong>${best.macroF1.value.toFixed(3)}</strong> macro-F1 of ${best.head}</li>
<li><strong>${best.macroF1.low.toFixed(2)}–${best.macroF1.high.toFixed(2)}</strong> with other sources</li>
<li><strong>${evaluation.recordings}</strong> recordings</li>
<li><strong>${evaluation.sources}</strong> sources</li>
</ul>
<p class="quiet">${explain(evaluation)}</p>
${notesList(notes)}
<h2>Heads</h2>
${headPicture(heads)}
${tableOf(headTable(evaluation), "Heads")}
${differences.map(
  ({ head, over, macroF1, logLoss }) =>
    html`<p class="quiet">${head} less ${over}, on the same folds: macro-F1 ${describeDifference(macroF1)}, log loss ${describeDifference(logLoss)}.</p>`
)}
${evaluation.parts && partSection(evaluation.parts)}
${evaluation.field && fieldSection(evaluation.field)}
${evaluation.afar && afarSection(evaluation.afar)}
${evaluation.unknown && unknownSection(evaluation.unknown)}
<h2>Found at how many false alarms</h2>
<p class="legend">${heads.map(({ head }, at) => html`<span class="head${at % 6}">${head}</span> `)}</p>
<div class="pair">${alarmPictures(heads)}</div>
<h2>Classes</h2>
${tableOf(classTable(evaluation), "Classes")}
<h2>Confidence</h2>
<p class="quiet">A head's confidence, and how many of the recordings were recognised. On the diagonal, a probability is what it says;
below it, the head is too sure. Larger dots are more recordings.</p>
<div class="pair">${heads.map(({ head, reliability }) => reliabilityPicture(head, reliability))}</div>
<h2>What is taken for what</h2>
<p class="quiet">Recordings, averaged over repeats: rows are what they are, columns what they were taken for.</p>
${heads.map(confusionTable)}`
  return page(`Evaluation of ${store}`, date, OWN_STYLE, body)
}

const partSection = (parts: ReadonlyArray<PartFigures>): Html => html`<h2>Parts left out</h2>
${tableOf(partTable(parts), "Parts left out")}`

const fieldSection = (field: FieldEvaluation): Html => {
  const bands = bandTable(field)
  return html`<h2>In the field</h2>
<p class="quiet">${explainField(field)}</p>
${tableOf(fieldHeadsTable(field), "In the field")}
${describeFieldDifferences(field).map((sentence) => html`<p class="quiet">${sentence}</p>`)}
<p class="legend">${field.heads.map(({ head }, at) => html`<span class="head${at % 6}">${head}</span> `)}</p>
<div class="pair">${field.heads[0]!.figures.classes.slice(0, MOST_CLASSES).map(({ className }, label) =>
    alarmPicture(
      className,
      field.heads.map(({ head, figures }) => ({ head, figures: figures.classes[label]! }))
    )
  )}</div>
${
  bands &&
  html`<h3>By signal-to-noise ratio</h3>
${tableOf(bands, "By signal-to-noise ratio")}`
}`
}

const afarSection = (afar: AfarEvaluation): Html => {
  const byPart = afarPartTable(afar)
  return html`<h2>From afar</h2>
<p class="quiet">${explainAfar(afar)}</p>
${tableOf(afarTable(afar), "From afar")}
${byPart && tableOf(byPart, "From afar, by part")}`
}

const unknownSection = (unknown: UnknownEvaluation): Html => html`<h2>Sounds of no class</h2>
<p class="quiet">${explainUnknown(unknown)}</p>
${tableOf(alarmTable(unknown), "Sounds of no class")}
${tableOf(keptTable(unknown), "Sounds of a class")}`

const OWN_STYLE = new Html(`
.head0 { --own: var(--training); } .head1 { --own: var(--validation); } .head2 { --own: rgb(var(--right)); }
.head3 { --own: rgb(var(--wrong)); } .head4 { --own: var(--warn); } .head5 { --own: var(--quiet); }
.dot { fill: var(--own, var(--training)); opacity: .8; }
.span { stroke: var(--own); stroke-width: 3; }
.name { fill: var(--ink); font-size: 14px; }
`)

const tableOf = ([titles, ...rows]: ReadonlyArray<ReadonlyArray<string>>, label: string): Html =>
  html`<div class="scroll"><table class="wide" aria-label="${label}">
<thead><tr>${titles!.map((title) => html`<th scope="col">${title}</th>`)}</tr></thead>
<tbody>${rows.map(([name, ...cells]) => html`<tr><th scope="row">${name}</th>${cells.map((cell) => html`<td>${cell}</td>`)}</tr>`)}</tbody>
</table></div>`

/** A matrix for more classes than this is no picture any more. */
const MOST_CLASSES = 24

const alarmPictures = (heads: ReadonlyArray<HeadFigures>): ReadonlyArray<Html> =>
  heads[0]!.classes
    .flatMap(({ className, curve }, label) => (curve.length > 0 ? [{ className, label }] : []))
    .slice(0, MOST_CLASSES)
    .map(({ className, label }) =>
      alarmPicture(
        className,
        heads.map(({ head, classes }) => ({ head, figures: classes[label]! }))
      )
    )

const confusionTable = ({ head, confusion, classes }: HeadFigures): Html =>
  classes.length > MOST_CLASSES
    ? html`<p>${head}: ${classes.length} classes are too many for a table.</p>`
    : html`<h3>${head}</h3>${confusionMatrix(`Confusion matrix of ${head}`, classes, confusion)}`
