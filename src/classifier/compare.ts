import { drawGroups, percentileInterval } from "./bootstrap.ts"
import { countByClass, macroF1 as macroF1Of } from "./macroF1.ts"

/** Two classifiers' scores on the same recordings, and what chance alone could make of the difference. */
export interface Comparison {
  readonly recordings: number
  readonly macroF1: { readonly candidate: number; readonly promoted: number }
  /** Candidate less promoted. */
  readonly difference: number
  /** Where 95 % of the differences lie when the sources are drawn anew. */
  readonly interval: { readonly low: number; readonly high: number; readonly resamples: number }
  /** Of the classes that have recordings here. */
  readonly recalls: ReadonlyArray<{
    readonly className: string
    readonly support: number
    readonly candidate: number
    readonly promoted: number
  }>
}

const RESAMPLES = 2_000

/**
 * Compares predictions for the same recordings; `labels`, `candidate` and `promoted` are places in `classes`, one for
 * each of at least one recording, and `groups` names the source that each was cut from.
 *
 * The interval is the percentile bootstrap, paired: each resample draws sources with all their recordings, and scores
 * both classifiers on them, so that what is hard for both cancels out (Efron and Tibshirani 1993, chapter 13). Recordings
 * of one source stand or fall together: drawn singly, they would make chance look small. The seed is fixed.
 */
export const comparePredictions = (
  classes: ReadonlyArray<string>,
  labels: ArrayLike<number>,
  candidate: ArrayLike<number>,
  promoted: ArrayLike<number>,
  groups: ReadonlyArray<string>
): Comparison => {
  const count = labels.length
  const once = new Uint16Array(count).fill(1)
  const own = countByClass(classes.length, labels, candidate, once)
  const other = countByClass(classes.length, labels, promoted, once)
  const macroF1 = { candidate: macroF1Of(own), promoted: macroF1Of(other) }
  const f1 = (predictions: ArrayLike<number>, counts: ArrayLike<number>) =>
    macroF1Of(countByClass(classes.length, labels, predictions, counts))
  const differences = drawGroups(groups, RESAMPLES).map((counts) => f1(candidate, counts) - f1(promoted, counts))
  return {
    recordings: count,
    macroF1,
    difference: macroF1.candidate - macroF1.promoted,
    interval: { ...percentileInterval([...differences]), resamples: RESAMPLES },
    recalls: classes.flatMap((className, label) => {
      const support = own.support[label]!
      if (support === 0) return []
      return [{ className, support, candidate: own.hits[label]! / support, promoted: other.hits[label]! / support }]
    })
  }
}
