import type { HeadDescription } from "../heads/head.ts"

/** As much of a training sample as says what it weighs. */
export interface Weighed {
  readonly label: number
  readonly key: string
  /** The source that its recording was cut from. */
  readonly group: string
  readonly variant: string
}

const POWERS = {
  balance: { balanced: 1, root: 0.5, none: 0 },
  sources: { same: 1, root: 0.5, "by samples": 0 }
} as const

/**
 * What the loss of each sample weighs, 1 on average: first each variant beside its original, then each source among those
 * of its class, and at last, as scikit-learn has it, each class among all.
 */
export const weightsOf = (
  samples: ReadonlyArray<Weighed>,
  { balance, sources, variants }: Pick<HeadDescription, "balance" | "sources" | "variants">
): Float32Array => {
  const even = samples.map(() => 1)
  const apart = variants === null ? even : variantWeights(samples, variants)
  const bySource = scaled(samples, apart, ({ label, group }) => `${label} ${group}`, POWERS.sources[sources])
  // A class weighs by its samples, however much these weigh among themselves.
  const classOf = ({ label }: Weighed) => label
  const byClass = scaled(samples, bySource, classOf, 1)
  const counts = totals(samples, even, classOf)
  const weights = byClass.map((weight, at) => weight * counts.get(samples[at]!.label)! ** (1 - POWERS.balance[balance]))
  const mean = weights.reduce((sum, weight) => sum + weight, 0) / samples.length
  return Float32Array.from(weights, (weight) => weight / mean)
}

const variantWeights = (samples: ReadonlyArray<Weighed>, together: number): ReadonlyArray<number> => {
  const isVariant = samples.map(({ variant }) => (variant === "original" ? 0 : 1))
  const counts = totals(samples, isVariant, ({ key }) => key)
  return samples.map(({ key }, at) => (isVariant[at] === 0 ? 1 : together / counts.get(key)!))
}

/** Weights over those of all in the same group, raised to a power: 1 makes all groups weigh the same, 0 changes nothing. */
const scaled = <K>(
  samples: ReadonlyArray<Weighed>,
  weights: ReadonlyArray<number>,
  groupOf: (sample: Weighed) => K,
  power: number
): ReadonlyArray<number> => {
  const sums = totals(samples, weights, groupOf)
  return weights.map((weight, at) => weight / sums.get(groupOf(samples[at]!))! ** power)
}

const totals = <K>(
  samples: ReadonlyArray<Weighed>,
  amounts: ReadonlyArray<number>,
  groupOf: (sample: Weighed) => K
): ReadonlyMap<K, number> => {
  const sums = new Map<K, number>()
  for (const [at, sample] of samples.entries()) {
    const group = groupOf(sample)
    sums.set(group, (sums.get(group) ?? 0) + amounts[at]!)
  }
  return sums
}
