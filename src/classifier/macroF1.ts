// Imports nothing, so that pages in browsers count as the rest does.

/** How often each recording counts; resampling draws some twice and others not at all. */
export type Counts = ArrayLike<number>

/** Recordings by class: how many there are, how many were taken for it, and how many of those rightly. */
export interface ClassCounts {
  readonly support: Float64Array
  readonly taken: Float64Array
  readonly hits: Float64Array
}

const noneOf = (classes: number): ClassCounts => ({
  support: new Float64Array(classes),
  taken: new Float64Array(classes),
  hits: new Float64Array(classes)
})

/** Counts recordings by class; what was not predicted (-1) does not count. */
export const countByClass = (
  classes: number,
  labels: ArrayLike<number>,
  predicted: ArrayLike<number>,
  counts: Counts
): ClassCounts => {
  const { support, taken, hits } = noneOf(classes)
  for (let row = 0; row < labels.length; row++) {
    const guess = predicted[row]!
    if (guess < 0) continue
    support[labels[row]!]! += counts[row]!
    taken[guess]! += counts[row]!
    if (guess === labels[row]) hits[guess]! += counts[row]!
  }
  return { support, taken, hits }
}

/** The same from a confusion matrix: a row for each true class, a column for each predicted one. */
export const countsIn = (confusion: ReadonlyArray<ReadonlyArray<number>>): ClassCounts => {
  const { support, taken, hits } = noneOf(confusion.length)
  for (const [label, row] of confusion.entries()) {
    hits[label] = row[label]!
    for (const [guess, count] of row.entries()) {
      support[label]! += count
      taken[guess]! += count
    }
  }
  return { support, taken, hits }
}

/** A class's F1: 0 where nothing is of it or taken for it, as in scikit-learn. */
export const f1Of = ({ support, taken, hits }: ClassCounts, label: number): number => {
  const either = support[label]! + taken[label]!
  return either === 0 ? 0 : (2 * hits[label]!) / either
}

/** The mean F1 of the classes that have recordings; NaN if none has. */
export const macroF1 = (counts: ClassCounts): number => {
  let sum = 0
  let supported = 0
  for (let label = 0; label < counts.support.length; label++) {
    if (counts.support[label] === 0) continue
    supported++
    sum += f1Of(counts, label)
  }
  return sum / supported
}
