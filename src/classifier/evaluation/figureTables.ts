import { ALARM_RATES } from "../../config/alarmRates.ts"
import { counted } from "../../config/inWords.ts"
import type { Evaluation } from "./evaluation.ts"
import type { Figure } from "./figures.ts"
import type { PartFigures } from "./partFigures.ts"

/** `0.712 (0.65 to 0.78)`; a dash for what could not be measured. */
export const describeFigure = (figure: Figure | null): string =>
  figure === null ? "-" : `${figure.value.toFixed(3)} (${figure.low.toFixed(2)} to ${figure.high.toFixed(2)})`

/** `+0.041 (-0.02 to +0.10)` */
export const describeDifference = ({ value, low, high }: Figure): string => {
  const signed = (number: number, digits: number) => `${number < 0 ? "" : "+"}${number.toFixed(digits)}`
  return `${signed(value, 3)} (${signed(low, 2)} to ${signed(high, 2)})`
}

/** Heads by their figures: a row each. */
export const headTable = ({ heads, differences }: Evaluation): ReadonlyArray<ReadonlyArray<string>> => [
  ["head", "macro-F1", "accuracy", "log loss", "calibration error", `macro-F1 less ${heads[0]!.head}'s`, "seconds"],
  ...heads.map(({ head, macroF1, accuracy, logLoss, calibrationError, seconds }) => {
    const difference = differences.find((one) => one.head === head)
    return [
      head,
      describeFigure(macroF1),
      describeFigure(accuracy),
      describeFigure(logLoss),
      describeFigure(calibrationError),
      difference === undefined ? "-" : describeDifference(difference.macroF1),
      seconds.toFixed(1)
    ]
  })
]

/** Classes by heads: recall, and recall at each rate of false alarms. */
export const classTable = ({ heads }: Evaluation): ReadonlyArray<ReadonlyArray<string>> => [
  ["class", "head", "recordings", "sources", "recall", ...ALARM_RATES.map((rate) => `recall at ${rate}/h`)],
  ...heads[0]!.classes.flatMap(({ className }, label) =>
    heads.map(({ head, classes }) => {
      const own = classes[label]!
      const atRates = own.recallAtAlarms ?? ALARM_RATES.map(() => null)
      return [
        className,
        head,
        String(own.recordings),
        String(own.sources),
        describeFigure(own.recall),
        ...atRates.map(describeFigure)
      ]
    })
  )
]

/** Parts by heads, a row each, and each head's mean over parts. */
export const partTable = (parts: ReadonlyArray<PartFigures>): ReadonlyArray<ReadonlyArray<string>> => [
  ["left out", "head", "recordings", "sources", "macro-F1", "log loss"],
  ...parts.map(({ part, head, recordings, sources, macroF1, logLoss: loss }) => [
    part,
    head,
    String(recordings),
    String(sources),
    describeFigure(macroF1),
    describeFigure(loss)
  ]),
  ...Map.groupBy(parts, ({ head }) => head)
    .entries()
    .map(([head, own]) => {
      const mean = (of: (figures: PartFigures) => number) =>
        (own.reduce((sum, figures) => sum + of(figures), 0) / own.length).toFixed(3)
      return ["mean", head, "", "", mean(({ macroF1 }) => macroF1.value), mean(({ logLoss: loss }) => loss.value)]
    })
]

/** What the intervals and rates are, in two sentences. */
export const explain = ({ folds, repeats, sources, recordings, resamples, background, parts }: Evaluation): string =>
  `${counted(recordings, "recording")} of ${counted(sources, "source")}; ${repeats} times ${folds} ${parts === undefined ? "folds" : "parts"}, ` +
  `no source on two sides; in brackets, ` +
  `95 % of the values when the sources are drawn anew (${resamples} times). ` +
  `False alarms are counted in ${(background.hours * 60).toFixed(1)} minutes of ` +
  `${background.className === null ? "other classes' recordings" : `"${background.className}"`}, and told for an hour.`
