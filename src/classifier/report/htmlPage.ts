import { type Html, html } from "./html.ts"
import { STYLE } from "./style.ts"

/** A page that needs nothing else: no script, no request. */
export const page = (title: string, date: Date, ownStyle: Html | undefined, body: Html): string =>
  html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${STYLE}${ownStyle}</style>
</head>
<body>
<main>
<h1>${title}</h1>
<p class="quiet">${date.toISOString().slice(0, 16).replace("T", " ")} UTC</p>
${body}
</main>
</body>
</html>
`.markup

/** What a reader should know, if there is anything. */
export const notesList = (notes: ReadonlyArray<string>): Html | undefined =>
  notes.length === 0
    ? undefined
    : html`<ul class="notes" aria-label="Notes">${notes.map((note) => html`<li>${note}</li>`)}</ul>`

/** A confusion matrix: rows are what recordings are, columns what they were taken for. */
export const confusionMatrix = (
  label: string,
  classes: ReadonlyArray<{ readonly className: string }>,
  confusion: ReadonlyArray<ReadonlyArray<number>>
): Html => html`<div class="scroll"><table class="matrix" aria-label="${label}">
<thead><tr><td></td>${classes.map(({ className }) => html`<th scope="col"><span>${className}</span></th>`)}</tr></thead>
<tbody>${confusion.map((row, own) => {
  const support = row.reduce((sum, count) => sum + count, 0)
  return html`<tr><th scope="row">${classes[own]!.className}</th>${row.map((count, predicted) => {
    const kind = count === 0 ? "nothing" : predicted === own ? "right" : "wrong"
    return html`<td class="${kind}" style="--share:${(count / Math.max(1, support)).toFixed(3)}">${count.toFixed(1).replace(/\.0$/, "")}</td>`
  })}</tr>`
})}</tbody>
</table></div>`
