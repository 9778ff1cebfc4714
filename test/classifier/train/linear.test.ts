import { expect, test } from "bun:test"
import { Effect } from "effect"
import type { DenseNetwork, Weights } from "../../../src/classifier/denseNetwork.ts"
import { trainBy } from "../../../src/classifier/train/fit.ts"
import { nativeBackend } from "../../../src/classifier/train/nativeBackend.ts"
import golden from "../../golden/classifier/linear.json"

const training = { embeddings: Float32Array.from(golden.samples), labels: Int32Array.from(golden.labels) }
const NONE = { embeddings: new Float32Array(0), labels: new Int32Array(0) }
const CLASSES = new Set(golden.labels).size
const WIDTH = golden.samples.length / golden.labels.length

const network: DenseNetwork = {
  units: [WIDTH, CLASSES],
  dropout: [],
  decay: golden.decay,
  optimizer: "lbfgs",
  learningRate: 0,
  labelSmoothing: 0,
  mixup: 0
}

const trained = (
  own: DenseNetwork,
  sampleWeights: Float32Array,
  epochs = 100,
  validation = NONE,
  prior?: Float32Array
) => {
  const schedule = { epochs, batchSize: 8, patience: 9, flatEpochs: 9 }
  const epochsTold: Array<number> = []
  const task = { network: own, training, sampleWeights, validation, schedule, seed: 1, ...(prior && { prior }) }
  return trainBy(nativeBackend)(task, (epoch) => Effect.sync(() => void epochsTold.push(epoch))).pipe(
    Effect.map((fit) => ({ ...fit, epochsTold })),
    Effect.runPromise
  )
}

const probabilities = ({ kernel0, bias0 }: Weights) =>
  golden.labels.flatMap((_, row) => {
    const logits = Array.from(bias0!, (bias, label) => {
      const products = Array.from(
        { length: WIDTH },
        (_, i) => golden.samples[row * WIDTH + i]! * kernel0![i * CLASSES + label]!
      )
      return products.reduce((sum, product) => sum + product, bias)
    })
    const total = logits.reduce((sum, logit) => sum + Math.exp(logit), 0)
    return logits.map((logit) => Math.exp(logit) / total)
  })

const furthest = (weights: Weights, expected: ReadonlyArray<number>) =>
  Math.max(...probabilities(weights).map((probability, at) => Math.abs(probability - expected[at]!)))

test("a regression by L-BFGS is scikit-learn's", async () => {
  const { weights, history, bestEpoch, epochsTold } = await trained(network, Float32Array.from(golden.weights))
  expect(furthest(weights, golden.regression)).toBeLessThan(1e-3)
  expect(history.length).toBeLessThan(50)
  expect(bestEpoch).toBe(history.length)
  expect(epochsTold).toEqual(history.map((_, at) => at + 1))
  expect(history.at(-1)!.loss).toBeLessThan(history[0]!.loss)
})

test("decay that goes towards a prior is SciPy's, however strong", async () => {
  const prior = Float32Array.from(golden.prior)
  const own = { ...network, decay: golden.priorDecay }
  const { weights } = await trained(own, Float32Array.from(golden.weights), 100, NONE, prior)
  expect(furthest(weights, golden.regressionWithPrior)).toBeLessThan(1e-3)
  const held = await trained({ ...network, decay: 1e4 }, Float32Array.from(golden.weights), 100, NONE, prior)
  for (const [at, value] of held.weights.kernel0!.entries()) expect(value).toBeCloseTo(prior[at]!, 3)
})

test("it makes no more steps than it may, and tells after each how it does on others", async () => {
  const { history } = await trained(network, Float32Array.from(golden.weights), 3, training)
  expect(history).toHaveLength(3)
  for (const { accuracy, val_accuracy } of history) expect(val_accuracy).toBe(accuracy)
})

test("where nothing tells classes apart, it says that all are as likely, after one pass", async () => {
  const same = { ...training, embeddings: new Float32Array(training.embeddings.length).fill(1) }
  const task = { network, training: same, sampleWeights: new Float32Array(golden.labels.length).fill(1) }
  const schedule = { epochs: 100, batchSize: 8, patience: 9, flatEpochs: 9 }
  const { weights, history, bestEpoch } = await Effect.runPromise(
    trainBy(nativeBackend)({ ...task, validation: same, schedule, seed: 1 }, () => Effect.void)
  )
  for (const probability of probabilities(weights)) expect(probability).toBeCloseTo(1 / CLASSES, 3)
  expect(history).toHaveLength(1)
  expect(history[0]!.val_loss).toBeCloseTo(Math.log(CLASSES), 3)
  expect(bestEpoch).toBe(1)
})

test("numbers too large for float32 end it in a sentence", async () => {
  const huge = { ...training, embeddings: training.embeddings.map((value) => value * 1e38) }
  const task = { network, training: huge, sampleWeights: Float32Array.from(golden.weights), validation: NONE }
  const schedule = { epochs: 100, batchSize: 8, patience: 9, flatEpochs: 9 }
  const result = await Effect.runPromise(
    Effect.flip(trainBy(nativeBackend)({ ...task, schedule, seed: 1 }, () => Effect.void))
  )
  expect(result.message).toMatch(/is not a number/)
})

test("a shrunk discriminant is scikit-learn's", async () => {
  const discriminant = { shrinkage: golden.shrinkage, sharpness: 1 }
  const { weights } = await trained({ ...network, discriminant }, new Float32Array(golden.labels.length).fill(1))
  expect(furthest(weights, golden.discriminant)).toBeLessThan(1e-4)
})
