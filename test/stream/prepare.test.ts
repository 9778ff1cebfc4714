import { describe, expect, test } from "bun:test"
import { Effect } from "effect"
import { evenWeights } from "../../src/embedder/frontEnd.ts"
import { frontEnd } from "../../src/embedder/yamnet/frontEnd.ts"
import { PATCH_SIZE } from "../../src/embedder/yamnet/logMel.ts"
import { patchWeights } from "../../src/embedder/yamnet/pooling.ts"
import { decodeClip } from "../../src/sound/decode/decode.ts"
import { encodeWav } from "../../src/sound/wav.ts"
import { LoudestStretch } from "../../src/stream/loudness.ts"
import { prepareRecording } from "../../src/stream/prepare.ts"
import { encode, wave } from "../support/pcmFiles.ts"
import { noise } from "../support/signals.ts"

test("what nobody could hear is silent: next to nothing, a constant, sound beyond the front-end's band", async () => {
  const silent = async (sample: (i: number) => number, sampleRate = 16_000) => {
    const samples = Float64Array.from({ length: sampleRate }, (_, i) => sample(i))
    const file = wave(encode(samples, { kind: "float", bits: 32, bytes: 4 }), { coding: 3, bits: 32, rate: sampleRate })
    const settings = { clipMaxSeconds: 30, augmentations: 0, audit: false }
    return (await Effect.runPromise(prepareRecording(file, "c0ffee", frontEnd, settings))).silent
  }
  expect(await silent(() => 0)).toBe(true)
  expect(await silent(() => 0.25, 44_100)).toBe(true)
  expect(await silent((i) => 5e-5 * Math.sin(i))).toBe(true)
  expect(await silent((i) => -0.5 + 5e-5 * Math.sin(i), 48_000)).toBe(true)
  expect(
    await silent((i) => 0.5 * Math.sin(2 * Math.PI * 0.4 * i) * Math.sin((Math.PI * i) / 192_000) ** 2, 192_000)
  ).toBe(true)
  expect(await silent((i) => 1e-3 * Math.sin(i))).toBe(false)
})

test("a recording's patches count by their energy, those of its variants all the same", async () => {
  const samples = Float32Array.from({ length: 48_000 }, (_, i) => (i > 30_000 ? 0.5 : 0.01) * Math.sin(i * i))
  const { bytes } = encodeWav({ samples, sampleRate: 16_000 })
  const { variants } = await Effect.runPromise(
    prepareRecording(bytes, "c0ffee", frontEnd, { clipMaxSeconds: 30, augmentations: 3, audit: false })
  )
  const [original, ...others] = variants
  expect(original!.weights).toEqual(patchWeights(original!.patches))
  expect(Math.max(...original!.weights)).toBeGreaterThan(0.3)
  expect(others).toHaveLength(3)
  for (const { weights, patches } of others) expect(weights).toEqual(evenWeights(patches.length / PATCH_SIZE))
})

test("a variant that is a recording as heard elsewhere is made where it is asked for, and counts as an original does", async () => {
  const samples = Float32Array.from({ length: 48_000 }, (_, i) => (i > 30_000 ? 0.5 : 0.01) * Math.sin(0.1 * i))
  const { bytes } = encodeWav({ samples, sampleRate: 16_000 })
  const settings = { clipMaxSeconds: 30, augmentations: 1, variants: ["low_pass"], audit: false } as const
  const { variants } = await Effect.runPromise(prepareRecording(bytes, "c0ffee", frontEnd, settings))
  expect(variants.length).toBe(3)
  const { draw, weights, patches } = variants[2]!
  expect(draw.variant).toBe("low_pass")
  expect(weights).toEqual(patchWeights(patches))
})

describe("a clip that is longer than CLIP_MAX_SECONDS", () => {
  const RATE = 16_000
  const hiss = noise(1)
  /** A call in the 50th second, in next to nothing. */
  const callAt = (seconds: number, from = 49) =>
    Float32Array.from({ length: seconds * RATE }, (_, i) => {
      const isCall = i >= from * RATE && i < (from + 1) * RATE
      return isCall ? 0.5 * Math.sin(0.4 * i) : 0.002 * hiss()
    })
  const settings = { clipMaxSeconds: 30, augmentations: 2, audit: true }
  const prepareSound = (samples: Float32Array, own = settings) => {
    const { bytes } = encodeWav({ samples, sampleRate: RATE })
    return Effect.runPromise(prepareRecording(bytes, "c0ffee", frontEnd, own))
  }

  /** Samples as they come out of a file of 16 bits. */
  const decodedOf = async (samples: Float32Array) =>
    (
      await Effect.runPromise(
        decodeClip(encodeWav({ samples, sampleRate: RATE }).bytes, { maxSeconds: 100, sampleRate: RATE })
      )
    ).samples

  test("counts by all of its windows that sound, and its variants are made where it is loud", async () => {
    const samples = callAt(70)
    const { variants, notes, silent } = await prepareSound(samples)
    const [original, ...others] = variants
    expect(silent).toBe(false)
    expect(notes).toEqual([
      expect.stringMatching(
        /^It lasts longer than CLIP_MAX_SECONDS: all of it is heard, and its variants are made of the 30 s from second \d+ on\.$/
      )
    ])
    expect(original!.seconds).toBe(70)
    expect(original!.patches).toEqual(frontEnd.prepare(await decodedOf(samples)))
    expect(original!.weights).toEqual(patchWeights(original!.patches))
    const during = original!.weights.slice(100, 105).reduce((sum, weight) => sum + weight, 0)
    expect(during).toBeGreaterThan(0.95)
    for (const variant of others) expect(variant.peak).toBeGreaterThan(0.2)
    expect(original!.wav!.length).toBe(44 + 2 * 30 * RATE)
  })

  test("of more than ten minutes counts by the loudest ten", async () => {
    const { variants, notes } = await prepareSound(callAt(640, 630), { ...settings, augmentations: 0, audit: false })
    expect(variants[0]!.seconds).toBe(600)
    expect(variants[0]!.weights.at(-1)).toBeLessThan(0.01)
    expect(Math.max(...variants[0]!.weights)).toBeGreaterThan(0.2)
    expect(notes[0]).toMatch(/^It lasts longer than CLIP_MAX_SECONDS: of it the loudest 600 s are heard/)
  })

  test("of more than ten minutes counts by as much as CLIP_MAX_SECONDS, where that is more", async () => {
    const own = { clipMaxSeconds: 620, augmentations: 0, audit: false }
    const { variants, notes } = await prepareSound(callAt(640, 630), own)
    expect(variants[0]!.seconds).toBe(620)
    expect(notes[0]).toContain("of it the loudest 620 s are heard")
  })

  test("and one that is not keeps what it had", async () => {
    for (const seconds of [29, 30]) {
      const samples = callAt(seconds, 12)
      const { variants, notes } = await prepareSound(samples)
      expect(notes).toEqual([])
      expect(variants[0]!.patches).toEqual(frontEnd.prepare(await decodedOf(samples)))
      expect(variants[0]!.draw.parameters).toEqual(seconds === 30 ? { whole: 1 } : {})
    }
  })

  test("the loudest stretch is the first of those that are as loud", () => {
    const loudestStretch = (energies: ReadonlyArray<number>, seconds: number) => {
      const stretch = new LoudestStretch(seconds)
      for (const energy of energies) stretch.add(energy)
      return stretch.first
    }
    expect(loudestStretch([1, 1, 1, 1], 2)).toBe(0)
    expect(loudestStretch([0, 1, 5, 1, 0, 5], 2)).toBe(1)
    expect(loudestStretch([0, 1], 30)).toBe(0)
  })
})
