import { expect, test } from "bun:test"
import { Effect } from "effect"
import { discriminate, ofSources } from "../../../src/classifier/train/discriminant.ts"
import { trainBy } from "../../../src/classifier/train/fit.ts"
import { nativeBackend } from "../../../src/classifier/train/nativeBackend.ts"
import { seededRandom } from "../../../src/sound/random.ts"
import { gaussian } from "../../support/problems.ts"

const network = (inputs: number, classes: number) => ({
  units: [inputs, classes],
  dropout: [],
  decay: 0,
  optimizer: "adam" as const,
  learningRate: 0,
  labelSmoothing: 0,
  mixup: 0
})
const NONE = { embeddings: new Float32Array(0), labels: new Int32Array(0) }
const ones = (count: number) => new Float32Array(count).fill(1)

/** Two classes apart in two features by the same, the first of which varies ten times as much as the second. */
const uneven = (count: number) => {
  const random = seededRandom(5)
  const labels = Int32Array.from({ length: count }, (_, i) => i % 2)
  const rows = Array.from(labels, (label) => [label + 3 * gaussian(random), label + 0.3 * gaussian(random)])
  return { embeddings: Float32Array.from(rows.flat()), labels }
}

const fitted = (training: typeof NONE, weights: Float32Array, shrinkage: number, classes = 2, inputs = 2) =>
  Effect.runPromise(
    discriminate(
      { network: network(inputs, classes), training, sampleWeights: weights, validation: NONE },
      { shrinkage, sharpness: 1 }
    )
  )

test("it goes by what varies little within a class, and by the means alone where it is shrunk wholly", async () => {
  const directionOf = async (shrinkage: number) => {
    const { kernel0 } = (await fitted(uneven(2000), ones(2000), shrinkage)).weights
    return (kernel0![1]! - kernel0![0]!) / (kernel0![3]! - kernel0![2]!)
  }
  // 1 / 9 beside 1 / 0.09.
  expect(await directionOf(0.0001)).toBeCloseTo(0.01, 2)
  expect(await directionOf(1)).toBeCloseTo(1, 0)
})

test("its logits are those of normally distributed classes of one covariance", async () => {
  const random = seededRandom(7)
  const labels = Int32Array.from({ length: 4000 }, (_, i) => i % 2)
  const training = { embeddings: Float32Array.from(labels, (label) => 2 * label + gaussian(random)), labels }
  const { weights, history } = await fitted(training, ones(4000), 1, 2, 1)
  const logit = (x: number) =>
    x * (weights.kernel0![1]! - weights.kernel0![0]!) + weights.bias0![1]! - weights.bias0![0]!
  expect(logit(1)).toBeCloseTo(0, 0)
  expect(logit(2) - logit(1)).toBeCloseTo(2, 0)
  expect(history).toHaveLength(1)
  expect(history[0]!.accuracy).toBeCloseTo(0.84, 1)
})

test("a sample that weighs two is as two of them", async () => {
  const { embeddings, labels } = uneven(40)
  const twice = {
    embeddings: Float32Array.from([...embeddings, ...embeddings.subarray(0, 20)]),
    labels: Int32Array.from([...labels, ...labels.subarray(0, 10)])
  }
  const doubled = Float32Array.from(labels, (_, row) => (row < 10 ? 2 : 1))
  const one = (await fitted({ embeddings, labels }, doubled, 0.5)).weights
  const other = (await fitted(twice, ones(50), 0.5)).weights
  for (const [at, value] of one.kernel0!.entries()) expect(value).toBeCloseTo(other.kernel0![at]!, 4)
})

test("of one recording a class, and of a class without any, it makes numbers", async () => {
  const training = { embeddings: Float32Array.of(0, 1, 1, 0), labels: Int32Array.of(0, 1) }
  const discriminant = { shrinkage: 0.8, sharpness: 0.1 }
  const task = {
    network: { ...network(2, 3), discriminant },
    training,
    sampleWeights: ones(2),
    validation: training,
    schedule: { epochs: 9, batchSize: 2, patience: 9, flatEpochs: 9 },
    seed: 1
  }
  const { weights, history } = await Effect.runPromise(trainBy(nativeBackend)(task, () => Effect.void))
  const logits = (x: number, y: number) =>
    [0, 1, 2].map((label) => x * weights.kernel0![label]! + y * weights.kernel0![3 + label]! + weights.bias0![label]!)
  expect(Math.max(...logits(0, 1))).toBe(logits(0, 1)[0]!)
  expect(Math.max(...logits(1, 0))).toBe(logits(1, 0)[1]!)
  expect(Math.min(...logits(9, 9))).toBe(logits(9, 9)[2]!)
  expect(history[0]!.val_loss).toBe(history[0]!.loss)
})

test("of few sources it is less sure by as much as they are fewer, of many as its head has it", () => {
  const own = { shrinkage: 0.7, sharpness: 0.1 }
  expect(ofSources(own, 8).sharpness).toBeCloseTo(ofSources(own, 40).sharpness / 5, 10)
  expect(ofSources(own, 40).sharpness).toBeLessThan(own.sharpness)
  expect(ofSources(own, 1000)).toEqual(own)
})
