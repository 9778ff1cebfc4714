import { counted, namedFew } from "../../src/config/inWords.ts"
import type { RunSummary } from "../../src/runs/summary.ts"
import { printable } from "./terminal.ts"

/** A run's result for people: scores per class, confusion matrix, where things are. */
export const describeSummary = (summary: RunSummary): string => {
  const { holdout, engine, seconds } = summary
  const scores = holdout.perClass.map(({ className, recordings, variants, support, precision, recall, f1 }) => [
    className,
    String(recordings),
    String(variants),
    String(support),
    share(precision),
    share(recall),
    share(f1)
  ])
  const confusion = holdout.confusion.map((row, at) => [holdout.perClass[at]!.className, ...row.map(String)])
  return [
    "",
    table([["class", "recordings", "variants", "held out", "precision", "recall", "F1"], ...scores]),
    "",
    holdout.macroF1 === null
      ? "Nothing could be held out, so the model is not tested."
      : `Held out: ${counted(holdout.recordings, "recording")}, accuracy ${share(holdout.accuracy)}, macro-F1 ${share(holdout.macroF1)}.`,
    ...(summary.field ? describeField(summary.field) : []),
    ...summary.notes.map(printable),
    "",
    // Where nothing was held out, nothing could be confused.
    ...(confusion.length === 0
      ? []
      : [
          "Confusion matrix (rows are true classes, columns predicted ones):",
          table([["", ...holdout.perClass.map(({ className }) => className)], ...confusion]),
          ""
        ]),
    `${counted(summary.recordings, "recording")} (${summary.embedded} embedded now, ${summary.reused} reused, ${summary.skipped.length} skipped), ` +
      `${counted(summary.variants, "variant")}, ${counted(summary.patches, "patch", "patches")}.`,
    ...(summary.silent.length > 0 ? [`Silent, worth a look: ${namedFew(summary.silent.map(printable))}.`] : []),
    `${engine.name} engine on ${engine.adapter}. ${engine.why}`,
    `${seconds.total.toFixed(1)} s: ${stages(seconds)}.`,
    summary.decision,
    `Artefacts in ${summary.store}: ${summary.artifacts.join(", ")}`
  ].join("\n")
}

/** What to do after the demonstration, in five lines. */
export const describeNext = ({ store, artifacts }: RunSummary): string => {
  const report = artifacts.find((key) => key.endsWith("report.html"))
  return [
    "",
    `These sounds were synthesised. ${report === undefined ? "" : `${store}/${report} shows what a training gives. `}Next, with yours:`,
    "  bun run init      say where your recordings are: a folder, a bucket, another S3 server",
    "  bun run doctor    see whether all is in order, and how long embedding will take",
    "  bun run retrain   train on them, and publish the model",
    "  bun run serve     look at it in a browser, upload, predict, compare; docs/first-hour.md leads through all of this"
  ].join("\n")
}

/** What the model hears in the field, a class a line. */
const describeField = ({
  judgedBy,
  hours,
  rates,
  perClass
}: NonNullable<RunSummary["field"]>): ReadonlyArray<string> => [
  "",
  `In the field (${(60 * hours).toFixed(0)} minutes of ${judgedBy === "recordings" ? "annotated recordings" : "soundscape of the recordings"} held out), found at so many false alarms an hour:`,
  table([
    ["class", "events", ...rates.map((rate) => `at ${rate}/h`), "average precision"],
    ...perClass.map(({ className, events, recallAtAlarms, averagePrecision }) => [
      className,
      String(events),
      ...[...recallAtAlarms, averagePrecision].map((figure) => share(figure?.value ?? null))
    ])
  ]),
  ""
]

export const share = (value: number | null): string => (value === null ? "-" : value.toFixed(3))

/** Columns as wide as their widest cell; the first is flush left, the others right. */
export const table = (rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const shown = rows.map((row) => row.map(printable))
  const widths = shown[0]!.map((_, column) => Math.max(...shown.map((row) => row[column]!.length)))
  return shown
    .map((row) => row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join("  "))
    .join("\n")
}

/** What a run's stages took; the later ones where they took any time. */
const stages = ({ list, stream, train, windows = 0, field = 0, write = 0 }: RunSummary["seconds"]): string => {
  const later = Object.entries({ windows, field, writing: write }).filter(([, taken]) => taken > 0)
  return [...Object.entries({ listing: list, stream, training: train }), ...later]
    .map(([stage, taken]) => `${stage} ${taken.toFixed(1)}`)
    .join(", ")
}
