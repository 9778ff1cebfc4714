/** How often each recording counts; resampling draws some twice and others not at all. */
export type Counts = ArrayLike<number>

/** Recordings by class: how many there are, how many were taken for it, and how many of those rightly. */
export interface Tally {
  readonly support: Float64Array
  readonly taken: Float64Array
  readonly hits: Float64Array
}

/** Counts recordings; what was not predicted (-1) does not count. */
export const tally = (
  classes: number,
  labels: ArrayLike<number>,
  predicted: ArrayLike<number>,
  counts: Counts
): Tally => {
  const support = new Float64Array(classes)
  const taken = new Float64Array(classes)
  const hits = new Float64Array(classes)
  for (let row = 0; row < labels.length; row++) {
    const guess = predicted[row]!
    if (guess < 0) continue
    support[labels[row]!]! += counts[row]!
    taken[guess]! += counts[row]!
    if (guess === labels[row]) hits[guess]! += counts[row]!
  }
  return { support, taken, hits }
}

/** The mean F1 of the classes that have recordings; NaN if none has. */
export const meanF1 = ({ support, taken, hits }: Tally): number => {
  let sum = 0
  let supported = 0
  for (let label = 0; label < support.length; label++) {
    if (support[label] === 0) continue
    supported++
    sum += (2 * hits[label]!) / (support[label]! + taken[label]!)
  }
  return sum / supported
}
