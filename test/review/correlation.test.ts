import { expect, test } from "bun:test"
import fc from "fast-check"
import { correlate, sizeFor, spectrumOfChanges } from "../../src/review/correlation.ts"
import { seededRandom } from "../../src/sound/random.ts"
import golden from "../golden/review/review.json"

const correlation = (one: Float32Array, other: Float32Array) => {
  const size = sizeFor(one.length, other.length)
  return correlate(spectrumOfChanges(one, size), spectrumOfChanges(other, size))
}
const noise = (seed: number, length: number) => {
  const random = seededRandom(seed)
  return Float32Array.from({ length }, () => random() - 0.5)
}

test("the peak is SciPy's", () => {
  const [one, other] = golden.signals.map((samples) => Float32Array.from(samples))
  expect(correlation(one!, other!)).toBeCloseTo(golden.correlation, 5)
})

test("a sound is itself at any gain, polarity and shift, and noise is not", () => {
  fc.assert(
    fc.property(fc.nat(1000), fc.double({ min: 0.01, max: 10, noNaN: true }), fc.nat(200), (seed, gain, shift) => {
      const sound = noise(seed, 500)
      const moved = new Float32Array(700)
      for (let i = 0; i < 500; i++) moved[i + shift] = -gain * sound[i]!
      expect(correlation(sound, moved)).toBeGreaterThan(0.99)
      expect(correlation(sound, noise(seed + 1001, 600))).toBeLessThan(0.4)
    })
  )
})

test("silence and constants are like nothing, and nothing is like nothing", () => {
  const constant = new Float32Array(100).fill(0.3)
  expect(correlation(constant, constant)).toBe(0)
  expect(correlation(new Float32Array(100), noise(1, 100))).toBe(0)
  expect(correlation(new Float32Array(), noise(1, 100))).toBe(0)
})
