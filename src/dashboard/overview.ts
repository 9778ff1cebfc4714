import type { Version } from "../registry/versions.ts"
import { get, type VersionDetails } from "./api.ts"
import { bars, confusion, lines } from "./charts.ts"
import { card, h, percent, timeOf } from "./dom.ts"
import type { Page } from "./page.ts"
import { type Interval, macroF1Interval, wilson } from "./statistics.ts"

/** The promoted model: how good it is, where it errs, how it came about. */
export const overviewPage = async (): Promise<Page> => {
  const { models, promoted } = await get<{ models: ReadonlyArray<Version>; promoted: string | null }>("/models")
  if (promoted === null) {
    return {
      content: card(
        "No model yet",
        h(
          "p",
          {},
          "Add recordings of at least two classes under ",
          h("a", { href: "#data" }, "Training data"),
          ", then start a training under ",
          h("a", { href: "#runs" }, "Runs"),
          "."
        )
      )
    }
  }
  const model = await get<VersionDetails>(`/models/${promoted}`)
  return { content: h("div", { class: "columns" }, ...modelCards(model), ...historyCards(models)) }
}

/** A version's figures, errors and learning curves. */
export const modelCards = (model: VersionDetails): Array<HTMLElement> => {
  const matrix = model.metrics?.confusion_matrix ?? []
  const perClass = Object.entries(model.metrics?.per_class_metrics ?? {})
  const heldOut = matrix.flat().reduce((sum, count) => sum + count, 0)
  const { loss = [], val_loss = [], accuracy = [], val_accuracy = [] } = model.history
  return [
    card(
      model.state === "promoted" ? "The model in use" : "Version",
      h(
        "p",
        {},
        `Trained ${timeOf(model.runId)} from ${model.recordings} recordings of ${model.classes.length} classes.`
      ),
      h(
        "dl",
        { class: "figures" },
        ...figure("Accuracy", model.accuracy, heldOut > 0 ? wilson(model.accuracy ?? 0, heldOut) : undefined),
        ...figure("Macro-F1", model.macroF1, heldOut > 0 ? macroF1Interval(matrix) : undefined)
      ),
      h(
        "p",
        { class: "hint" },
        heldOut > 0
          ? `Measured on ${heldOut} recordings that it was not trained from. The range is where the true figure lies with 95 % confidence; more recordings make it narrower.`
          : "Nothing could be held out, so it is not tested."
      ),
      ...model.metadata.notes.map((note) => h("p", { class: "note" }, note))
    ),
    ...(perClass.length === 0
      ? []
      : [
          card(
            "By class",
            h("p", { class: "hint" }, "F1: how well a class is found and not confused, from 0 to 100 %."),
            bars(
              perClass.map(([name, { f1_score, support }]) => ({
                name,
                share: support > 0 ? f1_score : 0,
                note: support > 0 ? `${percent(f1_score)} of ${support}` : "not tested"
              }))
            )
          )
        ]),
    ...(heldOut === 0
      ? []
      : [
          card(
            "What is taken for what",
            h("p", { class: "hint" }, "Each row is a true class; each column what the model said."),
            confusion(model.classes, matrix)
          )
        ]),
    ...(loss.length === 0
      ? []
      : [
          card(
            "How it learned",
            lines(
              "Loss",
              [
                { name: "training", values: loss },
                { name: "validation", values: val_loss }
              ],
              { x: "epoch" }
            ),
            lines(
              "Accuracy",
              [
                { name: "training", values: accuracy },
                { name: "validation", values: val_accuracy }
              ],
              { x: "epoch", from: 0, to: 1 }
            )
          )
        ])
  ]
}

const figure = (name: string, value: number | null, interval: Interval | undefined): Array<HTMLElement> => [
  h("dt", {}, name),
  h(
    "dd",
    {},
    h("strong", {}, percent(value)),
    interval === undefined ? "" : h("span", {}, ` ${percent(interval.low)} to ${percent(interval.high)}`)
  )
]

const historyCards = (models: ReadonlyArray<Version>): Array<HTMLElement> => {
  const tested = models.filter(({ macroF1 }) => macroF1 !== null).toReversed()
  if (tested.length < 2) return []
  return [
    card(
      "Over versions",
      lines(
        "Scores of each version on its own held-out recordings",
        [
          { name: "macro-F1", values: tested.map(({ macroF1 }) => macroF1 ?? 0) },
          { name: "accuracy", values: tested.map(({ accuracy }) => accuracy ?? 0) }
        ],
        { x: "version", from: 0, to: 1 }
      )
    )
  ]
}
