import { expect, test } from "bun:test"
import { type Weighed, weightsOf } from "../../../src/classifier/train/sampleWeights.ts"

const recording = (label: number, group: string, number: number, variants = 0): ReadonlyArray<Weighed> =>
  ["original", ...Array.from({ length: variants }, (_, i) => `variant${i}`)].map((variant) => ({
    label,
    group,
    key: `${label}/${group}${number}`,
    variant
  }))

// Six of one dog and one each of two others; two guns of one source, which holds a dog's sound as well.
const samples: ReadonlyArray<Weighed> = [
  ...Array.from({ length: 6 }, (_, number) => recording(0, "a", number)).flat(),
  ...recording(0, "b", 0),
  ...recording(0, "c", 0),
  ...recording(1, "a", 0),
  ...recording(1, "a", 1)
]
const totalOf = (all: ReadonlyArray<Weighed>, weights: Float32Array, is: (sample: Weighed) => boolean) =>
  all.reduce((sum, sample, at) => sum + (is(sample) ? weights[at]! : 0), 0)
const shareOf = (weights: Float32Array, own: string) =>
  totalOf(samples, weights, ({ label, group }) => label === 0 && group === own) /
  totalOf(samples, weights, ({ label }) => label === 0)

test.each([
  ["same", 1 / 3],
  ["root", Math.sqrt(6) / (Math.sqrt(6) + 2)],
  ["by samples", 6 / 8]
] as const)("where sources weigh %s, one with six of a class's eight samples has a share of %f", (sources, share) => {
  const weights = weightsOf(samples, { balance: "balanced", sources, variants: null })
  expect(shareOf(weights, "a")).toBeCloseTo(share, 6)
  expect(shareOf(weights, "b")).toBeCloseTo((1 - share) / 2, 6)
})

test.each([
  ["balanced", 1],
  ["root", 2],
  ["none", 4]
] as const)("whatever sources weigh, classes of eight and two samples that are %s weigh %f to 1", (balance, ratio) => {
  for (const sources of ["same", "root", "by samples"] as const) {
    const weights = weightsOf(samples, { balance, sources, variants: null })
    const classTotal = (own: number) => totalOf(samples, weights, ({ label }) => label === own)
    expect(classTotal(0) / classTotal(1)).toBeCloseTo(ratio, 5)
    expect(classTotal(0) + classTotal(1)).toBeCloseTo(samples.length, 4)
  }
})

test.each([
  [null, 5 / 6],
  [0.5, 1 / 3],
  [0, 0]
])(
  "where variants weigh %p together, five of them have a share of %f, and change nothing between sources",
  (variants, share) => {
    const varied = [
      ...recording(0, "a", 0, 5),
      ...recording(0, "a", 1),
      ...recording(0, "b", 0),
      ...recording(1, "c", 0, 5)
    ]
    const weights = weightsOf(varied, { balance: "balanced", sources: "same", variants })
    const own = (group: string) => totalOf(varied, weights, (sample) => sample.group === group)
    const ofVariants = totalOf(varied, weights, ({ group, variant }) => group === "c" && variant !== "original")
    expect(ofVariants / own("c")).toBeCloseTo(share, 6)
    expect(own("a")).toBeCloseTo(own("b"), 5)
    expect(own("a") + own("b")).toBeCloseTo(own("c"), 5)
  }
)
