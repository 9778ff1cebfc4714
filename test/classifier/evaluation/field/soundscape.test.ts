import { expect, test } from "bun:test"
import fc from "fast-check"
import { loudestPart, power } from "../../../../src/classifier/evaluation/field/loudest.ts"
import {
  type FieldSound,
  makeSoundscape,
  type SoundscapeSettings
} from "../../../../src/classifier/evaluation/field/soundscape.ts"
import { seededRandom } from "../../../../src/sound/random.ts"

const RATE = 1000
const noise = (seed: number, seconds: number, level: number): Float32Array => {
  const random = seededRandom(seed)
  return Float32Array.from({ length: seconds * RATE }, () => level * (2 * random() - 1))
}
const backgrounds: ReadonlyArray<FieldSound> = [1, 2, 3].map((seed) => ({
  className: "clips",
  source: `wind ${seed}`,
  samples: noise(seed, seed + 1, 0.1 * seed)
}))
const sounds: ReadonlyArray<FieldSound> = ["dog", "gun"].flatMap((className, label) =>
  [1, 2].map((seed) => ({ className, source: `${className} ${seed}`, samples: noise(10 * label + seed, 4, 0.5) }))
)
const SETTINGS: SoundscapeSettings = {
  seconds: 120,
  sampleRate: RATE,
  perHour: 600,
  snr: [0, 12],
  eventSeconds: (className) => (className === "gun" ? 1.5 : 2.5),
  seed: 7
}
const make = (settings: Partial<SoundscapeSettings> = {}) =>
  makeSoundscape(backgrounds, sounds, { ...SETTINGS, ...settings })!

test("equal seeds give equal soundscapes, others do not", () => {
  const [one, same, other] = [make(), make(), make({ seed: 8 })]
  expect(same.events).toEqual(one.events)
  expect(same.render(0, 5000)).toEqual(one.render(0, 5000))
  expect(other.events).not.toEqual(one.events)
})

test("a soundscape is the same in whatever pieces it is heard", () => {
  const scape = make()
  const whole = scape.render(0, 120 * RATE)
  fc.assert(
    fc.property(fc.nat(119 * RATE), fc.integer({ min: 1, max: RATE }), (from, length) => {
      expect(scape.render(from, length)).toEqual(whole.subarray(from, from + length))
    }),
    { numRuns: 30 }
  )
})

test("events keep apart, are as long as asked at most, and as loud as their ratio says", () => {
  const { events, render, bed } = make()
  const quiet = make({ perHour: 0 })
  expect(quiet.events).toEqual([])
  expect(events.length).toBeGreaterThan(5)
  expect(new Set(events.map((event) => event.class))).toEqual(new Set(["dog", "gun"]))
  expect(bed[0]!.start).toBe(0)
  for (const [at, { start, end, snr, class: className, source }] of events.entries()) {
    expect(end - start).toBeCloseTo(className === "gun" ? 1.5 : 2.5, 6)
    expect(source).toStartWith(className)
    if (at > 0) expect(start - events[at - 1]!.end).toBeGreaterThanOrEqual(1)
    const [from, length] = [Math.round(start * RATE), Math.round((end - start) * RATE)]
    const [under, all] = [quiet.render(from, length), render(from, length)]
    const added = 10 * Math.log10(power(all.map((sample, i) => sample - under[i]!)) / power(under))
    expect(added).toBeCloseTo(snr!, 1)
    expect(snr).toBeWithin(0, 12)
  }
})

test("without a background or an event that sounds there is no soundscape", () => {
  const silent = (own: FieldSound) => ({ ...own, samples: new Float32Array(own.samples.length) })
  expect(makeSoundscape([], sounds, SETTINGS)).toBeUndefined()
  expect(makeSoundscape(backgrounds, [], SETTINGS)).toBeUndefined()
  expect(makeSoundscape(backgrounds.map(silent), sounds, SETTINGS)).toBeUndefined()
  expect(makeSoundscape(backgrounds, sounds.map(silent), SETTINGS)).toBeUndefined()
  // An event that is longer than all of it has no place.
  expect(make({ seconds: 1, perHour: 36_000 }).events).toEqual([])
})

test("the loudest part is where the energy is", () => {
  const samples = new Float32Array(100)
  samples.fill(0.5, 60, 70)
  expect(loudestPart(samples, 10)).toEqual(new Float32Array(10).fill(0.5))
  expect(loudestPart(samples, 1000)).toBe(samples)
})
