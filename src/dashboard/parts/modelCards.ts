import type { ConfidenceInterval } from "../../classifier/bootstrap.ts"
import { type Answer, download, service } from "../api.ts"
import { bars, confusionTable, lines } from "./chart.ts"
import { card, h } from "./elements.ts"
import { counted, percent, timeOf } from "./format.ts"
import { attempt } from "./toast.ts"

type Model = Answer<ReturnType<typeof service.models>["get"]>

/** A version's figures, errors and learning curves, as far as there are any. */
export const modelCards = (model: Model): ReadonlyArray<HTMLElement> => {
  const heldOut = model.confusion.flat().reduce((sum, count) => sum + count, 0)
  return [
    scores(model, heldOut),
    ...(Object.keys(model.perClass).length > 0 ? [byClass(model)] : []),
    ...(heldOut > 0 ? [mistakes(model)] : []),
    ...(model.history.loss !== undefined ? [learning(model)] : []),
    files(model)
  ]
}

/** A version's files that other programs use, and what each is. */
const FILES = [
  ["yamnet_classifier.keras", "A classifier for Keras, on YAMNet's embeddings"],
  ["ecosight.onnx", "All of it as ONNX: sound in, probabilities out"],
  ["ecosight.tflite", "The same for TensorFlow Lite: telephones, single-board computers"],
  ["ecosight_int8.tflite", "The same with its network in 8 bits, for small devices"],
  ["certificate.json", "What each file is worth beside what is served, on the recordings held out"],
  ["classifier.onnx", "The classifier that is served, alone as ONNX"],
  ["class_names.json", "The classes, in the order of the probabilities"],
  ["model_metadata.json", "What it is and where it comes from"]
] as const

const files = ({ runId }: Model) =>
  card(
    "Download",
    h(
      "ul",
      { class: "downloads" },
      ...FILES.map(([name, what]) => {
        const path = service.models({ id: runId }).files({ file: name })["~path"]
        return h(
          "li",
          {},
          h("button", { class: "file", click: () => void attempt(() => download(path, name)) }, name),
          h("span", { class: "hint" }, what)
        )
      })
    )
  )

const scores = (
  { runId, state, recordings, classes, accuracy, macroF1, intervals, metadata }: Model,
  heldOut: number
) =>
  card(
    state === "promoted" ? "The model in use" : "Version",
    h(
      "p",
      {},
      `Trained ${timeOf(runId)} from ${counted(recordings, "recording")} of ${counted(classes.length, "class", "classes")}.`
    ),
    h(
      "dl",
      { class: "figures" },
      ...figure("Accuracy", accuracy, intervals?.accuracy),
      ...figure("Macro-F1", macroF1, intervals?.macroF1)
    ),
    h(
      "p",
      { class: "hint" },
      heldOut > 0
        ? `Measured on ${counted(heldOut, "recording")} that it was not trained from${sourcesOf(intervals)}`
        : "Nothing could be held out, so it is not tested."
    ),
    ...metadata.notes.map((note) => h("p", { class: "note" }, note))
  )

/** How far the figures may be trusted; versions of old do not tell of their sources. */
const sourcesOf = (intervals: Model["intervals"]): string =>
  intervals === undefined
    ? "."
    : `, cut from ${counted(intervals.sources, "source")}. The range is where 95 % of the figures lie when these sources are drawn anew; more sources make it narrower.`

const figure = (name: string, value: number | null, interval: ConfidenceInterval | undefined) => [
  h("dt", {}, name),
  h(
    "dd",
    {},
    h("strong", {}, percent(value)),
    // Where every source fares alike there is nothing to draw.
    interval === undefined || interval.low === interval.high
      ? ""
      : h("span", {}, ` ${percent(interval.low)} to ${percent(interval.high)}`)
  )
]

const byClass = ({ perClass }: Model) =>
  card(
    "By class",
    h("p", { class: "hint" }, "F1: how well a class is found and not confused, from 0 to 100 %."),
    bars(
      Object.entries(perClass).map(([name, { f1_score, support }]) => ({
        name,
        share: support > 0 ? f1_score : 0,
        note: support > 0 ? `${percent(f1_score)} of ${support}` : "not tested"
      }))
    )
  )

const mistakes = ({ classes, confusion }: Model) =>
  card(
    "What is taken for what",
    h("p", { class: "hint" }, "Each row is a true class; each column what the model said."),
    confusionTable(classes, confusion)
  )

const learning = ({ history: { loss = [], val_loss = [], accuracy = [], val_accuracy = [] } }: Model) => {
  const curves = (training: ReadonlyArray<number>, validation: ReadonlyArray<number>) => [
    { name: "training", values: training },
    { name: "validation", values: validation }
  ]
  return card(
    "How it learned",
    lines("Loss", curves(loss, val_loss), { x: "epoch" }),
    lines("Accuracy", curves(accuracy, val_accuracy), { x: "epoch", from: 0, to: 1 })
  )
}
