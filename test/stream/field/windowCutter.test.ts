import { describe, expect, test } from "bun:test"
import { frontEnd } from "../../../src/embedder/yamnet/frontEnd.ts"
import { seededRandom } from "../../../src/sound/random.ts"
import { resample } from "../../../src/sound/resample.ts"
import { levelling } from "../../../src/stream/field/levelling.ts"
import { CHUNK_WINDOWS, WindowCutter } from "../../../src/stream/field/windowCutter.ts"

const noise = (seconds: number, rate: number) => {
  const next = seededRandom(rate)
  return Float32Array.from({ length: Math.round(seconds * rate) }, () => next() - 0.5)
}

/** All patches, of samples that come in pieces of these lengths, in turn. */
const cut = (samples: Float32Array, rate: number, pieces: ReadonlyArray<number>, first = 0, by = frontEnd) => {
  const cutter = new WindowCutter(by, rate, first)
  const chunks = []
  for (let at = 0, turn = 0; at < samples.length; turn++) {
    const length = pieces[turn % pieces.length]!
    chunks.push(...cutter.push(samples.slice(at, at + length)))
    at += length
  }
  chunks.push(...cutter.end())
  return chunks
}

const patchesOf = (chunks: ReturnType<typeof cut>) => {
  const patches = new Float32Array(chunks.reduce((sum, chunk) => sum + chunk.patches.length, 0))
  let at = 0
  for (const chunk of chunks) {
    patches.set(chunk.patches, at)
    at += chunk.patches.length
  }
  return patches
}

const furthest = (a: Float32Array, b: Float32Array) =>
  a.reduce((most, value, at) => Math.max(most, Math.abs(value - b[at]!)), 0)

describe("WindowCutter", () => {
  test.each([
    [16_000, 130],
    [48_000, 63.3],
    [44_100, 16],
    [22_050, 15.84],
    [8000, 0.3],
    [44_056, 31.2]
  ])("makes the patches of the whole recording at %d Hz from %d s", (rate, seconds) => {
    const samples = noise(seconds, rate)
    const whole = frontEnd.prepare(resample(samples, rate, 16_000))
    const patches = patchesOf(cut(samples, rate, [10_007, 3, 70_001]))
    expect(patches.length).toBe(whole.length)
    expect(furthest(patches, whole)).toBeLessThan(2e-3)
  })

  test("every length has as many windows as the whole recording", () => {
    for (let samples = 15_000; samples < 24_000 + CHUNK_WINDOWS * 7680; samples += 44_003) {
      const sound = new Float32Array(samples)
      expect(patchesOf(cut(sound, 16_000, [50_000])).length).toBe(frontEnd.prepare(sound).length)
    }
  })

  test("begun in the middle, the rest is the same to the bit, wherever pieces end", () => {
    const samples = noise(70, 44_100)
    const rest = cut(samples, 44_100, [9999]).filter((chunk) => chunk.first >= CHUNK_WINDOWS)
    expect(cut(samples, 44_100, [100_000, 7], CHUNK_WINDOWS)).toEqual(rest)
  })

  test("in the field, each chunk is brought to a nominal level, whatever the recorder's gain", () => {
    const samples = noise(70, 16_000)
    const heard = cut(samples, 16_000, [50_000], 0, levelling(frontEnd))
    const quieter = samples.map((sample) => sample / 400)
    const other = cut(quieter, 16_000, [50_000], 0, levelling(frontEnd))
    expect(furthest(patchesOf(other), patchesOf(heard))).toBeLessThan(1e-3)
    expect(furthest(patchesOf(cut(quieter, 16_000, [50_000])), patchesOf(heard))).toBeGreaterThan(1)
  })

  test("no samples, no windows", () => {
    expect(cut(new Float32Array(), 48_000, [1])).toEqual([])
  })
})
