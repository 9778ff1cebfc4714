import { type ConfidenceInterval, drawGroups, percentileInterval } from "../bootstrap.ts"
import type { Dataset } from "../dataset.ts"
import { type Alarms, alarmCurve, alarmsOf, type Background, backgroundOf, recallsAt } from "./alarms.ts"
import type { OutOfFold } from "./outOfFold.ts"
import {
  accuracy,
  calibrationError,
  logLoss,
  meanMacroF1,
  type Outcomes,
  outcomesOf,
  type Reliability,
  recalls,
  reliability
} from "./scores.ts"
import { worthOf } from "./worth.ts"

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

/** One head less another, on the same folds and draws. */
export interface HeadDifference {
  readonly head: string
  readonly over: string
  readonly macroF1: Figure
  readonly logLoss: Figure
}

/** What cross-validation says of some heads. */
export interface Evaluation {
  readonly recordings: number
  readonly sources: number
  readonly folds: number
  readonly repeats: number
  readonly resamples: number
  readonly background: { readonly className: string | null; readonly hours: number }
  readonly heads: ReadonlyArray<HeadFigures>
  /** Each head after the first, less the first. */
  readonly differences: ReadonlyArray<HeadDifference>
  /** What the figures are worth, a sentence each. */
  readonly notes: ReadonlyArray<string>
}

/** False alarms for each hour of background at which recall is told. */
export const ALARM_RATES = [1, 10, 60] as const

export interface EvaluationSettings {
  readonly folds: number
  readonly repeats: number
  /** The class that holds none of the sounds looked for; found by its name unless given. */
  readonly background: string | undefined
}

/**
 * Scores what heads made out of fold of the same recordings; undefined where none could be tested.
 *
 * @param seconds How long each recording is, by key.
 */
export const evaluateHeads = (
  dataset: Dataset,
  seconds: ReadonlyMap<string, number>,
  tested: ReadonlyArray<{ readonly head: string; readonly seconds: number; readonly result: OutOfFold }>,
  settings: EvaluationSettings
): Evaluation | undefined => {
  const { classes, samples, labels } = dataset
  const [{ result: first }] = tested as [(typeof tested)[0]]
  const groups = first.rows.map((row) => samples[row]!.group)
  const hours = Float64Array.from(first.rows, (row) => (seconds.get(samples[row]!.key) ?? 0) / 3600)
  const background: Background = { className: settings.background ?? backgroundOf(classes), hours }
  const heads = tested.map(({ head, seconds: took, result }) => {
    const outcomes = outcomesOf(classes, labels, result)
    const alarms = classes.map((_, label) => alarmsOf(outcomes, label, background))
    return { head, took, outcomes, alarms }
  })
  const whole = new Uint16Array(groups.length).fill(1)
  if (Number.isNaN(meanMacroF1(heads[0]!.outcomes, whole))) return undefined
  const resamples = resamplesFor(heads.length * first.probabilities.length * groups.length * classes.length)
  const draws = [...drawGroups(groups, resamples)]

  const figure = (of: (counts: ArrayLike<number>) => number): Figure | null => {
    const value = of(whole)
    return Number.isNaN(value) ? null : { value, ...percentileInterval(draws.map(of)) }
  }
  const sure = (of: (counts: ArrayLike<number>) => number): Figure => figure(of)!
  const figuresAt = (own: Alarms): ReadonlyArray<Figure | null> => {
    const drawn = draws.map((draw) => recallsAt(own, ALARM_RATES, draw))
    return recallsAt(own, ALARM_RATES, whole).map((value, rate) =>
      Number.isNaN(value) ? null : { value, ...percentileInterval(drawn.map((values) => values[rate]!)) }
    )
  }
  const counts = classes.map((_, label) => {
    const own = first.rows.flatMap((row, at) => (labels[row] === label ? [groups[at]!] : []))
    return { recordings: own.length, sources: new Set(own).size }
  })
  const results = heads.map(({ head, took, outcomes, alarms }): HeadFigures => {
    const drawnRecalls = draws.map((draw) => recalls(outcomes, draw))
    const recall = recalls(outcomes, whole)
    return {
      head,
      macroF1: sure((draw) => meanMacroF1(outcomes, draw)),
      accuracy: sure((draw) => accuracy(outcomes, draw)),
      logLoss: sure((draw) => logLoss(outcomes, draw)),
      calibrationError: sure((draw) => calibrationError(outcomes, draw)),
      classes: classes.map((className, label) => {
        const own = alarms[label]
        const value = recall[label]!
        return {
          className,
          ...counts[label]!,
          recall: Number.isNaN(value)
            ? null
            : { value, ...percentileInterval(drawnRecalls.map((drawn) => drawn[label]!)) },
          recallAtAlarms: own === undefined ? null : figuresAt(own),
          curve: curveOf(own)
        }
      }),
      confusion: confusionOf(outcomes),
      reliability: reliability(outcomes, whole),
      seconds: took
    }
  })
  const base = heads[0]!
  const differences = heads.slice(1).map(({ head, outcomes }): HeadDifference => {
    const less = (of: typeof meanMacroF1) => sure((draw) => of(outcomes, draw) - of(base.outcomes, draw))
    return { head, over: base.head, macroF1: less(meanMacroF1), logLoss: less(logLoss) }
  })
  const quiet = background.className
  const quietHours = hours.reduce(
    (sum, own, at) => sum + (quiet === undefined || samples[first.rows[at]!]!.className === quiet ? own : 0),
    0
  )
  return {
    recordings: first.rows.length,
    sources: new Set(groups).size,
    folds: settings.folds,
    repeats: settings.repeats,
    resamples,
    background: { className: quiet ?? null, hours: quietHours },
    heads: results,
    differences,
    notes: [...first.notes, ...worthOf(dataset), ...resolutionOf(quietHours, quiet), ...widthOf(results)]
  }
}

// Enough for a 2.5 % quantile, fewer where a resample is long: some seconds in all.
const resamplesFor = (work: number): number => Math.round(Math.min(1000, Math.max(200, 5e7 / Math.max(1, work))))

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

/** What so short a background cannot show. */
const resolutionOf = (hours: number, background: string | undefined): ReadonlyArray<string> => {
  const least = 1 / hours
  if (hours === 0 || least <= ALARM_RATES[0]) return []
  const of = background === undefined ? "recordings of other classes" : `"${background}"`
  return [
    `${duration(hours)} of background (${of}) cannot show fewer than ${least.toFixed(0)} false alarms an hour: ` +
      "recall at lower rates is that without any false alarm in it, and a longer recording may have some."
  ]
}

/** What an interval without width does not mean. */
const widthOf = (heads: ReadonlyArray<HeadFigures>): ReadonlyArray<string> =>
  heads.some(({ classes }) =>
    classes.some(({ recall, recallAtAlarms }) =>
      [recall, ...(recallAtAlarms ?? [])].some((figure) => figure !== null && figure.low === figure.high)
    )
  )
    ? ["An interval without width says that no recording here did otherwise, not that none ever will."]
    : []

const duration = (hours: number): string =>
  hours < 1 ? `${(hours * 60).toFixed(1)} minutes` : `${hours.toFixed(1)} hours`
