import { ALARM_RATES } from "../../config/alarmRates.ts"
import { type ConfidenceInterval, drawGroups, percentileInterval } from "../bootstrap.ts"
import type { Counts } from "../macroF1.ts"
import { type Alarms, alarmCurve, alarmsOf, type Background, recallsAt } from "./alarms.ts"
import {
  accuracy,
  calibrationError,
  logLoss,
  meanMacroF1,
  type Outcomes,
  type Reliability,
  recalls,
  reliability
} from "./outcomes.ts"

/** A figure and where 95 % of its values lie when the sources are drawn anew; null where nothing could be measured. */
export interface Figure extends ConfidenceInterval {
  readonly value: number
}

/** How a head fares on one class. */
export interface ClassFigures {
  readonly className: string
  readonly recordings: number
  readonly sources: number
  readonly recall: Figure | null
  /** The share found at each of `ALARM_RATES` false alarms an hour; null for the background itself. */
  readonly recallAtAlarms: ReadonlyArray<Figure | null> | null
  readonly curve: ReadonlyArray<{ readonly perHour: number; readonly recall: number }>
}

/** How a head fares. */
export interface HeadFigures {
  readonly head: string
  readonly macroF1: Figure
  readonly accuracy: Figure
  readonly logLoss: Figure
  readonly calibrationError: Figure
  readonly classes: ReadonlyArray<ClassFigures>
  /** Counts of all repeats over their number: rows are true classes, columns predicted ones. */
  readonly confusion: ReadonlyArray<ReadonlyArray<number>>
  readonly reliability: Reliability
  readonly seconds: number
}

/** Measures one or more figures on all recordings and on each resample of them. */
export type Measure = (of: (counts: Counts) => ReadonlyArray<number>) => ReadonlyArray<Figure | null>

/** Measures on recordings of these groups (sources), drawn anew so often. */
export const measureOn = (groups: ReadonlyArray<string>, resamples: number): Measure => {
  const draws = [...drawGroups(groups, resamples)]
  return (of) => {
    const drawn = draws.map(of)
    return of(eachOnce(groups.length)).map((value, at) =>
      Number.isNaN(value) ? null : { value, ...percentileInterval(drawn.map((values) => values[at]!)) }
    )
  }
}

/** Every recording counted once. */
export const eachOnce = (recordings: number): Counts => new Uint16Array(recordings).fill(1)

/** The figures of a head that was tested; `sizes` are each class's recordings and sources. */
export const headFigures = (
  { head, seconds, outcomes }: { readonly head: string; readonly seconds: number; readonly outcomes: Outcomes },
  sizes: ReadonlyArray<Pick<ClassFigures, "recordings" | "sources">>,
  background: Background,
  measure: Measure
): HeadFigures => {
  const [macroF1, accurate, loss, apart] = measure((counts) =>
    [meanMacroF1, accuracy, logLoss, calibrationError].map((of) => of(outcomes, counts))
  )
  const recall = measure((counts) => recalls(outcomes, counts))
  return {
    head,
    macroF1: macroF1!,
    accuracy: accurate!,
    logLoss: loss!,
    calibrationError: apart!,
    classes: outcomes.classes.map((className, label) => {
      const alarms = alarmsOf(outcomes, label, background)
      return {
        className,
        ...sizes[label]!,
        recall: recall[label]!,
        recallAtAlarms: alarms === undefined ? null : measure((counts) => recallsAt(alarms, ALARM_RATES, counts)),
        curve: curveOf(alarms)
      }
    }),
    confusion: confusionOf(outcomes),
    reliability: reliability(outcomes, eachOnce(outcomes.labels.length)),
    seconds
  }
}

const curveOf = (alarms: Alarms | undefined) => {
  if (alarms === undefined) return []
  const points = alarmCurve(alarms)
  const step = Math.max(1, Math.ceil(points.length / CURVE_POINTS))
  return points.filter((_, at) => at % step === 0 || at === points.length - 1)
}

// As many as a picture can show.
const CURVE_POINTS = 200

const confusionOf = ({ classes, labels, repeats }: Outcomes): ReadonlyArray<ReadonlyArray<number>> => {
  const counts = classes.map(() => classes.map(() => 0))
  for (const { predicted } of repeats) {
    predicted.forEach((guess, row) => {
      if (guess >= 0) counts[labels[row]!]![guess]! += 1
    })
  }
  return counts.map((row) => row.map((count) => count / repeats.length))
}
