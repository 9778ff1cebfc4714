import { expect, test } from "bun:test"
import { Effect } from "effect"
import { makeDataset, type Sample } from "../../../src/classifier/dataset.ts"
import { meanProbabilities, outOfFold } from "../../../src/classifier/evaluation/outOfFold.ts"
import type { Split } from "../../../src/classifier/split.ts"
import { nativeBackend } from "../../../src/classifier/train/nativeBackend.ts"
import { train } from "../../../src/classifier/train/train.ts"
import { corpus } from "../../support/trainingRuns.ts"

const settings = { head: "linear", epochs: 6, batchSize: 16, seed: 0 } as const

const crossValidate = (samples: ReadonlyArray<Sample>, repeats = 2) =>
  Effect.runPromise(
    Effect.gen(function* () {
      const dataset = yield* makeDataset(samples)
      const splits: Array<Split> = []
      const told: Array<readonly [number, number]> = []
      const result = yield* outOfFold(
        dataset,
        { folds: 4, repeats, seed: 3 },
        (split, seed) => {
          splits.push(split)
          return train(dataset, split, { ...settings, seed }, nativeBackend)
        },
        (done, total) => Effect.sync(() => void told.push([done, total]))
      )
      return { dataset, result, splits, told }
    })
  )

test("each original is scored once in a repeat, by a classifier that saw none of its source", async () => {
  const samples = corpus(8).map((sample, at) => ({ ...sample, group: `${sample.className}${Math.floor(at / 4) % 5}` }))
  const { dataset, result, splits, told } = await crossValidate(samples)
  expect(result.notes).toEqual([])
  expect(result.rows).toEqual(dataset.samples.flatMap(({ variant }, row) => (variant === "original" ? [row] : [])))
  expect(told).toEqual(Array.from({ length: 8 }, (_, at) => [at + 1, 8] as const))
  for (const split of splits) {
    const inside = new Set([...split.training, ...split.validation].map((row) => dataset.samples[row]!.group))
    expect(split.holdout.some((row) => inside.has(dataset.samples[row]!.group))).toBe(false)
    // Variants train: every training original has its variant there, too.
    expect(split.training.filter((row) => dataset.samples[row]!.variant === "noise_light").length).toBe(
      split.training.length / 2
    )
  }
  const tests = splits.flatMap(({ holdout }) => holdout)
  expect(tests.sort((a, b) => a - b)).toEqual([...result.rows, ...result.rows].sort((a, b) => a - b))
  for (const repeat of result.probabilities) {
    for (let row = 0; row < result.rows.length; row++) {
      const sum = repeat.subarray(row * 3, row * 3 + 3).reduce((a, b) => a + b, 0)
      expect(sum).toBeCloseTo(1, 5)
    }
  }
  const again = await crossValidate(samples)
  expect(again.result.probabilities).toEqual(result.probabilities)
})

test("a class from one source is trained on, not tested, and said so", async () => {
  const samples = corpus(6).map((sample) => (sample.className === "gun" ? { ...sample, group: "gun0" } : sample))
  const { dataset, result, splits } = await crossValidate(samples, 1)
  expect(result.notes).toEqual([
    'Class "gun" is not tested: 6 recordings from one source cannot say how others fare; add sources.'
  ])
  const mean = meanProbabilities(result)
  for (const [at, row] of result.rows.entries()) {
    expect(Number.isNaN(mean[at * 3]!)).toBe(dataset.samples[row]!.className === "gun")
  }
  for (const { training } of splits) expect(training.some((row) => dataset.samples[row]!.group === "gun0")).toBe(true)
})

test("nothing is tested where every class comes from one source, and nothing is trained for it", async () => {
  const samples = corpus(3).map((sample) => ({ ...sample, group: sample.className }))
  const { result, splits } = await crossValidate(samples, 1)
  expect(splits).toEqual([])
  expect(result.notes.length).toBe(3)
  expect(meanProbabilities(result).every(Number.isNaN)).toBe(true)
})
