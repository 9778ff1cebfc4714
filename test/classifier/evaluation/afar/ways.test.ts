import { expect, test } from "bun:test"
import { hearAfar, WAYS, type Way, wayOf } from "../../../../src/classifier/evaluation/afar/ways.ts"
import { loudestPart, power } from "../../../../src/classifier/evaluation/field/loudest.ts"
import type { FieldSound } from "../../../../src/classifier/evaluation/field/soundscape.ts"

const RATE = 16_000

const tone = (hertz: number, seconds: number, level = 0.3): Float32Array =>
  Float32Array.from({ length: RATE * seconds }, (_, at) => level * Math.sin((2 * Math.PI * hertz * at) / RATE))

const of = (source: string, samples: Float32Array): FieldSound => ({ className: "any", source, samples })

/** What is left of a tone in a sound: the share of its amplitude. */
const amount = (samples: Float32Array, hertz: number): number => {
  let [re, im] = [0, 0]
  for (const [at, sample] of samples.entries()) {
    re += sample * Math.cos((2 * Math.PI * hertz * at) / RATE)
    im += sample * Math.sin((2 * Math.PI * hertz * at) / RATE)
  }
  return (2 * Math.hypot(re, im)) / samples.length
}

const way = (name: string): Way => wayOf(name)!

const heardAs = (name: string, sound: FieldSound, backgrounds: ReadonlyArray<FieldSound> = [], key = "a") =>
  hearAfar([way(name)], key, sound, RATE, backgrounds, 0)[0]

test("each way has its name, and what is none is no way", () => {
  expect(WAYS.map((name) => wayOf(name)?.name)).toEqual([...WAYS])
  expect(["", "dB", "0", "0 dB", "0kHz", "0.05kHz", "-2kHz", "Forest", "1e3dB"].map(wayOf)).toEqual(
    new Array(9).fill(undefined)
  )
})

test("a recording is as many dB above the background as the way says, by its loudest second, and stays as loud", () => {
  // A second of sound in three.
  const sound = tone(1000, 3).map((sample, at) => (at >= RATE && at < 2 * RATE ? sample : 0))
  const background = tone(3000, 2, 0.02)
  for (const ratio of [10, 0, -5]) {
    const mixed = heardAs(`${ratio}dB`, of("a", sound), [of("b", background)])!
    expect(mixed.length).toBe(sound.length)
    expect(power(mixed) / power(sound)).toBeCloseTo(1, 4)
    const second = loudestPart(sound, RATE).length
    const event = amount(mixed.subarray(RATE, RATE + second), 1000)
    const bed = amount(mixed.subarray(RATE, RATE + second), 3000)
    expect(20 * Math.log10(event / bed)).toBeCloseTo(ratio, 1)
  }
})

test("the background is another source's, the same one each time", () => {
  const [own, other] = [of("a", tone(500, 1)), of("b", tone(3000, 1))]
  for (let at = 0; at < 10; at++) {
    const mixed = heardAs("0dB", of("a", tone(1000, 1)), [own, other], `key ${at}`)!
    expect(amount(mixed, 500)).toBeLessThan(1e-3)
    expect(amount(mixed, 3000)).toBeGreaterThan(0.1)
    expect(heardAs("0dB", of("a", tone(1000, 1)), [own, other], `key ${at}`)).toEqual(mixed)
  }
  expect(heardAs("0dB", of("a", tone(1000, 1)), [own])).toBeUndefined()
})

test("what lies above so many kHz is gone, what lies below stays", () => {
  const high = tone(3000, 1)
  const sound = tone(700, 1).map((sample, at) => sample + high[at]!)
  const heard = heardAs("2kHz", of("a", sound))!
  expect(amount(heard, 700)).toBeCloseTo(0.3, 2)
  expect(amount(heard, 3000)).toBeLessThan(1e-3)
  // Nothing lies above what 16 kHz can hold.
  expect(heardAs("8kHz", of("a", sound))).toEqual(sound)
})

test("a forest answers a click with as much energy again, and rings on", () => {
  const click = new Float32Array(RATE)
  click[0] = 1
  const heard = heardAs("forest", of("a", click))!
  expect(heard.length).toBeGreaterThan(click.length)
  expect(heard[0]! ** 2).toBeCloseTo(0.5, 1)
  const total = heard.reduce((sum, sample) => sum + sample * sample, 0)
  const late = heard.subarray(RATE / 2).reduce((sum, sample) => sum + sample * sample, 0)
  expect(total).toBeWithin(0.6, 1.1)
  expect(late).toBeWithin(1e-6, 0.05)
  expect(heardAs("forest", of("a", click), [], "another")).not.toEqual(heard)
})
