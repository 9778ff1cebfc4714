import { type ConfidenceInterval, drawGroups, percentileInterval } from "./bootstrap.ts"
import { countByClass, macroF1 } from "./macroF1.ts"

// How sure the figures of a version are, whose recordings are known by its confusion matrix alone. Read by browsers, too.

/** Wilson's 95 % interval for a share of `count`; right also for few recordings and for shares near 0 and 1. */
export const wilson = (share: number, count: number): ConfidenceInterval => {
  const z = 1.959964
  const middle = (share + (z * z) / (2 * count)) / (1 + (z * z) / count)
  const half = (z / (1 + (z * z) / count)) * Math.sqrt((share * (1 - share)) / count + (z * z) / (4 * count * count))
  return { low: Math.max(0, middle - half), high: Math.min(1, middle + half) }
}

const RESAMPLES = 1000

/** The percentile bootstrap's 95 % interval of macro-F1; a matrix (rows: true classes) knows no sources, so each recording is drawn by itself. */
export const macroF1Interval = (confusion: ReadonlyArray<ReadonlyArray<number>>): ConfidenceInterval => {
  const recordings = confusion.flatMap((row, label) =>
    row.flatMap((count, taken) => Array.from({ length: count }, () => ({ label, taken })))
  )
  const labels = recordings.map(({ label }) => label)
  const predicted = recordings.map(({ taken }) => taken)
  const draws = drawGroups(Array.from(labels.keys(), String), RESAMPLES)
  const scores = draws.map((counts) => macroF1(countByClass(confusion.length, labels, predicted, counts)))
  return percentileInterval([...scores])
}
