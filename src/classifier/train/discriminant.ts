import { Effect } from "effect"
import { Graph } from "../../embedder/onnx/graph.ts"
import { openSession } from "../../embedder/onnx/session.ts"
import type { Discriminant } from "../heads/head.ts"
import { solveInPlace } from "./cholesky.ts"
import { failed, floats, runSession } from "./nativeBackend.ts"
import { type Examples, type Fit, type LossAndHits, recordOf, type Task } from "./task.ts"

/** What features vary by within a class at least, as a share of a standardised feature's variance: of one recording a class, it is nothing. */
const SMALLEST_VARIANCE = 0.1
/** How much less likely than one that lies amid all others a class is whose samples all are elsewhere, as a logit. */
const UNSEEN = 5

/** Sources from which on a discriminant is as sure as its head has it. */
const ENOUGH_SOURCES = 160

/**
 * A head's discriminant where so many sources train it. Few lie close about the few means that they make themselves, so that of
 * fewer it is surer than it should be, by about as much as they are fewer (docs/decisions/heads.md).
 */
export const ofSources = ({ shrinkage, sharpness }: Discriminant, sources: number): Discriminant => ({
  shrinkage,
  sharpness: sharpness * Math.min(1, sources / ENOUGH_SOURCES)
})

/**
 * A linear discriminant (Fisher) as a network without hidden layers, in one step and without chance: logits are those of
 * normally distributed classes whose covariance is the same, so that directions in which the samples of a class lie far
 * apart count little.
 *
 * Means and covariance weigh samples as a regression's loss would. Covariance is shrunk towards a multiple of the identity
 * (Ledoit and Wolf 2004), for there are more features than sources.
 */
export const discriminate = Effect.fn("discriminate")(function* (
  { network: { units }, training, sampleWeights, validation }: Omit<Task, "schedule" | "seed">,
  { shrinkage, sharpness }: Discriminant
) {
  const [width, classes] = [units[0]!, units.at(-1)!]
  const { means, weights } = classMeans(training, sampleWeights, width, classes)
  const covariance = yield* covarianceWithin(training, sampleWeights, means)
  const common = Math.max(traceOf(covariance, width) / width, SMALLEST_VARIANCE)
  for (let i = 0; i < covariance.length; i++) covariance[i]! *= 1 - shrinkage
  for (let i = 0; i < width; i++) covariance[i * width + i]! += shrinkage * common
  const directions = solveInPlace(covariance, width, means)
  const bias = Float32Array.from({ length: classes }, (_, label) => {
    const [mean, direction] = [means[label]!, directions[label]!]
    const own = mean.reduce((sum, value, i) => sum + value * direction[i]!, 0)
    return (-sharpness * own) / 2 - (weights[label] === 0 ? UNSEEN : 0)
  })
  const kernel = new Float32Array(width * classes)
  for (const [label, direction] of directions.entries()) {
    for (let i = 0; i < width; i++) kernel[i * classes + label] = sharpness * direction[i]!
  }
  const trained = scored(training, { kernel, bias }, sampleWeights)
  const watched = validation.labels.length > 0 ? scored(validation, { kernel, bias }) : undefined
  const record = recordOf(trained, training.labels.length, watched, validation.labels.length, 0)
  return { weights: { kernel0: kernel, bias0: bias }, history: [record], bestEpoch: 1 } satisfies Fit
})

/** The mean of each class's samples, [width] each, and what these weigh; of a class without any, that of all means. */
const classMeans = ({ embeddings, labels }: Examples, sampleWeights: Float32Array, width: number, classes: number) => {
  const weights = new Float64Array(classes)
  const means = Array.from({ length: classes }, () => new Float64Array(width))
  for (const [row, label] of labels.entries()) {
    const [weight, sum] = [sampleWeights[row]!, means[label]!]
    weights[label]! += weight
    for (let i = 0; i < width; i++) sum[i]! += weight * embeddings[row * width + i]!
  }
  const seen = [...weights.keys()].filter((label) => weights[label] !== 0)
  const middle = new Float64Array(width)
  for (const label of seen) {
    const mean = means[label]!
    for (let i = 0; i < width; i++) {
      mean[i]! /= weights[label]!
      middle[i]! += mean[i]! / seen.length
    }
  }
  return { means: means.map((mean, label) => (weights[label] === 0 ? middle : mean)), weights }
}

/** The covariance of samples about their classes' means, [width, width], of products in float32. */
const covarianceWithin = Effect.fnUntraced(function* (
  { embeddings, labels }: Examples,
  sampleWeights: Float32Array,
  means: ReadonlyArray<Float64Array>
) {
  const width = means[0]!.length
  const total = sampleWeights.reduce((sum, weight) => sum + weight, 0)
  const apart = new Float32Array(embeddings.length)
  for (const [row, label] of labels.entries()) {
    const [centre, scale] = [means[label]!, Math.sqrt(sampleWeights[row]! / total)]
    for (let i = 0, at = row * width; i < width; i++, at++) apart[at] = scale * (embeddings[at]! - centre[i]!)
  }
  const graph = new Graph("covariance")
  const rows = graph.input("rows", ["samples", width])
  graph.op("Gemm", [rows, rows], { transA: 1 }, "products")
  graph.output("products", [width, width])
  // One thread, as all training: two would change the low bits.
  const session = yield* openSession(graph.model(), 1, failed)
  const { products } = yield* runSession(session, { rows: floats(apart, [labels.length, width]) })
  return new Float64Array(products!.data as Float32Array)
}, Effect.scoped)

const traceOf = (matrix: Float64Array, size: number): number => {
  let trace = 0
  for (let i = 0; i < size; i++) trace += matrix[i * size + i]!
  return trace
}

/** The sum of cross-entropies, weighted where there are weights, and of right answers. */
const scored = (
  { embeddings, labels }: Examples,
  { kernel, bias }: { readonly kernel: Float32Array; readonly bias: Float32Array },
  sampleWeights?: Float32Array
): LossAndHits => {
  const [classes, width] = [bias.length, kernel.length / bias.length]
  const logits = new Float64Array(classes)
  let [loss, hits] = [0, 0]
  for (const [row, label] of labels.entries()) {
    logits.set(bias)
    for (let i = 0; i < width; i++) {
      const value = embeddings[row * width + i]!
      for (let own = 0; own < classes; own++) logits[own]! += value * kernel[i * classes + own]!
    }
    const highest = Math.max(...logits)
    let total = 0
    for (let own = 0; own < classes; own++) total += Math.exp(logits[own]! - highest)
    loss += (sampleWeights?.[row] ?? 1) * (Math.log(total) + highest - logits[label]!)
    hits += logits.indexOf(highest) === label ? 1 : 0
  }
  return { loss, hits }
}
