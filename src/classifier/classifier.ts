import type { ScoreLayer } from "../embedder/embedder.ts"
import { featuresOf } from "./features.ts"
import { type Network, NORMALIZATION, type Weights } from "./network.ts"

/**
 * A network for embeddings as YAMNet gives them: it standardises each clip, computes YAMNet's own scores where it sees
 * those, and its first layer standardises each feature.
 */
export interface Classifier {
  readonly classes: ReadonlyArray<string>
  readonly network: Network
  readonly weights: Weights
  /** YAMNet's last layer, where the network sees its scores instead of the embedding. */
  readonly scores?: ScoreLayer
}

/**
 * Probabilities of each class, [n * classes], for embeddings [n * 1024].
 *
 * In double precision and without any engine, so that evaluation does not depend on what trained.
 */
export const predict = (
  { network: { units }, weights, scores }: Pick<Classifier, "network" | "weights" | "scores">,
  vectors: Float32Array
) => {
  const width = units[0]!
  const classes = units.at(-1)!
  const features = featuresOf(vectors, scores)
  const probabilities = new Float32Array((features.length / width) * classes)
  for (let row = 0; row * width < features.length; row++) {
    let activation: ArrayLike<number> = features.subarray(row * width, (row + 1) * width)
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
