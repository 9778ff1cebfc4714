import { expect, test } from "bun:test"
import fc from "fast-check"
import { decisionThresholds, fitTemperature, foldTemperature, temper } from "../../src/classifier/calibrate.ts"
import { predict } from "../../src/classifier/classifier.ts"
import { networkOf } from "../../src/classifier/denseNetwork.ts"
import { FEATURES } from "../../src/classifier/features/kinds.ts"
import { HEADS } from "../../src/classifier/heads/heads.ts"
import { initialWeights } from "../../src/classifier/initial.ts"
import { seededRandom } from "../../src/sound/random.ts"
import golden from "../golden/classifier/temperature.json"
import { gaussian } from "../support/problems.ts"

test.each(golden.cases.map((example) => [example.temperature, example] as const))(
  "the temperature %d is SciPy's",
  (temperature, { labels, probabilities }) => {
    const fitted = fitTemperature({ labels, probabilities: Float32Array.from(probabilities) })
    expect(Math.abs(fitted / temperature - 1)).toBeLessThan(1e-4)
  }
)

test("fewer than ten recordings do not change anything", () => {
  expect(fitTemperature({ labels: [0, 1], probabilities: Float32Array.of(0.9, 0.1, 0.9, 0.1) })).toBe(1)
  expect(decisionThresholds({ labels: [0, 1], probabilities: Float32Array.of(0.9, 0.1, 0.9, 0.1) }, 2)).toEqual([0, 0])
})

test.each(["mlp", "linear"] as const)("a temperature folded into %s is the one applied to its answers", (head) => {
  const features = FEATURES.embedding.make(1024, {}, [])
  const network = networkOf(HEADS[head].description, features.width, 3)
  const random = seededRandom(2)
  const weights = initialWeights(network, random)
  const vectors = Float32Array.from({ length: 4 * 1024 }, () => Math.max(0, gaussian(random)))
  const expected = temper(predict({ features, network, weights }, vectors), 3, 0.4)
  const actual = predict({ features, network, weights: foldTemperature(network, weights, 0.4) }, vectors)
  for (const [at, probability] of expected.entries()) expect(actual[at]).toBeCloseTo(probability, 5)
})

test("all but a twentieth of the recordings rightly taken for a class reach its threshold, whatever else is taken for it", () => {
  const outcome = fc.record({ label: fc.nat(2), predicted: fc.nat(2), level: fc.integer({ min: 40, max: 99 }) })
  fc.assert(
    fc.property(fc.array(outcome, { minLength: 30, maxLength: 120 }), (outcomes) => {
      const held = (of: typeof outcomes) => ({
        labels: of.map(({ label }) => label),
        probabilities: Float32Array.from(
          of.flatMap(({ predicted, level }) =>
            [0, 1, 2].map((label) => (label === predicted ? level / 100 : (100 - level) / 200))
          )
        )
      })
      const right = outcomes.filter(({ label, predicted }) => label === predicted)
      const thresholds = decisionThresholds(held(outcomes), 3)
      for (const [label, threshold] of thresholds.entries()) {
        const own = right.filter(({ predicted }) => predicted === label)
        if (own.length < 10) continue
        const levels = own.map(({ level }) => Math.fround(level / 100))
        const share = (from: number) => levels.filter((level) => level >= from).length / levels.length
        expect(levels).toContain(threshold)
        expect(share(threshold)).toBeGreaterThanOrEqual(0.95)
        expect(share(threshold + 1e-6)).toBeLessThan(0.95 + 1 / levels.length)
      }
      if (right.length >= 10) expect(decisionThresholds(held(right), 3)).toEqual([...thresholds])
    })
  )
})
