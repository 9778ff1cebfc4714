import { ALARM_RATES } from "../../../config/alarmRates.ts"
import { counted } from "../../../config/inWords.ts"
import { describeDifference, describeFigure } from "../figureTables.ts"
import { COMPARED_RATE, type FieldEvaluation } from "./fieldEvaluation.ts"
import type { FieldClass, FieldFigures } from "./fieldFigures.ts"

const AT_RATES = ALARM_RATES.map((rate) => `found at ${rate}/h`)

const cells = ({ className, events, sources, recallAtAlarms, averagePrecision }: FieldClass): ReadonlyArray<string> => [
  className,
  String(events),
  String(sources),
  ...recallAtAlarms.map(describeFigure),
  describeFigure(averagePrecision)
]

/** Classes of one classifier: what it hears of each. */
export const fieldTable = ({ classes, recallAtAlarms }: FieldFigures): ReadonlyArray<ReadonlyArray<string>> => [
  ["class", "events", "sources", ...AT_RATES, "average precision"],
  ...classes.map(cells),
  ...(classes.length > 1 ? [["all classes", "", "", ...recallAtAlarms.map(describeFigure), ""]] : [])
]

/** Classes of each head and, where there are several, part. */
export const fieldHeadsTable = ({ heads }: FieldEvaluation): ReadonlyArray<ReadonlyArray<string>> => [
  ["heard by", "part", "class", "events", "sources", ...AT_RATES, "average precision"],
  ...heads.flatMap(({ head, figures, parts }) =>
    [{ part: parts.length > 0 ? "all" : "", figures }, ...parts].flatMap(({ part, figures: own }) =>
      fieldTable(own)
        .slice(1)
        .map((row) => [head, part, ...row])
    )
  )
]

/** Classes by bands of signal-to-noise ratio, all parts together; undefined of field recordings, of which nobody knows it. */
export const bandTable = ({ heads }: FieldEvaluation): ReadonlyArray<ReadonlyArray<string>> | undefined => {
  const rows = heads.flatMap(({ head, figures }) =>
    figures.classes.flatMap(({ className, bands }) =>
      bands.map(({ from, to, events, recallAtAlarms }) => [
        head,
        className,
        `${from} to ${to} dB`,
        String(events),
        ...recallAtAlarms.map(describeFigure)
      ])
    )
  )
  return rows.length === 0 ? undefined : [["heard by", "class", "ratio", "events", ...AT_RATES], ...rows]
}

/** What the field figures are of. */
export const explainField = ({ snr, heads, perHour }: FieldEvaluation): string => {
  const { hours, events, sources, judgedBy } = heads[0]!.figures
  const heard =
    judgedBy === "recordings"
      ? `${hours.toFixed(1)} hours of annotated field recordings of ${counted(sources, "source")} left out: ${counted(events, "event")}, window by window`
      : `${hours.toFixed(1)} hours of soundscape that were made of ${counted(sources, "source")} left out: ${counted(events, "event")} ` +
        `(up to ${perHour} an hour) at ${snr[0]} to ${snr[1]} dB in their own background, window by window`
  return (
    `Heard in ${heard}. The share found where a class's own false alarms are as many an hour; in brackets, 95 % of the ` +
    `values when the sources are drawn anew.`
  )
}

/** Each head less the first. */
export const describeFieldDifferences = ({ differences }: FieldEvaluation): ReadonlyArray<string> =>
  differences.map(({ head, over, candidate, promoted, interval }) => {
    const difference = describeDifference({ value: candidate - promoted, ...interval })
    return `${head} less ${over}, on the same sound: found at ${COMPARED_RATE}/h ${difference}.`
  })
