import { type Network, NORMALIZATION, type Weights } from "./network.ts"
import { standardiseClips } from "./standardise.ts"

/** A network for embeddings as YAMNet gives them: it standardises each clip, and its first layer does each feature. */
export interface Classifier {
  readonly classes: ReadonlyArray<string>
  readonly network: Network
  readonly weights: Weights
}

/**
 * Probabilities of each class, [n * classes], for embeddings [n * inputs].
 *
 * In double precision and without any engine, so that evaluation does not depend on what trained.
 */
export const predict = (
  { network: { units }, weights }: Pick<Classifier, "network" | "weights">,
  vectors: Float32Array
) => {
  const width = units[0]!
  const classes = units.at(-1)!
  const standardised = vectors.slice()
  standardiseClips(standardised, width)
  const probabilities = new Float32Array((vectors.length / width) * classes)
  for (let row = 0; row * width < vectors.length; row++) {
    let activation: ArrayLike<number> = standardised.subarray(row * width, (row + 1) * width)
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
