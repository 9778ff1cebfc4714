import type { Answer, service } from "../api.ts"
import { h } from "./elements.ts"
import { counted, percent } from "./format.ts"
import { table } from "./table.ts"

/** What a run came to, in a word: a model that was refused is no success. */
export const statusOf = ({
  status,
  result
}: Pick<Answer<typeof service.runs.get>["runs"][number], "status" | "result">) => {
  if (status !== "finished" || result === null) return h("span", { class: `tag ${status}` }, status)
  return result.promoted
    ? h("span", { class: "tag promoted" }, "promoted")
    : h("span", { class: "tag refused" }, "not promoted")
}

type Field = NonNullable<NonNullable<Answer<ReturnType<typeof service.runs>["get"]>["summary"]>["field"]>

/** How the model hears in the field: what share of a class's events it finds at so many false alarms an hour. */
const inField = ({ judgedBy, hours, events, rates, recallAtAlarms, perClass }: Field): ReadonlyArray<HTMLElement> => {
  const shares = (recalls: Field["recallAtAlarms"]) => recalls.map((recall) => percent(recall?.value))
  return [
    h("h3", {}, "In the field"),
    h(
      "p",
      { class: "hint" },
      `${counted(events, "event")} in ${hours.toFixed(1)} hours of ${judgedBy === "recordings" ? "annotated recordings" : "soundscape"}; found at so many false alarms an hour:`
    ),
    table(
      "In the field",
      ["Class", "Events", ...rates.map(String), "Average precision"],
      [
        ...perClass.map((one) => [
          one.className,
          String(one.events),
          ...shares(one.recallAtAlarms),
          percent(one.averagePrecision?.value)
        ]),
        ...(perClass.length > 1 ? [["All", String(events), ...shares(recallAtAlarms), "–"]] : [])
      ]
    )
  ]
}

/** Recordings and what is to be said of each; nothing where there are none. */
const namedList = (title: string, lines: ReadonlyArray<string>): ReadonlyArray<HTMLElement> =>
  lines.length === 0 ? [] : [h("h3", {}, title), h("ul", {}, ...lines.map((line) => h("li", {}, line)))]

/** What a run came to, in full, so far as it has ended. */
export const reportOf = (run: Answer<ReturnType<typeof service.runs>["get"]>): ReadonlyArray<HTMLElement> => {
  const { summary } = run
  const lead = [
    h("p", {}, statusOf(run), ` ${run.outcome ?? ""}`),
    h("p", { class: "hint" }, `Reason: ${run.trigger ?? "not given"}`)
  ]
  if (summary === null) return lead
  const { holdout, skipped, silent, noted = [], field, keras } = summary
  const facts = [
    ["Recordings", `${summary.recordings} (${summary.embedded} new, ${summary.reused} known)`],
    ["Variants", String(summary.variants)],
    ["Held out", String(holdout.recordings)],
    ["Accuracy", percent(holdout.accuracy)],
    ["Macro-F1", percent(holdout.macroF1)],
    ...(keras === undefined
      ? []
      : [["yamnet_classifier.keras", `accuracy ${percent(keras.accuracy)}, macro-F1 ${percent(keras.macroF1)}`]]),
    ["Time", `${summary.seconds.total.toFixed(1)} s on ${summary.engine.adapter}`]
  ]
  return [
    ...lead,
    table("What the run came to", ["", ""], facts),
    ...(field ? inField(field) : []),
    ...summary.notes.map((note) => h("p", { class: "note" }, note)),
    ...namedList(
      `${counted(skipped.length, "recording")} left out`,
      skipped.map(({ key, reason }) => `${key}: ${reason}`)
    ),
    ...namedList(`${counted(silent.length, "recording")} without sound: see Review`, silent),
    ...namedList(
      `${counted(noted.length, "recording")} not read as usual`,
      noted.map(({ key, note }) => `${key}: ${note}`)
    )
  ]
}
