import { expect, test } from "bun:test"
import { join } from "node:path"
import fc from "fast-check"
import {
  BINS,
  logMelPatches,
  MEL_BANDS,
  melMatrix,
  PATCH_FRAMES,
  PATCH_HOP_FRAMES,
  PATCH_SIZE
} from "../../../src/embedder/yamnet/logMel.ts"
import { needsYamnet, yamnetFolder } from "../../support/fixtures.ts"
import { chirp, noise } from "../../support/signals.ts"
import { distance, readConstant } from "../../support/yamnetReference.ts"

const SILENCE = Math.fround(Math.log(0.001))

const golden = async (name: string) =>
  (await Bun.file(join(import.meta.dir, "../../golden/yamnet_frontend", name)).bytes()).buffer

test("log-mel frames are those of TensorFlow's signal operations", async () => {
  const waveform = Float32Array.from(new Int16Array(await golden("waveform.i16")), (sample) => sample / 32768)
  const frames = new Float32Array(await golden("log_mel.f32"))
  const patches = logMelPatches(waveform)
  expect(patches.length).toBe(2 * PATCH_SIZE)
  for (const patch of [0, 1]) {
    const expected = frames.subarray((patch * PATCH_SIZE) / 2, (patch * PATCH_SIZE) / 2 + PATCH_SIZE)
    const { largest, relative } = distance(patches.subarray(patch * PATCH_SIZE, (patch + 1) * PATCH_SIZE), expected)
    // In single precision TensorFlow is up to 2e-3 off itself, too, in silent bands beside loud ones.
    expect(largest).toBeLessThan(4e-3)
    expect(relative).toBeLessThan(1e-4)
  }
})

test("the mel matrix is TensorFlow's", async () => {
  const { largest, relative } = distance(melMatrix(), new Float32Array(await golden("mel.f32")))
  expect(largest).toBeLessThan(1e-6)
  expect(relative).toBeLessThan(1e-6)
})

test.skipIf(yamnetFolder === undefined)(`the mel matrix is the one inside YAMNet${needsYamnet}`, async () => {
  const { largest, relative } = distance(melMatrix(), await readConstant(yamnetFolder!, [BINS, MEL_BANDS]))
  // There it was computed in float32.
  expect(largest).toBeLessThan(2e-5)
  expect(relative).toBeLessThan(1e-5)
})

test.each([
  [0, 1],
  [1, 1],
  [15_600, 1],
  [15_601, 2],
  [23_280, 2],
  [23_281, 3],
  [64_000, 8],
  [480_000, 62]
])("%i samples make %i patches", (samples, patches) => {
  expect(logMelPatches(new Float32Array(samples)).length).toBe(patches * PATCH_SIZE)
})

test("padding is silence: zeros at the end change nothing, and nothing is cut off", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 50_000 }), (samples) => {
      const waveform = chirp(samples)
      const patches = logMelPatches(waveform)
      const count = patches.length / PATCH_SIZE
      const padded = new Float32Array(15_600 + (count - 1) * 7_680)
      expect(padded.length).toBeGreaterThanOrEqual(samples)
      padded.set(waveform)
      expect(logMelPatches(padded)).toEqual(patches)
      expect(patches.every(Number.isFinite)).toBe(true)
    }),
    { numRuns: 15, seed: 1 }
  )
})

test("patches overlap by half", () => {
  const patches = logMelPatches(chirp(64_000))
  const half = PATCH_HOP_FRAMES * MEL_BANDS
  for (let patch = 1; patch < patches.length / PATCH_SIZE; patch++) {
    const second = patches.subarray(patch * PATCH_SIZE - half, patch * PATCH_SIZE)
    expect(patches.subarray(patch * PATCH_SIZE, patch * PATCH_SIZE + half)).toEqual(second)
  }
})

test("silence is the log of the offset in every band", () => {
  expect(new Set(logMelPatches(new Float32Array(20_000)))).toEqual(new Set([SILENCE]))
})

test("a tone stands in the mel band of its frequency", () => {
  const mel = (hertz: number) => 1127 * Math.log(1 + hertz / 700)
  const spacing = (mel(7500) - mel(125)) / (MEL_BANDS + 1)
  for (const hertz of [300, 1000, 2500, 6000]) {
    const tone = Float32Array.from({ length: 15_600 }, (_, n) => 0.5 * Math.sin((2 * Math.PI * hertz * n) / 16_000))
    const frame = logMelPatches(tone).subarray(10 * MEL_BANDS, 11 * MEL_BANDS)
    const loudest = frame.indexOf(Math.max(...frame))
    expect(Math.abs(loudest - ((mel(hertz) - mel(125)) / spacing - 1))).toBeLessThan(1)
  }
})

test("ten times louder is the logarithm of ten more in every band well above the offset", () => {
  const random = noise(3)
  const soft = Float32Array.from({ length: 15_600 }, () => 0.05 * random())
  const [quiet, loud] = [logMelPatches(soft), logMelPatches(soft.map((sample) => 10 * sample))]
  expect(quiet.length).toBe(PATCH_FRAMES * MEL_BANDS)
  const gains = quiet.map((value, index) => loud[index]! - value).filter((_, index) => quiet[index]! > Math.log(0.1))
  expect(gains.length).toBeGreaterThan(1000)
  for (const gain of gains) expect(Math.abs(gain - Math.log(10))).toBeLessThan(0.01)
})
