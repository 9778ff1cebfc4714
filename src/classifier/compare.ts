import { seededRandom } from "../random.ts"

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
  const all = Array.from({ length: count }, (_, row) => row)
  const sources = [...Map.groupBy(all, (row) => groups[row]!).values()]
  const own = tally(classes.length, labels, candidate, all)
  const other = tally(classes.length, labels, promoted, all)
  const macroF1 = { candidate: meanF1(own), promoted: meanF1(other) }
  const random = seededRandom(0)
  const differences = Float64Array.from({ length: RESAMPLES }, () => {
    const drawn = sources.flatMap(() => sources[Math.floor(random() * sources.length)]!)
    return (
      meanF1(tally(classes.length, labels, candidate, drawn)) - meanF1(tally(classes.length, labels, promoted, drawn))
    )
  }).sort()
  return {
    recordings: count,
    macroF1,
    difference: macroF1.candidate - macroF1.promoted,
    interval: { low: quantile(differences, 0.025), high: quantile(differences, 0.975), resamples: RESAMPLES },
    recalls: classes.flatMap((className, label) => {
      const support = own.support[label]!
      if (support === 0) return []
      return [{ className, support, candidate: own.hits[label]! / support, promoted: other.hits[label]! / support }]
    })
  }
}

interface Tally {
  readonly support: Uint32Array
  readonly predicted: Uint32Array
  readonly hits: Uint32Array
}

const tally = (
  classes: number,
  labels: ArrayLike<number>,
  predictions: ArrayLike<number>,
  rows: ReadonlyArray<number>
): Tally => {
  const support = new Uint32Array(classes)
  const predicted = new Uint32Array(classes)
  const hits = new Uint32Array(classes)
  for (const row of rows) {
    const label = labels[row]!
    const prediction = predictions[row]!
    support[label]! += 1
    predicted[prediction]! += 1
    if (label === prediction) hits[label]! += 1
  }
  return { support, predicted, hits }
}

/** Over the classes that have recordings, as in `score`. */
const meanF1 = ({ support, predicted, hits }: Tally): number => {
  let sum = 0
  let supported = 0
  for (let label = 0; label < support.length; label++) {
    if (support[label] === 0) continue
    supported++
    sum += (2 * hits[label]!) / (support[label]! + predicted[label]!)
  }
  return sum / supported
}

// Linear between the nearest two, as numpy.quantile does.
const quantile = (sorted: Float64Array, share: number): number => {
  const at = share * (sorted.length - 1)
  const below = sorted[Math.floor(at)]!
  return below + (sorted[Math.ceil(at)]! - below) * (at - Math.floor(at))
}
