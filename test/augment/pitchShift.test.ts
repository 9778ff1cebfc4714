import { expect, test } from "bun:test"
import fc from "fast-check"
import { pitchShift } from "../../src/augment/pitchShift.ts"
import { spectrumOf } from "../../src/sound/fft.ts"
import { made } from "../support/variants.ts"
import { readVector, signalToNoise } from "../support/vectors.ts"

const SEMITONES = [2, -2, 1]

for (const semitones of SEMITONES) {
  test(`${semitones} semitones agree with librosa by 60 dB, from the first sample to the last`, () => {
    const shifted = made(pitchShift(semitones), readVector("augment", "signal.f32"))
    const expected = readVector("augment", `pitch_${semitones}.f32`)
    expect(shifted.length).toBe(expected.length)
    expect(signalToNoise(shifted, expected)).toBeGreaterThan(60)
  })
}

/** Frequency of the highest peak in Hz, by a parabola through the logarithms of three bins. */
const peak = (samples: Float32Array): number => {
  const size = 8192
  const frame = Float64Array.from(
    { length: size },
    (_, i) => samples[2000 + i]! * (0.5 - 0.5 * Math.cos((2 * Math.PI * i) / size))
  )
  const { re, im } = spectrumOf(frame)
  const level = re.map((x, k) => Math.log(Math.hypot(x, im[k]!)))
  const k = level.indexOf(Math.max(...level))
  const [a, b, c] = [level[k - 1]!, level[k]!, level[k + 1]!]
  return ((k + (0.5 * (a - c)) / (a - 2 * b + c)) * 16_000) / size
}

test("a tone's peak moves by the interval, within 5 cents", () => {
  fc.assert(
    fc.property(fc.double({ min: 150, max: 5000, noNaN: true }), fc.constantFrom(...SEMITONES), (hz, semitones) => {
      const tone = Float32Array.from({ length: 14_000 }, (_, i) => 0.5 * Math.sin((2 * Math.PI * hz * i) / 16_000))
      const cents = 1200 * Math.log2(peak(made(pitchShift(semitones), tone)) / hz)
      expect(Math.abs(cents - 100 * semitones)).toBeLessThan(5)
    }),
    { seed: 1, numRuns: 40 }
  )
})

test("what would lie above the band is removed, not folded back", () => {
  const tone = Float32Array.from({ length: 16_000 }, (_, i) => 0.5 * Math.sin((2 * Math.PI * 7500 * i) / 16_000))
  const shifted = made(pitchShift(2), tone).subarray(4000, 12_000)
  expect(Math.max(...shifted.map(Math.abs))).toBeLessThan(1e-3)
})

test("the length stays for any length", () => {
  fc.assert(
    fc.property(fc.integer({ min: 400, max: 5000 }), fc.constantFrom(...SEMITONES), (length, semitones) => {
      const shifted = made(pitchShift(semitones), new Float32Array(length).fill(0.25))
      expect(shifted.length).toBe(length)
      expect(shifted.every(Number.isFinite)).toBe(true)
    }),
    { seed: 1, numRuns: 30 }
  )
})
