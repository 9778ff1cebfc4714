import type { HeadDescription } from "../heads/head.ts"

/** As much of a training sample as says what it weighs. */
export interface Weighed {
  readonly label: number
  /** What it was cut from, together with others perhaps. */
  readonly source: string
}

const POWERS = {
  balance: { balanced: 1, root: 0.5, none: 0 },
  sources: { same: 1, root: 0.5, "by samples": 0 }
} as const

/**
 * What the loss of each sample weighs, 1 on average: first each source among those of its class, by its samples, by their
 * root, or as much as any other; then, as scikit-learn has it, each class among all.
 */
export const weightsOf = (
  samples: ReadonlyArray<Weighed>,
  { balance, sources }: Pick<HeadDescription, "balance" | "sources">
): Float32Array => {
  const sourceOf = ({ label, source }: Weighed) => `${label} ${source}`
  const ofSources = totals(samples, sourceOf, () => 1)
  const within = samples.map((sample) => ofSources.get(sourceOf(sample))! ** -POWERS.sources[sources])
  const counts = totals(
    samples,
    ({ label }) => label,
    () => 1
  )
  const sums = totals(
    samples,
    ({ label }) => label,
    (_, at) => within[at]!
  )
  // A class's weight is that of all its samples together, however it is spread over them.
  const weights = samples.map(
    ({ label }, at) => (within[at]! / sums.get(label)!) * counts.get(label)! ** (1 - POWERS.balance[balance])
  )
  const mean = weights.reduce((sum, weight) => sum + weight, 0) / samples.length
  return Float32Array.from(weights, (weight) => weight / mean)
}

const totals = <K>(
  samples: ReadonlyArray<Weighed>,
  keyOf: (sample: Weighed) => K,
  amountOf: (sample: Weighed, at: number) => number
): ReadonlyMap<K, number> => {
  const sums = new Map<K, number>()
  for (const [at, sample] of samples.entries()) {
    const key = keyOf(sample)
    sums.set(key, (sums.get(key) ?? 0) + amountOf(sample, at))
  }
  return sums
}
