import { placeOf, rowSize, type Vectors } from "../embedder/frontEnd.ts"
import { type DenseNetwork, NORMALIZATION, type Weights } from "./denseNetwork.ts"
import type { Features } from "./features/features.ts"

/** A network for one of the vectors of recordings' rows, as the embedder gives them. */
export interface Branch {
  /** The vector's name; the first one unless given. */
  readonly vector?: string
  /** What the network sees of it. */
  readonly features: Features
  readonly network: DenseNetwork
  /** Its first layer standardises each feature, where its head wants that. */
  readonly weights: Weights
}

/** A network, or several whose logits are added up: what each counts for, and the temperature, is in its last layer. */
export interface Classifier extends Branch {
  readonly classes: ReadonlyArray<string>
  /** What the rows that it takes are made of; the embedding alone unless given. */
  readonly vectors?: Vectors
  readonly mixedWith?: ReadonlyArray<Branch>
}

/** Its networks, the first of which sees the embedding. */
export const branchesOf = (classifier: Branch & Pick<Classifier, "mixedWith">): ReadonlyArray<Branch> => [
  classifier,
  ...(classifier.mixedWith ?? [])
]

/** What the rows that a classifier takes are made of. */
export const rowOf = ({ vectors, features }: Pick<Classifier, "vectors" | "features">): Vectors =>
  vectors ?? { embedding: features.inputs }

/** Where in these rows a branch's vector lies. */
export const placeSeen = ({ vector, features }: Pick<Branch, "vector" | "features">, vectors: Vectors) =>
  vector === undefined ? { from: 0, to: features.inputs } : placeOf(vectors, vector)

/** The vectors of these rows up to the last one that a classifier sees: what it needs of them. */
export const vectorsSeen = (classifier: Branch & Pick<Classifier, "mixedWith">, vectors: Vectors): Vectors => {
  const end = Math.max(...branchesOf(classifier).map((branch) => placeSeen(branch, vectors).to))
  return Object.fromEntries(Object.entries(vectors).filter(([name]) => placeOf(vectors, name).from < end))
}

/**
 * Probabilities of each class, [n * classes], for rows [n * rowSize].
 *
 * In double precision and without any engine, so that evaluation does not depend on what trained.
 */
export const predict = (classifier: Omit<Classifier, "classes">, rows: Float32Array): Float32Array => {
  const vectors = rowOf(classifier)
  const size = rowSize({ vectors })
  const classes = classifier.network.units.at(-1)!
  const probabilities = new Float32Array((rows.length / size) * classes)
  for (let row = 0; row * size < rows.length; row++) {
    const logits = new Float64Array(classes)
    for (const branch of branchesOf(classifier)) {
      const { from, to } = placeSeen(branch, vectors)
      const own = logitsOf(branch, rows.subarray(row * size + from, row * size + to))
      for (let label = 0; label < classes; label++) logits[label]! += own[label]!
    }
    probabilities.set(softmax(logits), row * classes)
  }
  return probabilities
}

const logitsOf = ({ features, network: { units }, weights }: Branch, vector: Float32Array): ArrayLike<number> => {
  let activation: ArrayLike<number> = features.of(vector)
  for (let layer = 0; layer < units.length - 1; layer++) {
    activation = dense(activation, weights[`kernel${layer}`]!, weights[`bias${layer}`]!)
    if (layer < units.length - 2) activation = rectifyAndNormalise(activation, weights, layer)
  }
  return activation
}

const dense = (input: ArrayLike<number>, kernel: Float32Array, bias: Float32Array): Float64Array => {
  const output = Float64Array.from(bias)
  for (let i = 0; i < input.length; i++) {
    const value = input[i]!
    if (value === 0) continue
    for (let o = 0, at = i * output.length; o < output.length; o++) output[o]! += value * kernel[at + o]!
  }
  return output
}

const rectifyAndNormalise = (input: ArrayLike<number>, weights: Weights, layer: number): Float64Array => {
  const [gamma, beta] = [weights[`gamma${layer}`]!, weights[`beta${layer}`]!]
  const [mean, variance] = [weights[`mean${layer}`]!, weights[`variance${layer}`]!]
  return Float64Array.from(input, (value, i) => {
    const normalised = (Math.max(value, 0) - mean[i]!) / Math.sqrt(variance[i]! + NORMALIZATION.epsilon)
    return normalised * gamma[i]! + beta[i]!
  })
}

const softmax = (logits: ArrayLike<number>): Float64Array => {
  const values = Float64Array.from(logits)
  const highest = Math.max(...values)
  const powers = values.map((value) => Math.exp(value - highest))
  const sum = powers.reduce((total, power) => total + power, 0)
  return powers.map((power) => power / sum)
}
