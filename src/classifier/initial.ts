import type { Random } from "../sound/random.ts"
import { type DenseNetwork, sizeOf, type TensorSpec, type Weights, weightsFrom } from "./denseNetwork.ts"

/** First weights as Keras draws them: Glorot-uniform kernels, batch normalisation that changes nothing, zero biases. */
export const initialWeights = (network: DenseNetwork, random: Random): Weights =>
  weightsFrom(network, (tensor) => new Float32Array(sizeOf(tensor)).map(initialValue(tensor, random)))

const initialValue = ({ kind, shape }: TensorSpec, random: Random): (() => number) => {
  if (kind === "kernel") {
    const [inputs, outputs] = shape
    const limit = Math.sqrt(6 / (inputs + outputs!))
    return () => (2 * random() - 1) * limit
  }
  return kind === "gamma" || kind === "variance" ? () => 1 : () => 0
}
