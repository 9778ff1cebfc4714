import { csvOf } from "../../service/csv.ts"
import { type Answer, reasonOf, saveAs, send, service } from "../api.ts"
import type { Page } from "../page.ts"
import { bars } from "../parts/chart.ts"
import { dropZone } from "../parts/dropZone.ts"
import { card, h, wideCard } from "../parts/elements.ts"
import { counted, hoursOf, lengthOf, percent } from "../parts/format.ts"
import { player } from "../parts/player.ts"
import { table } from "../parts/table.ts"

type Prediction = Answer<typeof service.predict.post>

/** What the model in use said of a file, or why it said nothing. */
interface Outcome {
  readonly file: File
  readonly prediction?: Prediction
  readonly reason?: string
}

/** Asks the model in use what recordings are, by the thresholds that it came with. */
export const tryPage = async (): Promise<Page> => {
  const answer = h("div", { "aria-live": "polite" })
  const stage = h("div", {})
  const list = h("div", {})
  const show = ({ file, prediction, reason }: Outcome) => {
    stage.replaceChildren(h("div", { class: "card" }, player(file.name, file)))
    answer.replaceChildren(
      ...(prediction === undefined ? [h("p", { class: "problem", role: "alert" }, reason ?? "")] : answerOf(prediction))
    )
  }
  let turn = 0
  const askAll = async (files: ReadonlyArray<File>) => {
    const own = ++turn
    const outcomes: Array<Outcome> = []
    stage.replaceChildren()
    list.replaceChildren()
    for (const file of files) {
      answer.replaceChildren(h("p", {}, `Listening to ${file.name} …`))
      const outcome = await predict(file)
      // Other files have been chosen meanwhile.
      if (own !== turn) return
      outcomes.push(outcome)
      if (files.length > 1) list.replaceChildren(resultsCard(outcomes, files.length, show))
    }
    if (files.length === 1) show(outcomes[0]!)
    else answer.replaceChildren(h("p", {}, `${heardOf(outcomes, files.length)} See below.`))
  }
  return {
    content: h(
      "div",
      { class: "columns" },
      card(
        "What is it?",
        h("p", {}, "Recordings are classified by the model in use, and not kept."),
        dropZone("Drop recordings here, or choose them", true, (files) => {
          if (files.length > 0) void askAll(files)
        }),
        answer
      ),
      stage,
      h("div", { class: "wide" }, list)
    ),
    leave: () => {
      turn++
    }
  }
}

const route = { "~path": `${service.predict["~path"]}?unknown=1`, post: service.predict.post }

const predict = async (file: File): Promise<Outcome> => {
  const form = new FormData()
  form.append("file", file)
  try {
    return { file, prediction: await send(route, form) }
  } catch (error) {
    return { file, reason: reasonOf(error) }
  }
}

const answerOf = (prediction: Prediction): ReadonlyArray<HTMLElement> => {
  const {
    predicted_class,
    likeliest_class = predicted_class,
    threshold = 0,
    confidence,
    all_probabilities
  } = prediction
  const isUnsure = predicted_class !== likeliest_class
  return [
    h(
      "p",
      { class: "verdict" },
      h("strong", {}, isUnsure ? "Not sure" : predicted_class),
      isUnsure ? ` – perhaps ${likeliest_class}, ${percent(confidence)}` : ` with ${percent(confidence)}`
    ),
    ...(threshold === 0
      ? []
      : [
          h(
            "p",
            { class: isUnsure ? "note" : "hint" },
            `This model names ${likeliest_class} from ${percent(threshold)} on; below that, it says unknown.`
          )
        ]),
    ...(prediction.events === undefined ? [] : eventsOf(prediction.events, prediction.seconds_heard)),
    bars(
      Object.entries(all_probabilities)
        .sort(([, a], [, b]) => b - a)
        .map(([name, share]) => ({ name, share, strong: name === predicted_class }))
    ),
    h("p", { class: "hint" }, `Answered in ${Math.round(1000 * prediction.processing_time)} ms.`)
  ]
}

/** Events of a long recording that are listed; the answer as a file has all. */
const MOST_EVENTS = 100

const eventsOf = (events: NonNullable<Prediction["events"]>, seconds: number): ReadonlyArray<HTMLElement> => {
  const rows = events
    .slice(0, MOST_EVENTS)
    .map(({ start, end, class: name, peak }) => [name, `${lengthOf(start)} to ${lengthOf(end)}`, percent(peak)])
  return [
    h("p", {}, `${counted(events.length, "event")} in ${hoursOf(seconds)}; the figures below are where it is surest.`),
    ...(rows.length === 0 ? [] : [table("Events", ["Is", "From and to", "With"], rows)]),
    ...(events.length > MOST_EVENTS ? [h("p", { class: "hint" }, `And ${events.length - MOST_EVENTS} more.`)] : [])
  ]
}

const heardOf = (outcomes: ReadonlyArray<Outcome>, total: number): string => {
  const count = outcomes.filter(({ prediction }) => prediction !== undefined).length
  const not = outcomes.length - count
  return `${count} of ${counted(total, "recording")} heard${not === 0 ? "" : `, ${not} refused`}.`
}

const resultsCard = (outcomes: ReadonlyArray<Outcome>, total: number, show: (outcome: Outcome) => void) => {
  const rows = outcomes.map((outcome) => {
    const { file, prediction, reason } = outcome
    const name = h("button", { class: "link", click: () => show(outcome) }, file.name)
    return prediction === undefined
      ? [name, h("span", { class: "problem" }, reason ?? ""), "", ""]
      : [
          name,
          prediction.predicted_class,
          percent(prediction.confidence),
          prediction.events === undefined ? "" : counted(prediction.events.length, "event")
        ]
  })
  const save = () => {
    const head = ["file", "predicted_class", "likeliest_class", "confidence", "seconds_heard", "problem"]
    const lines = outcomes.map(({ file, prediction, reason }) => [
      file.name,
      prediction?.predicted_class ?? "",
      prediction?.likeliest_class ?? "",
      prediction?.confidence.toFixed(4) ?? "",
      prediction?.seconds_heard.toFixed(2) ?? "",
      reason ?? ""
    ])
    saveAs(new Blob([csvOf([head, ...lines])], { type: "text/csv" }), "predictions.csv")
  }
  return wideCard(
    "Answers",
    h("p", { role: "status" }, heardOf(outcomes, total)),
    table("Answers", ["Recording", "Is", "With", "Events"], rows),
    h("button", { disabled: outcomes.length < total, click: save }, "Download as CSV")
  )
}
