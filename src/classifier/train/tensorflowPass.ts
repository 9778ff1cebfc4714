import type * as Tensorflow from "@tensorflow/tfjs"
import { type DenseNetwork, NORMALIZATION, type TensorSpec } from "../denseNetwork.ts"

type Tf = typeof Tensorflow

/** A network's weights on a TensorFlow.js backend. */
export type Variables = ReadonlyMap<TensorSpec["name"], Tensorflow.Variable>

/** The network as it predicts: standardised embeddings [n, inputs] to logits [n, classes]. */
export const forward = (tf: Tf, { dropout }: DenseNetwork, weights: Variables, embeddings: Tensorflow.Tensor2D) => {
  let activation = embeddings
  for (const layer of dropout.keys()) {
    const rectified = tf.relu(dense(tf, weights, layer, activation))
    activation = normalise(
      tf,
      weights,
      layer,
      rectified,
      weights.get(`mean${layer}`)!,
      weights.get(`variance${layer}`)!
    )
  }
  return dense(tf, weights, dropout.length, activation)
}

/** A forward pass in training: `masks` for dropout, each batch's own mean and variance, which are tracked on the way. */
export const forwardPass = (
  tf: Tf,
  { dropout }: DenseNetwork,
  weights: Variables,
  embeddings: Tensorflow.Tensor2D,
  masks: ReadonlyArray<Tensorflow.Tensor>,
  renewal: number
) => {
  let activation = embeddings
  for (const [layer, mask] of masks.entries()) {
    const rectified = tf.relu(dense(tf, weights, layer, activation))
    const { mean, variance } = tf.moments(rectified, 0)
    track(tf, weights.get(`mean${layer}`)!, mean, renewal)
    track(tf, weights.get(`variance${layer}`)!, variance, renewal)
    activation = tf.mul(normalise(tf, weights, layer, rectified, mean, variance), mask)
  }
  return dense(tf, weights, dropout.length, activation)
}

/** The weighted cross-entropy and the hits, each summed over samples. */
export const lossAndHits = (
  tf: Tf,
  logits: Tensorflow.Tensor2D,
  targets: Tensorflow.Tensor2D,
  importance: Tensorflow.Tensor
) => {
  const likelihood = tf.sum(tf.mul(tf.logSoftmax(logits), targets), 1)
  return {
    loss: tf.neg(tf.sum(tf.mul(likelihood, importance))),
    hits: tf.sum(tf.cast(tf.equal(tf.argMax(logits, 1), tf.argMax(targets, 1)), "float32"))
  }
}

const dense = (tf: Tf, weights: Variables, layer: number, input: Tensorflow.Tensor2D): Tensorflow.Tensor2D =>
  tf.add(tf.matMul(input, weights.get(`kernel${layer}`) as Tensorflow.Tensor2D), weights.get(`bias${layer}`)!)

const normalise = (
  tf: Tf,
  weights: Variables,
  layer: number,
  input: Tensorflow.Tensor2D,
  mean: Tensorflow.Tensor,
  variance: Tensorflow.Tensor
): Tensorflow.Tensor2D => {
  const normalised = tf.div(tf.sub(input, mean), tf.sqrt(tf.add(variance, NORMALIZATION.epsilon)))
  return tf.add(tf.mul(normalised, weights.get(`gamma${layer}`)!), weights.get(`beta${layer}`)!)
}

const track = (tf: Tf, variable: Tensorflow.Variable, value: Tensorflow.Tensor, renewal: number) =>
  variable.assign(tf.add(variable, tf.mul(tf.sub(value, variable), renewal)))
