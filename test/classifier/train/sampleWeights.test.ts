import { expect, test } from "bun:test"
import { type Weighed, weightsOf } from "../../../src/classifier/train/sampleWeights.ts"

// Six of one dog and one each of two others; two guns of one source, which holds a dog's sound as well.
const samples: ReadonlyArray<Weighed> = [
  ...Array.from({ length: 6 }, () => ({ label: 0, source: "a" })),
  { label: 0, source: "b" },
  { label: 0, source: "c" },
  { label: 1, source: "a" },
  { label: 1, source: "a" }
]
const totalOf = (weights: Float32Array, is: (sample: Weighed) => boolean) =>
  samples.reduce((sum, sample, at) => sum + (is(sample) ? weights[at]! : 0), 0)
const shareOf = (weights: Float32Array, own: string) =>
  totalOf(weights, ({ label, source }) => label === 0 && source === own) / totalOf(weights, ({ label }) => label === 0)

test.each([
  ["same", 1 / 3],
  ["root", Math.sqrt(6) / (Math.sqrt(6) + 2)],
  ["by samples", 6 / 8]
] as const)("where sources weigh %s, one with six of a class's eight samples has a share of %f", (sources, share) => {
  const weights = weightsOf(samples, { balance: "balanced", sources })
  expect(shareOf(weights, "a")).toBeCloseTo(share, 6)
  expect(shareOf(weights, "b")).toBeCloseTo((1 - share) / 2, 6)
})

test.each([
  ["balanced", 1],
  ["root", 2],
  ["none", 4]
] as const)("whatever sources weigh, classes of eight and two samples that are %s weigh %f to 1", (balance, ratio) => {
  for (const sources of ["same", "root", "by samples"] as const) {
    const weights = weightsOf(samples, { balance, sources })
    expect(totalOf(weights, ({ label }) => label === 0) / totalOf(weights, ({ label }) => label === 1)).toBeCloseTo(
      ratio,
      5
    )
    expect(totalOf(weights, () => true)).toBeCloseTo(samples.length, 4)
  }
})
