import { drawGroups, type Interval, intervalOf } from "./bootstrap.ts"
import { meanF1, tally } from "./tally.ts"

// What a confusion matrix (rows: true classes) tells, and how surely. Read by browsers, too.

type Confusion = ReadonlyArray<ReadonlyArray<number>>

/** Wilson's 95 % interval for a share of `count`; right also for few recordings and for shares near 0 and 1. */
export const wilson = (share: number, count: number): Interval => {
  const z = 1.959964
  const middle = (share + (z * z) / (2 * count)) / (1 + (z * z) / count)
  const half = (z / (1 + (z * z) / count)) * Math.sqrt((share * (1 - share)) / count + (z * z) / (4 * count * count))
  return { low: Math.max(0, middle - half), high: Math.min(1, middle + half) }
}

/** The mean F1 of the classes that have recordings; NaN if none has. */
export const macroF1 = (confusion: Confusion): number => {
  const { labels, predicted } = recordingsOf(confusion)
  return meanF1(
    tally(
      confusion.length,
      labels,
      predicted,
      labels.map(() => 1)
    )
  )
}

const RESAMPLES = 1000

/** The percentile bootstrap's 95 % interval of macro-F1; a matrix does not know sources, so recordings are drawn singly. */
export const macroF1Interval = (confusion: Confusion): Interval => {
  const { labels, predicted } = recordingsOf(confusion)
  const draws = drawGroups(
    labels.map((_, at) => String(at)),
    RESAMPLES
  )
  return intervalOf([...draws.map((counts) => meanF1(tally(confusion.length, labels, predicted, counts)))])
}

/** Each recording's true class and the one that it was taken for. */
const recordingsOf = (confusion: Confusion) => {
  const pairs = confusion.flatMap((row, label) =>
    row.flatMap((count, at) => Array.from({ length: count }, () => ({ label, at })))
  )
  return { labels: pairs.map(({ label }) => label), predicted: pairs.map(({ at }) => at) }
}
