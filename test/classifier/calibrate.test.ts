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
  const features = FEATURES.embedding.make(1024, {})
  const network = networkOf(HEADS[head].description, features.width, 3)
  const random = seededRandom(2)
  const weights = initialWeights(network, random)
  const vectors = Float32Array.from({ length: 4 * 1024 }, () => Math.max(0, gaussian(random)))
  const expected = temper(predict({ features, network, weights }, vectors), 3, 0.4)
  const actual = predict({ features, network, weights: foldTemperature(network, weights, 0.4) }, vectors)
  for (const [at, probability] of expected.entries()) expect(actual[at]).toBeCloseTo(probability, 5)
})

test("from its threshold on, nine of ten recordings taken for a class are of it", () => {
  const outcome = fc.record({ label: fc.nat(2), predicted: fc.nat(2), level: fc.integer({ min: 40, max: 99 }) })
  fc.assert(
    fc.property(fc.array(outcome, { minLength: 30, maxLength: 120 }), (outcomes) => {
      const labels = outcomes.map(({ label }) => label)
      const probabilities = Float32Array.from(
        outcomes.flatMap(({ predicted, level }) =>
          [0, 1, 2].map((label) => (label === predicted ? level / 100 : (100 - level) / 200))
        )
      )
      for (const [label, threshold] of decisionThresholds({ labels, probabilities }, 3).entries()) {
        const own = outcomes.filter(({ predicted }) => predicted === label)
        if (own.length < 10) continue
        const rightFrom = (level: number) => {
          const above = own.filter((one) => Math.fround(one.level / 100) >= level)
          return above.filter(({ label: is, predicted }) => is === predicted).length / above.length
        }
        const levels = own.map(({ level }) => Math.fround(level / 100))
        const good = levels.filter((level) => rightFrom(level) >= 0.9)
        expect(threshold).toBe(good.length > 0 ? Math.min(...good) : Math.max(...levels))
      }
    })
  )
})
