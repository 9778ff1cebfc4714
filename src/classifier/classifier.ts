import { type DenseNetwork, NORMALIZATION, type Weights } from "./denseNetwork.ts"
import type { Features } from "./features/features.ts"

/** A network for recordings' vectors as the embedder gives them. */
export interface Classifier {
  readonly classes: ReadonlyArray<string>
  /** What the network sees of a vector. */
  readonly features: Features
  readonly network: DenseNetwork
  /** Its first layer standardises each feature, where its head wants that. */
  readonly weights: Weights
}

/**
 * Probabilities of each class, [n * classes], for vectors [n * inputs].
 *
 * In double precision and without any engine, so that evaluation does not depend on what trained.
 */
export const predict = (
  { features, network: { units }, weights }: Pick<Classifier, "features" | "network" | "weights">,
  vectors: Float32Array
): Float32Array => {
  const { inputs } = features
  const classes = units.at(-1)!
  const probabilities = new Float32Array((vectors.length / inputs) * classes)
  for (let row = 0; row * inputs < vectors.length; row++) {
    let activation: ArrayLike<number> = features.of(vectors.subarray(row * inputs, (row + 1) * inputs))
    for (let layer = 0; layer < units.length - 1; layer++) {
      activation = dense(activation, weights[`kernel${layer}`]!, weights[`bias${layer}`]!)
      if (layer < units.length - 2) activation = rectifyAndNormalise(activation, weights, layer)
    }
    probabilities.set(softmax(activation), row * classes)
  }
  return probabilities
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
