import { expect, test } from "bun:test"
import { noise as variant } from "../../src/augment/noise.ts"
import { made } from "../support/variants.ts"

const noise = (length: number, sigma: number, seed: number): Float32Array =>
  made(variant(sigma), new Float32Array(length), { seed })

const deviation = (samples: Float32Array): number =>
  Math.sqrt(samples.reduce((sum, x) => sum + x * x, 0) / samples.length)

test("noise has its stated sigma within 3 %, for every seed", () => {
  for (const sigma of [0.002, 0.003, 0.005]) {
    for (let seed = 0; seed < 20; seed++) {
      expect(Math.abs(deviation(noise(64_000, sigma, seed)) / sigma - 1)).toBeLessThan(0.03)
    }
  }
})

test("it is normal: no mean, no skew, and what lies beyond each sigma is what a normal distribution has there", () => {
  const n = 2_000_000
  const samples = noise(n, 1, 12_345)
  const mean = samples.reduce((sum, x) => sum + x, 0) / n
  const skew = samples.reduce((sum, x) => sum + x ** 3, 0) / n
  const kurtosis = samples.reduce((sum, x) => sum + x ** 4, 0) / n
  // Four standard errors each: 1, √15 and √96 over √n.
  expect(Math.abs(mean)).toBeLessThan(4 / Math.sqrt(n))
  expect(Math.abs(skew)).toBeLessThan((4 * Math.sqrt(15)) / Math.sqrt(n))
  expect(Math.abs(kurtosis - 3)).toBeLessThan((4 * Math.sqrt(96)) / Math.sqrt(n))
  for (const [sigmas, share] of [
    [0.5, 0.617075],
    [1, 0.317311],
    [2, 0.0455],
    [3, 0.0026998],
    [4, 6.334e-5]
  ] as const) {
    const beyond = samples.filter((x) => Math.abs(x) > sigmas).length
    expect(Math.abs(beyond - n * share)).toBeLessThan(4 * Math.sqrt(n * share))
  }
})

test("it is white: neighbours up to 50 samples apart are not related", () => {
  const n = 500_000
  const samples = noise(n, 1, 7)
  for (let lag = 1; lag <= 50; lag++) {
    let sum = 0
    for (let i = lag; i < n; i++) sum += samples[i]! * samples[i - lag]!
    expect(Math.abs(sum)).toBeLessThan(4.5 * Math.sqrt(n))
  }
})

test("a seed gives the same noise each time, another seed other noise", () => {
  expect(noise(1000, 0.002, 5)).toEqual(noise(1000, 0.002, 5))
  const [a, b] = [noise(50_000, 1, 5), noise(50_000, 1, 6)]
  const product = a.reduce((sum, x, i) => sum + x * b[i]!, 0)
  expect(Math.abs(product)).toBeLessThan(4.5 * Math.sqrt(50_000))
})

test("it is added to the clip, which stays as it was", () => {
  const clip = Float32Array.from({ length: 100 }, (_, i) => i / 100)
  const before = clip.slice()
  const noisy = made(variant(0.01), clip, { seed: 3 })
  const alone = noise(100, 0.01, 3)
  expect(clip).toEqual(before)
  for (let i = 0; i < 100; i++) expect(noisy[i]!).toBeCloseTo(clip[i]! + alone[i]!, 6)
})
