import type { ClassScore, Evaluation, Outcome } from "../evaluate.ts"
import type { TrainingRun } from "../export/trainingRun.ts"
import type { EpochRecord } from "../train/fit.ts"
import { curves } from "./curves.ts"
import { type Html, html } from "./html.ts"
import { mapSection } from "./mapSection.ts"
import { STYLE } from "./style.ts"

/** `report.html`: a training run for people, on one page that needs nothing else: no script, no request. */
export const reportPage = (run: TrainingRun): string => {
  const { classifier, evaluation, split } = run
  const notes = [...untrainedNote(run), ...split.notes, ...classifier.notes]
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Training run ${run.runId}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>Training run ${run.runId}</h1>
<p class="quiet">${run.date.toISOString().slice(0, 16).replace("T", " ")} UTC</p>
${headline(run)}
${notes.length === 0 ? undefined : html`<ul class="notes" aria-label="Notes">${notes.map((note) => html`<li>${note}</li>`)}</ul>`}
${evaluation && classSection(evaluation)}
${evaluation && confusionSection(evaluation)}
${run.map && mapSection(run.map)}
${learningSection(classifier)}
${evaluation && worstSection(evaluation.worst)}
${factsSection(run)}
</main>
</body>
</html>
`
  return page.markup
}

const percent = (share: number) => `${(100 * share).toFixed(1)} %`

const untrainedNote = ({ embedder }: TrainingRun): ReadonlyArray<string> =>
  embedder.name === embedder.frontEnd.id
    ? []
    : ["The embeddings come from an untrained network that stood in for YAMNet: a demonstration, not a model for use."]

const headline = ({ evaluation, split }: TrainingRun): Html => {
  if (evaluation === undefined) return html`<p>No recordings were held out, so this classifier has not been tested.</p>`
  return html`<ul class="figures">
<li><strong>${evaluation.macroF1.toFixed(3)}</strong> macro-F1</li>
<li><strong>${percent(evaluation.accuracy)}</strong> accuracy</li>
<li><strong>${evaluation.loss.toFixed(3)}</strong> loss</li>
<li><strong>${evaluation.recordings}</strong> recordings held out</li>
</ul>
<p class="quiet">Measured on recordings that training has not seen, nor any other cut from the same source;
${split.holdout.length} originals, no variants.</p>`
}

const classSection = ({ perClass }: Evaluation): Html => html`<h2>Classes</h2>
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

const confusionSection = ({ confusion, perClass }: Evaluation): Html => html`<h2>What is taken for what</h2>
<p class="quiet">Held-out recordings: rows are what they are, columns what they were taken for.</p>
<div class="scroll"><table class="matrix" aria-label="Confusion matrix">
<thead><tr><td></td>${perClass.map(({ className }) => html`<th scope="col"><span>${className}</span></th>`)}</tr></thead>
<tbody>${confusion.map(
  (row, label) =>
    html`<tr><th scope="row">${perClass[label]!.className}</th>${row.map((count, predicted) => {
      const share = count / Math.max(1, perClass[label]!.support)
      const kind = count === 0 ? "nothing" : predicted === label ? "right" : "wrong"
      return html`<td class="${kind}" style="--share:${share.toFixed(3)}">${count}</td>`
    })}</tr>`
)}</tbody>
</table></div>`

const learningSection = ({ history, bestEpoch, network }: TrainingRun["classifier"]): Html => html`<h2>Learning</h2>
<div class="pair">
${curves("Loss", seriesOf(history, "loss"), bestEpoch, (value) => `${Number(value.toPrecision(3))}`)}
${curves("Accuracy", seriesOf(history, "accuracy"), bestEpoch, (value) => `${Math.round(100 * value)} %`)}
</div>
<p class="quiet">The weights kept are those of epoch ${bestEpoch}, marked in both. Training figures are of augmented recordings${network.dropout.some((rate) => rate > 0) ? " with dropout" : ""}
and weigh classes equally${history.some(({ val_loss }) => val_loss !== undefined) ? "; validation figures are of originals" : ""}.</p>
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
  const { network, settings, calibration } = classifier
  const originals = dataset.samples.filter(({ variant }) => variant === "original").length
  const layers = network.units.join(" – ")
  const facts: ReadonlyArray<readonly [string, string]> = [
    ["Recordings", `${originals}, with variants ${dataset.samples.length}`],
    [
      "Split",
      `${split.training.length} samples train; ${split.validation.length} originals validate, ${split.holdout.length} are held out`
    ],
    ["Sources", `${split.parts.size}, none of them on two sides of the split`],
    ["Classifier", `${settings.head}, ${layers} units`],
    [
      "Training",
      `${classifier.history.length} of at most ${settings.epochs} epochs, batches of ${settings.batchSize}, seed ${settings.seed}`
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
