import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import { concatenate } from "../../src/sound/floats.ts"
import { Resampler, resample } from "../../src/sound/resample.ts"
import { noise } from "../support/signals.ts"
import { readVector, signalToNoise } from "../support/vectors.ts"

const tone = (frequency: number, rate: number, length: number): Float32Array =>
  Float32Array.from({ length }, (_, i) => Math.sin((2 * Math.PI * frequency * i) / rate))

/** Root mean square of the middle half, away from the ends. */
const level = (samples: Float32Array): number => {
  const middle = samples.subarray(samples.length >> 2, (3 * samples.length) >> 2)
  return Math.sqrt(middle.reduce((sum, x) => sum + x * x, 0) / middle.length)
}

describe("against soxr HQ, both ends included", () => {
  // What differs is the shape of the transition band, where this signal has noise and, at 22,050 Hz, a tone.
  for (const rate of [8000, 22_050, 44_100, 48_000]) {
    test(`${rate} Hz to 16 kHz agrees by 55 dB`, () => {
      const resampled = resample(readVector("augment", "signal.f32"), rate, 16_000)
      const expected = readVector("augment", `resample_${rate}.f32`)
      expect(Math.abs(resampled.length - expected.length)).toBeLessThanOrEqual(1)
      expect(signalToNoise(resampled, expected)).toBeGreaterThan(55)
    })
  }
})

describe("a tone", () => {
  for (const rate of [8000, 11_025, 22_050, 32_000, 44_100, 48_000, 96_000, 192_000, 17_959.4, 14_254.4]) {
    test(`of 1 kHz keeps its place and size from ${rate} Hz`, () => {
      const resampled = resample(tone(1000, rate, Math.floor(rate / 2)), rate, 16_000)
      const expected = tone(1000, 16_000, resampled.length)
      const middle = [resampled.length >> 2, (3 * resampled.length) >> 2] as const
      expect(signalToNoise(resampled.subarray(...middle), expected.subarray(...middle))).toBeGreaterThan(75)
    })
  }

  test("above the new Nyquist frequency is gone by 100 dB", () => {
    for (const rate of [22_050, 44_100, 96_000]) {
      for (const frequency of [8050, 9000, 10_500]) {
        expect(level(resample(tone(frequency, rate, rate), rate, 16_000))).toBeLessThan(1e-5)
      }
    }
  })

  test("leaves no image when the rate is raised", () => {
    const resampled = resample(tone(3000, 8000, 8000), 8000, 16_000)
    const rest = resampled.map((x, i) => x - Math.sin((2 * Math.PI * 3000 * i) / 16_000))
    expect(level(rest)).toBeLessThan(1e-4)
  })

  test("at nine tenths of the band passes whole", () => {
    expect(level(resample(tone(7200, 44_100, 44_100), 44_100, 16_000))).toBeCloseTo(Math.SQRT1_2, 4)
  })
})

test("an impulse comes out at its time, symmetric", () => {
  const impulse = new Float32Array(44_100)
  impulse[22_050] = 1
  const out = resample(impulse, 44_100, 16_000)
  expect(out.indexOf(Math.max(...out))).toBe(8000)
  for (let i = 1; i < 200; i++) expect(out[8000 + i]!).toBeCloseTo(out[8000 - i]!, 6)
})

test("length is ceil(length × to / from), values are finite, silence stays silent", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 3000 }),
      fc.constantFrom(8000, 16_000, 22_050, 44_100, 48_000, 96_000),
      fc.constantFrom(8000, 16_000, 48_000),
      (length, from, to) => {
        const loud = resample(new Float32Array(length).fill(0.5), from, to)
        expect(loud.length).toBe(Math.ceil((length * to) / from))
        expect(loud.every(Number.isFinite)).toBe(true)
        expect(resample(new Float32Array(length), from, to).every((x) => x === 0)).toBe(true)
      }
    ),
    { seed: 1, numRuns: 50 }
  )
})

test("a sum is resampled to the sum", () => {
  const a = tone(700, 22_050, 9000)
  const b = tone(2900, 22_050, 9000)
  const together = resample(
    a.map((x, i) => x + b[i]!),
    22_050,
    16_000
  )
  const apart = resample(b, 22_050, 16_000)
  const sum = resample(a, 22_050, 16_000).map((x, i) => x + apart[i]!)
  expect(signalToNoise(together, sum)).toBeGreaterThan(120)
})

test("many different rates in a row do not change the result of the first", () => {
  const samples = tone(440, 22_050, 4000)
  const first = resample(samples, 22_050, 16_000)
  for (let rate = 20_001; rate < 20_040; rate++) resample(samples.subarray(0, 50), rate, 16_000)
  expect(resample(samples, 22_050, 16_000)).toEqual(first)
})

test("a signal that comes piece by piece becomes what it becomes as a whole, bit for bit", () => {
  const rates = fc.constantFrom(8000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000, 192_000, 17_959.4, 250_000)
  fc.assert(
    fc.property(rates, fc.array(fc.nat(60_000), { maxLength: 8 }), (rate, lengths) => {
      const whole = Float32Array.from({ length: lengths.reduce((a, b) => a + b, 0) }, noise(lengths.length))
      const resampler = new Resampler(rate, 16_000)
      const parts: Array<Float32Array> = []
      let at = 0
      for (const length of lengths) {
        parts.push(...resampler.push(whole.subarray(at, at + length)))
        at += length
      }
      parts.push(...resampler.end())
      expect(Buffer.compare(bytesOf(concatenate(parts)), bytesOf(resample(whole, rate, 16_000)))).toBe(0)
    }),
    { seed: 1, numRuns: 60 }
  )
})

const bytesOf = (samples: Float32Array): Uint8Array => new Uint8Array(samples.slice().buffer)
