import { licenceNote } from "../../embedder/embedder.ts"
import { branchesOf } from "../classifier.ts"
import type { FieldFigures } from "../evaluation/field/fieldFigures.ts"
import { fieldTable } from "../evaluation/field/fieldTables.ts"
import type { TrainingRun } from "../export/trainingRun.ts"
import type { ClassScore, HoldoutResult, Outcome } from "../holdoutResult.ts"
import type { EpochRecord } from "../train/task.ts"
import { curves } from "./curves.ts"
import { type Html, html } from "./html.ts"
import { confusionMatrix, notesList, page } from "./htmlPage.ts"
import { mapSection } from "./mapSection.ts"

/** `report.html`: a training run for people, on one page. */
export const reportPage = (run: TrainingRun): string => {
  const { classifier, result, split } = run
  const notes = [...untrainedNote(run), ...split.notes, ...classifier.notes, ...licenceNote(run.embedder)]
  const body = html`${headline(run)}
${notesList(notes)}
${result && classSection(result)}
${run.field && fieldSection(run.field)}
${result && confusionSection(result)}
${run.map && mapSection(run.map)}
${learningSection(classifier)}
${result && worstSection(result.worst)}
${factsSection(run)}`
  return page(`Training run ${run.runId}`, run.date, undefined, body)
}

const percent = (share: number) => `${(100 * share).toFixed(1)} %`

const untrainedNote = ({ embedder }: TrainingRun): ReadonlyArray<string> =>
  embedder.name === embedder.frontEnd.id
    ? []
    : ["The embeddings come from an untrained network that stood in for YAMNet: a demonstration, not a model for use."]

const headline = ({ result, kerasResult, split }: TrainingRun): Html => {
  if (result === undefined) return html`<p>No recordings were held out, so this classifier has not been tested.</p>`
  return html`${kerasResult && html`<h2>What is served</h2>`}<ul class="figures">
<li><strong>${result.macroF1.toFixed(3)}</strong> macro-F1</li>
<li><strong>${percent(result.accuracy)}</strong> accuracy</li>
<li><strong>${result.loss.toFixed(3)}</strong> loss</li>
<li><strong>${result.recordings}</strong> recordings held out</li>
</ul>
<p class="quiet">Measured on recordings that training has not seen, nor any other cut from the same source;
${split.holdout.length} originals, no variants.</p>${kerasResult && kerasFigures(kerasResult)}`
}

/** Told apart, because who runs the one must not take the other's figures for its own. */
const kerasFigures = ({
  macroF1,
  accuracy,
  loss
}: HoldoutResult): Html => html`<h2>What yamnet_classifier.keras holds</h2>
<ul class="figures">
<li><strong>${macroF1.toFixed(3)}</strong> macro-F1</li>
<li><strong>${percent(accuracy)}</strong> accuracy</li>
<li><strong>${loss.toFixed(3)}</strong> loss</li>
</ul>
<p class="quiet">It takes embeddings alone, so it is another classifier than the one in ecosight.onnx and classifier.onnx, of which
all else here tells. Measured on the same recordings.</p>`

const classSection = ({ perClass }: HoldoutResult): Html => html`<h2>Classes</h2>
<p class="quiet">Precision: how many of the recordings given this class are of it. Recall: how many of its recordings are found.</p>
<div class="scroll"><table class="wide scores" aria-label="Scores by class">
<thead><tr><th scope="col">Class</th><th scope="col">Precision</th><th scope="col">Recall</th><th scope="col">F1</th><th scope="col" class="number">Held out</th></tr></thead>
<tbody>${perClass.map(classRow)}</tbody>
</table></div>`

const classRow = ({ className, precision, recall, f1, support }: ClassScore): Html => {
  const bar = (share: number) =>
    support === 0
      ? html`<td>–</td>`
      : html`<td><div class="bar" style="--share:${share.toFixed(3)}">${share.toFixed(2)}</div></td>`
  return html`<tr><th scope="row">${className}</th>${[precision, recall, f1].map(bar)}<td class="number">${support}</td></tr>`
}

const fieldSection = (field: FieldFigures): Html => {
  const [titles, ...rows] = fieldTable(field)
  return html`<h2>In the field</h2>
<p class="quiet">Heard window by window in ${(60 * field.hours).toFixed(0)} minutes of ${
    field.judgedBy === "recordings"
      ? `annotated field recordings that were held out:
${field.events} events`
      : `soundscape that were made of the recordings held out:
${field.events} events, from faint to clear, in their own background`
  }. The share found where a class's own false alarms are as many
an hour; in brackets, 95 % of the values when the ${field.sources} sources are drawn anew.</p>
<div class="scroll"><table class="wide" aria-label="In the field">
<thead><tr>${titles!.map((title) => html`<th scope="col">${title}</th>`)}</tr></thead>
<tbody>${rows.map(([name, ...cells]) => html`<tr><th scope="row">${name}</th>${cells.map((cell) => html`<td>${cell}</td>`)}</tr>`)}</tbody>
</table></div>`
}

const confusionSection = ({ confusion, perClass }: HoldoutResult): Html => html`<h2>What is taken for what</h2>
<p class="quiet">Held-out recordings: rows are what they are, columns what they were taken for.</p>
${confusionMatrix("Confusion matrix", perClass, confusion)}`

const learningSection = ({
  history,
  bestEpoch,
  network,
  validatedBy
}: TrainingRun["classifier"]): Html => html`<h2>Learning</h2>
<div class="pair">
${curves("Loss", seriesOf(history, "loss"), bestEpoch, (value) => `${Number(value.toPrecision(3))}`)}
${curves("Accuracy", seriesOf(history, "accuracy"), bestEpoch, (value) => `${Math.round(100 * value)} %`)}
</div>
<p class="quiet">The weights kept are those of epoch ${bestEpoch}, marked in both. Training figures are of augmented recordings${network.dropout.some((rate) => rate > 0) ? " with dropout" : ""}
and weigh classes equally${history.some(({ val_loss }) => val_loss !== undefined) ? `; validation figures are of originals${validatedBy === "cross-validation" ? ", by cross-validation: of classifiers that were trained like this one without them" : ""}` : ""}.</p>
<details><summary>Figures of each epoch</summary><div class="scroll"><table aria-label="Figures of each epoch">
<thead><tr><th scope="col" class="number">Epoch</th><th scope="col" class="number">Loss</th><th scope="col" class="number">Accuracy</th><th scope="col" class="number">Validation loss</th><th scope="col" class="number">Validation accuracy</th><th scope="col" class="number">Learning rate</th></tr></thead>
<tbody>${history.map(
  ({ loss, accuracy, val_loss, val_accuracy, lr }, at) =>
    html`<tr><th scope="row" class="number">${at + 1}</th><td class="number">${loss.toFixed(4)}</td><td class="number">${percent(accuracy)}</td><td class="number">${val_loss?.toFixed(4) ?? "–"}</td><td class="number">${val_accuracy === undefined ? "–" : percent(val_accuracy)}</td><td class="number">${lr.toExponential(2)}</td></tr>`
)}</tbody>
</table></div></details>`

const seriesOf = (history: ReadonlyArray<EpochRecord>, figure: "loss" | "accuracy") =>
  [
    { name: "Training", values: history.map((epoch) => epoch[figure]) },
    { name: "Validation", values: history.map((epoch) => epoch[`val_${figure}`]) }
  ] as const

const worstSection = (worst: ReadonlyArray<Outcome>): Html => {
  if (worst.length === 0) return html`<h2>Worst recordings</h2><p>None: every held-out recording is recognised.</p>`
  return html`<h2>Worst recordings</h2>
<p class="quiet">Held-out recordings taken for something else, the most confident mistakes first. Some may be labelled wrongly.</p>
<div class="scroll"><table class="wide worst" aria-label="Worst recordings">
<thead><tr><th scope="col">Recording</th><th scope="col">Is</th><th scope="col">Taken for</th><th scope="col" class="number">Confidence</th></tr></thead>
<tbody>${worst.map(
    ({ key, className, predicted, confidence }) =>
      html`<tr><td class="name">${key}</td><td>${className}</td><td>${predicted}</td><td class="number">${percent(confidence)}</td></tr>`
  )}</tbody>
</table></div>`
}

const factsSection = (run: TrainingRun): Html => {
  const { classifier, dataset, embedder, engine, recipe, split } = run
  const { settings, calibration } = classifier
  const originals = dataset.samples.filter(({ variant }) => variant === "original").length
  const layers = branchesOf(classifier)
    .map(({ network }) => network.units.join(" – "))
    .join(" and ")
  const facts: ReadonlyArray<readonly [string, string]> = [
    ["Recordings", `${originals}, with variants ${dataset.samples.length}`],
    [
      "Split",
      `${split.training.length} samples train; ${split.validation.length} originals validate, ${split.holdout.length} are held out`
    ],
    ["Sources", `${split.subsets.size}, none of them on two sides of the split`],
    ["Classifier", `${settings.head}, ${layers} units`],
    [
      "Training",
      `${classifier.history.length} of at most ${settings.epochs} epochs, ${classifier.network.optimizer === "lbfgs" ? "each over all samples (L-BFGS)" : `batches of ${settings.batchSize}`}, seed ${settings.seed}`
    ],
    ...(calibration === undefined
      ? []
      : [
          [
            "Calibration",
            `temperature ${calibration.temperature.toFixed(2)}, from ${calibration.recordings} recordings`
          ] as const
        ]),
    ["Engine", `${engine.name} (${engine.adapter}): ${engine.why}`],
    ["Embeddings", `${embedder.name}, from ${embedder.source}, weights ${embedder.hash.slice(0, 16)}`],
    ["Recipe", recipe.id]
  ]
  return html`<h2>The run</h2><dl>${facts.map(([name, fact]) => html`<dt>${name}</dt><dd>${fact}</dd>`)}</dl>`
}
