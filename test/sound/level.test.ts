import { expect, test } from "bun:test"
import fc from "fast-check"
import { asLoudAsClips, levelled } from "../../src/sound/level.ts"
import { seededRandom } from "../../src/sound/random.ts"

const RATE = 16_000

const noise = (seconds: number, loudness: number, seed = 1) => {
  const next = seededRandom(seed)
  return Float32Array.from({ length: seconds * RATE }, () => loudness * (2 * next() - 1))
}
const power = (samples: Float32Array) => samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length

test("whatever a recorder's gain, the same is heard", () => {
  const sound = noise(2, 0.05)
  const heard = levelled(sound, RATE)
  fc.assert(
    fc.property(fc.double({ min: -20, max: 20, noNaN: true }), (decibels) => {
      const gain = 10 ** (decibels / 20)
      const other = levelled(
        sound.map((sample) => gain * sample),
        RATE
      )
      for (let at = 0; at < sound.length; at += 97) expect(other[at]).toBeCloseTo(heard[at]!, 5)
    }),
    { numRuns: 20 }
  )
})

test("a loud call does not make what is around it quieter", () => {
  const quiet = noise(10, 0.01)
  const called = quiet.slice()
  called.set(noise(3, 0.9, 2), 5 * RATE)
  const [alone, beside] = [levelled(quiet, RATE), levelled(called, RATE)].map((heard) =>
    power(heard.subarray(0, 5 * RATE))
  )
  expect(beside! / alone!).toBeCloseTo(1, 1)
})

test("rumble does not make what is heard above it quieter", () => {
  const calm = noise(4, 0.01)
  const windy = calm.map((sample, at) => sample + 0.05 * Math.sin((2 * Math.PI * 20 * at) / RATE))
  const gain = (sound: Float32Array) => levelled(sound, RATE)[RATE]! / sound[RATE]!
  expect(gain(windy) / gain(calm)).toBeGreaterThan(0.9)
})

test("silence stays, and what is all but silent is raised by 40 dB at most", () => {
  const silence = new Float32Array(RATE)
  expect(levelled(silence, RATE)).toEqual(silence)
  const faint = noise(1, 1e-6)
  expect(power(levelled(faint, RATE)) / power(faint)).toBeCloseTo(1e4, -1)
  expect(levelled(new Float32Array([0.5]), RATE)).toHaveLength(1)
  expect(levelled(new Float32Array(), RATE)).toHaveLength(0)
})

test("a piece of a recording is as loud as a clip may be, whatever it was, and never beyond full scale", () => {
  const decibels = (samples: Float32Array) => 10 * Math.log10(power(samples))
  for (const [share, expected] of [
    [0, -37],
    [0.5, -25],
    [1, -13]
  ] as const) {
    for (const loudness of [1e-4, 0.01, 1])
      expect(decibels(asLoudAsClips(noise(1, loudness), share))).toBeCloseTo(expected, 3)
  }
  const click = new Float32Array(RATE)
  click[7] = 0.01
  expect(Math.max(...asLoudAsClips(click, 1))).toBeCloseTo(1, 6)
  const silence = new Float32Array(RATE)
  expect(asLoudAsClips(silence, 0.5)).toEqual(silence)
  expect(asLoudAsClips(new Float32Array(), 0.5)).toHaveLength(0)
})
