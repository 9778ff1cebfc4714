export interface Interval {
  readonly low: number
  readonly high: number
}

/** Wilson's 95 % interval for a share of `count`; right also for few recordings and for shares near 0 and 1. */
export const wilson = (share: number, count: number): Interval => {
  const z = 1.959964
  const middle = (share + (z * z) / (2 * count)) / (1 + (z * z) / count)
  const half = (z / (1 + (z * z) / count)) * Math.sqrt((share * (1 - share)) / count + (z * z) / (4 * count * count))
  return { low: Math.max(0, middle - half), high: Math.min(1, middle + half) }
}

/** The mean of the classes' F1 in a confusion matrix (rows: true classes), over the classes that have recordings. */
export const macroF1 = (confusion: ReadonlyArray<ReadonlyArray<number>>): number => {
  const sum = (values: ReadonlyArray<number>) => values.reduce((total, value) => total + value, 0)
  const scores = confusion.flatMap((row, label) => {
    const support = sum(row)
    const predicted = sum(confusion.map((other) => other[label]!))
    return support === 0 ? [] : [(2 * row[label]!) / (support + predicted)]
  })
  return scores.length === 0 ? 0 : sum(scores) / scores.length
}

const RESAMPLES = 1000

/** The percentile bootstrap's 95 % interval of macro-F1: recordings drawn anew, as the confusion matrix has them. */
export const macroF1Interval = (confusion: ReadonlyArray<ReadonlyArray<number>>): Interval => {
  const cells = confusion.flatMap((row, label) =>
    row.flatMap((count, at) => Array.from({ length: count }, () => [label, at] as const))
  )
  let state = 1
  // A linear congruential generator (Numerical Recipes) is even enough here, and the same for every reader.
  const draw = (limit: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * limit)
  }
  const scores = Array.from({ length: RESAMPLES }, () => {
    const drawn = confusion.map((row) => row.map(() => 0))
    for (let i = 0; i < cells.length; i++) {
      const [label, at] = cells[draw(cells.length)]!
      drawn[label]![at]!++
    }
    return macroF1(drawn)
  }).sort((a, b) => a - b)
  return { low: scores[Math.floor(0.025 * RESAMPLES)]!, high: scores[Math.floor(0.975 * RESAMPLES)]! }
}
