import { describe, expect, test } from "bun:test"
import { createHash } from "node:crypto"
import fc from "fast-check"
import { drawVariants } from "../../src/augment/draw.ts"
import { MAX_AUGMENTATIONS, VARIANTS } from "../../src/augment/variants.ts"

const hashOf = (text: string): string => createHash("sha256").update(text).digest("hex")
const hashes = fc.string().map(hashOf)
const counts = fc.integer({ min: 0, max: MAX_AUGMENTATIONS })

test("the original comes first, then as many variants as asked for, without repeats", () => {
  fc.assert(
    fc.property(hashes, counts, (hash, count) => {
      const names = drawVariants(hash, count).map(({ variant }) => variant)
      expect(names[0]).toBe("original")
      expect(names.length).toBe(count + 1)
      expect(new Set(names).size).toBe(count + 1)
    }),
    { seed: 1 }
  )
})

test("one recording always gets the same draws, and fewer are the first of more", () => {
  fc.assert(
    fc.property(hashes, counts, counts, (hash, a, b) => {
      expect(drawVariants(hash, Math.min(a, b))).toEqual(
        drawVariants(hash, Math.max(a, b)).slice(0, Math.min(a, b) + 1)
      )
    }),
    { seed: 1 }
  )
})

test("there are EcoSight's eleven variants with their parameters", () => {
  const all = drawVariants(hashOf("any"), MAX_AUGMENTATIONS).slice(1)
  expect(Object.fromEntries(all.map(({ variant, parameters }) => [variant, Object.keys(parameters)]))).toMatchObject({
    time_stretch_fast: ["rate"],
    time_stretch_slow: ["rate"],
    pitch_up: ["semitones"],
    pitch_down: ["semitones"],
    noise_light: ["sigma"],
    noise_medium: ["sigma"],
    time_shift: ["fraction"],
    volume_up: ["gain"],
    volume_down: ["gain"],
    combined_1: ["rate", "sigma"],
    combined_2: ["semitones", "gain"]
  })
  expect<unknown>(Object.fromEntries(all.map(({ variant, parameters }) => [variant, parameters]))).toMatchObject({
    time_stretch_fast: { rate: 1.1 },
    time_stretch_slow: { rate: 0.9 },
    pitch_up: { semitones: 2 },
    pitch_down: { semitones: -2 },
    noise_light: { sigma: 0.002 },
    noise_medium: { sigma: 0.005 },
    volume_up: { gain: 1.2 },
    volume_down: { gain: 0.8 },
    combined_1: { rate: 1.05, sigma: 0.003 },
    combined_2: { semitones: 1, gain: 0.9 }
  })
})

describe("over many recordings", () => {
  const plans = Array.from({ length: 4000 }, (_, i) => drawVariants(hashOf(`recording ${i}`), 5).slice(1))
  const draws = plans.flat()

  test("every variant is drawn as often as every other, in every place", () => {
    const expected = plans.length / MAX_AUGMENTATIONS
    // Four standard errors: 73 where 364 of 4000 are expected, each of eleven.
    const bound = Math.ceil(4 * Math.sqrt(expected * (1 - 1 / MAX_AUGMENTATIONS)))
    for (let place = 0; place < 5; place++) {
      for (const name of Object.keys(VARIANTS)) {
        const count = plans.filter((plan) => plan[place]!.variant === name).length
        expect(Math.abs(count - expected)).toBeLessThan(bound)
      }
    }
  })

  test("shifts spread evenly over ±15 %", () => {
    const fractions = draws.flatMap(({ parameters }) => parameters.fraction ?? [])
    expect(Math.max(...fractions.map(Math.abs))).toBeLessThanOrEqual(0.15)
    for (let from = -0.15; from < 0.149; from += 0.05) {
      const count = fractions.filter((x) => x >= from && x < from + 0.05).length
      expect(Math.abs(count / fractions.length - 1 / 6)).toBeLessThan(0.04)
    }
  })

  test("no two draws share a seed that noise would repeat", () => {
    const noisy = draws.filter(({ parameters }) => parameters.sigma !== undefined)
    expect(new Set(noisy.map(({ seed }) => seed)).size).toBeGreaterThan(0.999 * noisy.length)
  })
})

test("a count that cannot be drawn is an error", () => {
  for (const count of [-1, MAX_AUGMENTATIONS + 1, 2.5, Number.NaN]) {
    expect(() => drawVariants(hashOf(""), count)).toThrow(`a whole number from 0 to ${MAX_AUGMENTATIONS}`)
  }
})

test("further variants come after those drawn, and change none of them", () => {
  const hash = hashOf("any")
  const further = drawVariants(hash, 5, ["low_pass"])
  expect(further.slice(0, 6)).toEqual([...drawVariants(hash, 5)])
  expect(further.slice(6).map(({ variant }) => variant)).toEqual(["low_pass"])
  const cutoffs = Array.from(
    { length: 500 },
    (_, at) => drawVariants(hashOf(`recording ${at}`), 0, ["low_pass"])[1]!.parameters.cutoff!
  )
  expect(Math.min(...cutoffs)).toBeWithin(1000, 1200)
  expect(Math.max(...cutoffs)).toBeWithin(3800, 4001)
  // 0.41 of them are expected.
  expect(cutoffs.filter((cutoff) => cutoff < 2000).length / 500).toBeWithin(0.33, 0.5)
})
