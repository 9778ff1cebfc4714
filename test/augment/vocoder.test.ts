import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import { stretchTo } from "../../src/augment/vocoder.ts"
import { readVector, relativeError } from "../support/vectors.ts"

const RATES = [1.1, 0.9, 1.05]
const stretch = (samples: Float32Array, rate: number): Float32Array => stretchTo(samples, [rate])[0]!

// The last is near the fastest that the kernels' ring of frames allows.
for (const rate of [...RATES, 2.9]) {
  test(`rate ${rate} agrees with librosa to 5e-6, from the first sample to the last`, () => {
    const expected = readVector("augment", `stretch_${rate}.f32`)
    const stretched = stretch(readVector("augment", "signal.f32"), rate)
    expect(stretched.length).toBe(expected.length)
    expect(relativeError(stretched, expected)).toBeLessThan(5e-6)
  })
}

test("several rates at once give the samples that each gives alone", () => {
  const signal = readVector("augment", "signal.f32")
  const together = stretchTo(signal, RATES)
  for (const [i, rate] of RATES.entries()) expect(together[i]).toEqual(stretch(signal, rate))
})

test("rate 1 gives the clip back", () => {
  const signal = readVector("augment", "signal.f32")
  expect(relativeError(stretch(signal, 1), signal)).toBeLessThan(1e-6)
})

test("rates that the kernels cannot follow are refused", () => {
  for (const rate of [0, -1, 3.01, Number.NaN]) expect(() => stretch(new Float32Array(5000), rate)).toThrow(RangeError)
})

test("the length is the clip's divided by the rate, rounded, and samples are finite for any length", () => {
  fc.assert(
    fc.property(fc.integer({ min: 400, max: 6000 }), fc.constantFrom(...RATES), (length, rate) => {
      const stretched = stretch(new Float32Array(length).fill(0.25), rate)
      expect(stretched.length).toBe(Math.round(length / rate))
      expect(stretched.every(Number.isFinite)).toBe(true)
    }),
    { seed: 1, numRuns: 40 }
  )
})

test("silence stays silent", () => {
  expect(stretch(new Float32Array(5000), 1.1).every((x) => x === 0)).toBe(true)
})

// At its old frequency, to 1 Hz: half a second of a tone that is off by 2 Hz would cancel itself out. A tone's level drops
// by up to a tenth, in librosa too.
test("a tone keeps its frequency", () => {
  const tone = Float32Array.from({ length: 16_000 }, (_, i) => 0.5 * Math.sin(0.3 * i))
  for (const rate of RATES) {
    const middle = stretch(tone, rate).subarray(4000, 12_000)
    let re = 0
    let im = 0
    for (let i = 0; i < middle.length; i++) {
      re += middle[i]! * Math.cos(0.3 * i)
      im += middle[i]! * Math.sin(0.3 * i)
    }
    expect((2 * Math.hypot(re, im)) / middle.length).toBeGreaterThan(0.45)
  }
})

describe("an onset", () => {
  const MILLISECOND = 16

  /** Milliseconds by which the loudest sample of a stretched click is late. */
  const lateness = (at: number, rate: number): number => {
    const click = new Float32Array(16_000)
    click[at] = 0.9
    const sizes = stretch(click, rate).map(Math.abs)
    return (sizes.indexOf(Math.max(...sizes)) - at / rate) / MILLISECOND
  }

  /** When the level over 10 ms first reaches half of a full tone's, in samples. */
  const risesAt = (samples: Float32Array): number => {
    const span = 10 * MILLISECOND
    let energy = 0
    for (let i = 0; i < samples.length; i++) {
      energy += samples[i]! ** 2 - (samples[i - span] ?? 0) ** 2
      if (i >= span && energy / span > 0.25 ** 2 / 2) return i - span / 2
    }
    return Number.NaN
  }

  // librosa's vocoder takes phases from the frame before each step, so what is sudden comes up to a hop late: this is
  // what agreeing with it means. Measured: -1 to 33 ms.
  test("that is sudden lands between 10 ms early and a hop and 10 ms late", () => {
    for (const rate of RATES) {
      for (let at = 3000; at < 13_000; at += 617) {
        expect(lateness(at, rate)).toBeGreaterThan(-10)
        expect(lateness(at, rate)).toBeLessThan(32 + 10)
      }
    }
  })

  test("that swells over 200 ms lands within 10 ms", () => {
    for (const rate of [0.9, 1.05]) {
      for (let at = 6000; at < 8000; at += 131) {
        const swell = Float32Array.from({ length: 20_000 }, (_, i) => {
          const progress = Math.min(1, Math.max(0, (i - at) / 3200))
          return 0.5 * (0.5 - 0.5 * Math.cos(Math.PI * progress)) * Math.sin((2 * Math.PI * i) / 16)
        })
        const late = risesAt(stretch(swell, rate)) - risesAt(swell) / rate
        expect(Math.abs(late) / MILLISECOND).toBeLessThan(10)
      }
    }
  })
})
