import { expect, test } from "bun:test"
import fc from "fast-check"
import { featureScale, foldFeatureScale, standardiseFeatures } from "../../src/classifier/featureScale.ts"
import { standardise } from "../../src/classifier/features/embedding.ts"
import { initialWeights } from "../../src/classifier/initial.ts"
import { seededRandom } from "../../src/sound/random.ts"
import { gaussian, SMALL } from "../support/problems.ts"

const close = (actual: ArrayLike<number>, expected: ArrayLike<number>, digits: number) => {
  expect(actual.length).toBe(expected.length)
  for (let i = 0; i < expected.length; i++) expect(actual[i]).toBeCloseTo(expected[i]!, digits)
}

/** Clips of 6 features, each standardised. */
const standardised = (given: Float32Array): Float32Array =>
  Float32Array.from(
    Array.from({ length: given.length / 6 }, (_, clip) => [
      ...standardise(given.subarray(6 * clip, 6 * clip + 6))
    ]).flat()
  )

const rows = (count: number, seed: number) => {
  const random = seededRandom(seed)
  return Float32Array.from({ length: count * 6 }, (_, i) => (1 + (i % 6)) * gaussian(random) + (i % 6))
}

test("a clip's level and offset do not matter, and standardising twice changes nothing", () => {
  fc.assert(
    fc.property(
      fc.integer(),
      fc.double({ min: 0.1, max: 100, noNaN: true }),
      fc.double({ min: -50, max: 50, noNaN: true }),
      (seed, scale, offset) => {
        const once = standardised(rows(2, seed))
        close(standardised(once), once, 4)
        close(standardised(rows(2, seed).map((value) => value * scale + offset)), once, 2)
      }
    ),
    { numRuns: 50 }
  )
})

test("a constant clip becomes zeros, not NaN", () => {
  expect(standardised(new Float32Array(6).fill(3))).toEqual(new Float32Array(6))
})

test("features end up with mean 0 and deviation 1, those that hardly vary with less", () => {
  const given = rows(500, 1).map((value, i) => (i % 6 === 2 ? 0.5 + value / 1000 : value))
  const scale = featureScale(given, 6, 0.3)
  expect(scale.deviation[2]).toBe(0.3)
  standardiseFeatures(given, scale)
  const after = featureScale(given, 6, 0.3)
  close(after.mean, new Float64Array(6), 5)
  close(
    after.deviation.filter((_, feature) => feature !== 2),
    new Float64Array(5).fill(1),
    5
  )
})

test("folded into the first layer, the features' scale has the same effect", () => {
  const network = SMALL.mlp
  const weights = initialWeights(network, seededRandom(3))
  const clips = standardised(rows(20, 2))
  const scale = featureScale(standardised(rows(50, 4)), 6, 0.3)
  const firstLayer = (input: Float32Array, kernel: Float32Array, bias: Float32Array) =>
    Array.from({ length: 20 * bias.length }, (_, at) => {
      const [row, unit] = [Math.floor(at / bias.length), at % bias.length]
      return Array.from({ length: 6 }, (_, i) => input[row * 6 + i]! * kernel[i * bias.length + unit]!).reduce(
        (sum, product) => sum + product,
        bias[unit]!
      )
    })
  const folded = foldFeatureScale(network, weights, scale)
  const actual = firstLayer(clips, folded.kernel0!, folded.bias0!)
  const both = clips.slice()
  standardiseFeatures(both, scale)
  close(actual, firstLayer(both, weights.kernel0!, weights.bias0!), 5)
  expect(folded.kernel0).not.toEqual(weights.kernel0!)
  expect(folded.kernel1).toBe(weights.kernel1!)
})
