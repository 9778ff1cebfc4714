import type { DenseNetwork, Weights } from "./denseNetwork.ts"
import { likeliest } from "./likeliest.ts"

/** What was predicted of recordings that training had not seen. */
export interface Held {
  /** [recordings * classes] */
  readonly probabilities: Float32Array
  /** One for each recording. */
  readonly labels: ArrayLike<number>
}

/** Probabilities that mean what they say, and how sure to be before naming a class. */
export interface Calibration {
  /** What logits are divided by; it is in the weights already. */
  readonly temperature: number
  /** By class: below this probability, the answer had better be "unknown". */
  readonly thresholds: ReadonlyArray<number>
  /** The recordings that both are from. */
  readonly recordings: number
}

/** Fewer recordings say too little of how sure a classifier may be. */
const FEWEST = 10
const RANGE = { least: 0.05, most: 20 } as const

/**
 * The temperature by which probabilities fit best what the recordings are (Guo et al. 2017): 1 leaves them as they are,
 * more makes them less sure. 1 for fewer than ten recordings.
 *
 * The true class is not expected at 1 but at (n + 1) / (n + 2), the rest spread evenly, as Platt (1999) has it: else few
 * recordings, all recognised, would make a classifier sure beyond all measure.
 */
export const fitTemperature = ({ probabilities, labels }: Held): number => {
  const count = labels.length
  if (count < FEWEST) return 1
  const classes = probabilities.length / count
  const target = (count + 1) / (count + 2)
  const rest = (1 - target) / (classes - 1)
  const logits = Float64Array.from(probabilities, (probability) => Math.log(Math.max(probability, 1e-12)))
  const lossAt = (temperature: number): number => {
    let loss = 0
    for (let row = 0; row < count; row++) {
      const own = logits.subarray(row * classes, (row + 1) * classes)
      const highest = Math.max(...own) / temperature
      const total = Math.log(own.reduce((sum, logit) => sum + Math.exp(logit / temperature - highest), 0)) + highest
      for (let label = 0; label < classes; label++) {
        loss += (label === labels[row] ? target : rest) * (total - own[label]! / temperature)
      }
    }
    return loss
  }
  // The loss is convex in 1 / T, so it has one valley over log T: golden section.
  let [low, high] = [Math.log(RANGE.least), Math.log(RANGE.most)]
  while (high - low > 1e-6) {
    const step = (high - low) / GOLDEN
    if (lossAt(Math.exp(high - step)) < lossAt(Math.exp(low + step))) high = low + step
    else low = high - step
  }
  return Math.exp((low + high) / 2)
}

const GOLDEN = (1 + Math.sqrt(5)) / 2

/** Probabilities at another temperature, [n * classes]. */
export const temper = (probabilities: Float32Array, classes: number, temperature: number): Float32Array => {
  const tempered = new Float32Array(probabilities.length)
  for (let start = 0; start < probabilities.length; start += classes) {
    const powers = Float64Array.from(
      probabilities.subarray(start, start + classes),
      (value) => Math.max(value, 1e-12) ** (1 / temperature)
    )
    const total = powers.reduce((sum, power) => sum + power, 0)
    tempered.set(
      powers.map((power) => power / total),
      start
    )
  }
  return tempered
}

/** Folds a temperature into the last layer, so that every export has it. */
export const foldTemperature = (
  { units }: Pick<DenseNetwork, "units">,
  weights: Weights,
  temperature: number
): Weights => {
  const last = units.length - 2
  const cooled = (values: Float32Array) => values.map((value) => value / temperature)
  return {
    ...weights,
    [`kernel${last}`]: cooled(weights[`kernel${last}`]!),
    [`bias${last}`]: cooled(weights[`bias${last}`]!)
  }
}

/** Of the recordings that are rightly taken for a class, this share is at or above its threshold. */
export const KEPT = 0.95

/**
 * For each class, the probability that all but a twentieth of the recordings reach that are rightly taken for it, as far as
 * these recordings tell; classes with fewer than ten of them share that of all together.
 *
 * What is right alone has a say: how many others are taken for the class depends on what the corpus happens to hold, and is
 * nothing that a threshold could promise of sounds that nobody has recorded.
 */
export const decisionThresholds = ({ probabilities, labels }: Held, classes: number): ReadonlyArray<number> => {
  const right = Array.from({ length: labels.length }, (_, row) => {
    const own = probabilities.subarray(row * classes, (row + 1) * classes)
    return { ...likeliest(own), row }
  }).filter(({ label, row }) => label === labels[row])
  const all = right.length < FEWEST ? 0 : lowestKept(right)
  return Array.from({ length: classes }, (_, label) => {
    const own = right.filter((one) => one.label === label)
    return own.length < FEWEST ? all : lowestKept(own)
  })
}

const lowestKept = (right: ReadonlyArray<{ readonly probability: number }>): number => {
  const dropped = right.length - Math.ceil(KEPT * right.length - 1e-9)
  return right.map(({ probability }) => probability).sort((a, b) => a - b)[dropped]!
}
