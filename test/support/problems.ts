import type { Sample } from "../../src/classifier/dataset.ts"
import type { DenseNetwork } from "../../src/classifier/denseNetwork.ts"
import { initialWeights } from "../../src/classifier/initial.ts"
import type { Pass, Problem } from "../../src/classifier/train/backend.ts"
import { batchBorders } from "../../src/classifier/train/fit.ts"
import { type Random, seededRandom, shuffled } from "../../src/sound/random.ts"

/** EcoSight's kind of network, and the linear one, small enough to differentiate numerically. */
export const SMALL: Readonly<Record<"mlp" | "linear" | "mixed", DenseNetwork>> = {
  mlp: {
    units: [6, 5, 4, 3],
    dropout: [0.4, 0.25],
    decay: 0.02,
    optimizer: "adam",
    learningRate: 0.01,
    labelSmoothing: 0,
    mixup: 0
  },
  linear: {
    units: [6, 3],
    dropout: [],
    decay: 0.05,
    optimizer: "adam",
    learningRate: 0.01,
    labelSmoothing: 0,
    mixup: 0
  },
  mixed: {
    units: [6, 5, 3],
    dropout: [0.3],
    decay: 0,
    optimizer: "adam",
    learningRate: 0.01,
    labelSmoothing: 0.1,
    mixup: 0.4
  }
}

/** A normally distributed number (Box and Muller). */
export const gaussian = (random: Random): number =>
  Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())

/** The classes of `labelledBatch`. */
export const BATCH_CLASSES = ["dog", "engine", "gun"]

/**
 * Recordings whose embeddings lean towards their class, by `lean` standard deviations in a part of their features; `share`
 * of them are labelled as another.
 */
export const labelledBatch = (
  name: string,
  count: number,
  share: number,
  seed: number,
  lean: number
): ReadonlyArray<Sample> => {
  const random = seededRandom(seed)
  return Array.from({ length: count }, (_, i) => {
    const label = i % BATCH_CLASSES.length
    const wrong = random() < share ? 1 + Math.floor(random() * 2) : 0
    const className = BATCH_CLASSES[(label + wrong) % BATCH_CLASSES.length]!
    return {
      key: `extracted_audio/${className}/${name}${i}.wav`,
      className,
      group: `${name}${i}`,
      variant: "original",
      vector: Float32Array.from({ length: 1024 }, (_, feature) =>
        Math.max(0, gaussian(random) + (feature % 30 === label ? lean : 0))
      )
    }
  })
}

/** Samples around one centre for each class, with every weight away from where it starts, so that each one matters. */
export const smallProblem = (network: DenseNetwork, samples: number, seed: number): Problem => {
  const random = seededRandom(seed)
  const classes = network.units.at(-1)!
  const inputs = network.units[0]!
  const centres = Array.from({ length: classes * inputs }, () => gaussian(random))
  const examples = (count: number) => {
    const labels = Int32Array.from({ length: count }, (_, i) => i % classes)
    const embeddings = Float32Array.from(
      { length: count * inputs },
      (_, i) => centres[labels[Math.floor(i / inputs)]! * inputs + (i % inputs)]! + gaussian(random)
    )
    return { embeddings, labels }
  }
  const moved = Object.entries(initialWeights(network, random)).map(([name, values]) => [
    name,
    values.map((value) => (name.startsWith("variance") ? value : value + 0.3 * (random() - 0.5)))
  ])
  return {
    network,
    initial: Object.fromEntries(moved),
    training: examples(samples),
    sampleWeights: Float32Array.from({ length: samples }, () => 0.5 + random()),
    validation: examples(9)
  }
}

/** One epoch's pass over a problem's training samples. */
export const smallPass = ({ network, training }: Problem, batchSize: number, seed: number): Pass => {
  const random = seededRandom(seed)
  const order = shuffled(training.labels.length, random)
  const hiddenUnits = network.units.slice(1, -1).reduce((sum, units) => sum + units, 0)
  return {
    order,
    borders: batchBorders(order.length, batchSize),
    kept: Uint8Array.from({ length: order.length * hiddenUnits }, () => (random() < 0.6 ? 1 : 0)),
    ...(network.mixup > 0
      ? {
          mixed: {
            partners: order.map(() => Math.floor(random() * order.length)),
            shares: Float32Array.from(order, () => random())
          }
        }
      : {}),
    learningRate: network.learningRate,
    firstStep: 1
  }
}

/** The distance between two vectors, relative to the second. */
export const relativeDistance = (actual: ArrayLike<number>, expected: ArrayLike<number>): number => {
  let [apart, whole] = [0, 0]
  for (let i = 0; i < expected.length; i++) {
    apart += (actual[i]! - expected[i]!) ** 2
    whole += expected[i]! ** 2
  }
  return Math.sqrt(apart / whole)
}
