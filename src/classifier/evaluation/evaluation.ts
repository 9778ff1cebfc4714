import { ALARM_RATES } from "../../config/alarmRates.ts"
import { backgroundOf } from "../../store/className.ts"
import type { Dataset } from "../dataset.ts"
import type { AfarEvaluation } from "./afar/afarEvaluation.ts"
import type { Background } from "./alarms.ts"
import type { FieldEvaluation } from "./field/fieldEvaluation.ts"
import { eachOnce, type Figure, type HeadFigures, headFigures, measureOn } from "./figures.ts"
import { logLoss, meanMacroF1, outcomesOf } from "./outcomes.ts"
import type { OutOfFold } from "./outOfFold.ts"
import type { PartFigures } from "./partFigures.ts"
import type { UnknownEvaluation } from "./unknown/unknownFigures.ts"
import { worthOf } from "./worth.ts"

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
  /** The same for each part, where parts were left out instead of folds. */
  readonly parts?: ReadonlyArray<PartFigures>
  /** What the heads hear in the field, where that was asked for. */
  readonly field?: FieldEvaluation
  /** What the heads make of the recordings as heard from afar, where that was asked for. */
  readonly afar?: AfarEvaluation
  /** What they answer to sounds of no class, where that was asked for. */
  readonly unknown?: UnknownEvaluation
  /** What the figures are worth, a sentence each. */
  readonly notes: ReadonlyArray<string>
}

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
  const heads = tested.map((own) => ({ ...own, outcomes: outcomesOf(classes, labels, own.result) }))
  const [base] = heads as [(typeof heads)[0]]
  if (Number.isNaN(meanMacroF1(base.outcomes, eachOnce(groups.length)))) return undefined
  const resamples = resamplesFor(heads.length * first.probabilities.length * groups.length * classes.length)
  const measure = measureOn(groups, resamples)
  const sizes = classes.map((_, label) => {
    const own = first.rows.flatMap((row, at) => (labels[row] === label ? [groups[at]!] : []))
    return { recordings: own.length, sources: new Set(own).size }
  })
  const figures = heads.map((head) => headFigures(head, sizes, background, measure))
  const differences = heads.slice(1).map(({ head, outcomes }): HeadDifference => {
    const [macroF1, loss] = measure((counts) =>
      [meanMacroF1, logLoss].map((of) => of(outcomes, counts) - of(base.outcomes, counts))
    )
    return { head, over: base.head, macroF1: macroF1!, logLoss: loss! }
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
    heads: figures,
    differences,
    notes: [...first.notes, ...worthOf(dataset), ...resolutionOf(quietHours, quiet), ...widthOf(figures)]
  }
}

// Enough for a 2.5 % quantile, fewer where a resample is long: some seconds in all.
const resamplesFor = (work: number): number => Math.round(Math.min(1000, Math.max(200, 5e7 / Math.max(1, work))))

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
