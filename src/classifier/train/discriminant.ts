import { CholeskyDecomposition, Matrix } from "ml-matrix"
import type { Discriminant } from "../heads/head.ts"
import type { EpochRecord, Examples, Fit, Task } from "./task.ts"

/** What features vary by within a class at least, as a share of a standardised feature's variance: of one recording a class, it is nothing. */
const SMALLEST_VARIANCE = 0.1
/** How much less likely than one that lies amid all others a class is whose samples all are elsewhere, as a logit. */
const UNSEEN = 5

/**
 * A linear discriminant (Fisher) as a network without hidden layers, in one step and without chance: logits are those of
 * normally distributed classes whose covariance is the same, so that directions in which the samples of a class lie far
 * apart count little.
 *
 * Means and covariance weigh samples as a regression's loss would. Covariance is shrunk towards a multiple of the identity
 * (Ledoit and Wolf 2004), for there are more features than sources.
 */
export const discriminate = (
  { network: { units }, training, sampleWeights, validation }: Omit<Task, "schedule" | "seed">,
  { shrinkage, sharpness }: Discriminant
): Fit => {
  const [width, classes] = [units[0]!, units.at(-1)!]
  const { means, weights } = classMeans(training, sampleWeights, width, classes)
  const covariance = covarianceWithin(training, sampleWeights, means)
  const common = Math.max(covariance.trace() / width, SMALLEST_VARIANCE)
  covariance.mul(1 - shrinkage)
  for (let i = 0; i < width; i++) covariance.set(i, i, covariance.get(i, i) + shrinkage * common)
  const directions = new CholeskyDecomposition(covariance).solve(means.transpose())
  const bias = Float32Array.from({ length: classes }, (_, label) => {
    const own = means.getRow(label).reduce((sum, mean, i) => sum + mean * directions.get(i, label), 0)
    return (-sharpness * own) / 2 - (weights[label] === 0 ? UNSEEN : 0)
  })
  const kernel = Float32Array.from(directions.to1DArray(), (value) => sharpness * value)
  const trained = scored(training, { kernel, bias }, sampleWeights)
  const watched = scored(validation, { kernel, bias })
  const record: EpochRecord = {
    loss: trained.loss,
    accuracy: trained.accuracy,
    val_loss: validation.labels.length > 0 ? watched.loss : undefined,
    val_accuracy: validation.labels.length > 0 ? watched.accuracy : undefined,
    lr: 0
  }
  return { weights: { kernel0: kernel, bias0: bias }, history: [record], bestEpoch: 1 }
}

/** The mean of each class's samples, [classes, width], and what these weigh; of a class without any, that of all means. */
const classMeans = ({ embeddings, labels }: Examples, sampleWeights: Float32Array, width: number, classes: number) => {
  const weights = new Float64Array(classes)
  const means = Matrix.zeros(classes, width)
  for (const [row, label] of labels.entries()) {
    const weight = sampleWeights[row]!
    weights[label]! += weight
    for (let i = 0; i < width; i++) {
      means.set(label, i, means.get(label, i) + weight * embeddings[row * width + i]!)
    }
  }
  const seen = [...weights.keys()].filter((label) => weights[label] !== 0)
  for (const label of seen) means.mulRow(label, 1 / weights[label]!)
  const middle = means.sum("column").map((sum) => sum / seen.length)
  for (const label of weights.keys()) if (weights[label] === 0) means.setRow(label, middle)
  return { means, weights }
}

/** The covariance of samples about their classes' means, [width, width]. */
const covarianceWithin = ({ embeddings, labels }: Examples, sampleWeights: Float32Array, means: Matrix): Matrix => {
  const width = means.columns
  const own = means.to2DArray()
  const total = sampleWeights.reduce((sum, weight) => sum + weight, 0)
  const sums = new Float64Array(width * width)
  const apart = new Float64Array(width)
  for (const [row, label] of labels.entries()) {
    const root = Math.sqrt(sampleWeights[row]! / total)
    const mean = own[label]!
    for (let i = 0; i < width; i++) apart[i] = root * (embeddings[row * width + i]! - mean[i]!)
    addProducts(sums, apart)
  }
  const covariance = Matrix.from1DArray(width, width, sums)
  for (let i = 0; i < width; i++) for (let j = 0; j < i; j++) covariance.set(j, i, covariance.get(i, j))
  return covariance
}

/** Adds the products of all pairs of values to the lower half of sums, [width, width]: nearly all of the time goes here. */
const addProducts = (sums: Float64Array, values: Float64Array): void => {
  const width = values.length
  for (let i = 0; i < width; i++) {
    const value = values[i]!
    for (let j = 0, at = i * width; j <= i; j++, at++) sums[at]! += value * values[j]!
  }
}

/** Mean cross-entropy, weighted where there are weights, and the share of right answers. */
const scored = (
  { embeddings, labels }: Examples,
  { kernel, bias }: { readonly kernel: Float32Array; readonly bias: Float32Array },
  sampleWeights?: Float32Array
) => {
  const [classes, width] = [bias.length, kernel.length / bias.length]
  let [loss, hits] = [0, 0]
  for (const [row, label] of labels.entries()) {
    const logits = Float64Array.from(bias)
    for (let i = 0; i < width; i++) {
      const value = embeddings[row * width + i]!
      for (let own = 0; own < classes; own++) logits[own]! += value * kernel[i * classes + own]!
    }
    const highest = Math.max(...logits)
    const total = logits.reduce((sum, logit) => sum + Math.exp(logit - highest), 0)
    loss += (sampleWeights?.[row] ?? 1) * (Math.log(total) + highest - logits[label]!)
    hits += logits.indexOf(highest) === label ? 1 : 0
  }
  return { loss: loss / labels.length, accuracy: hits / labels.length }
}
