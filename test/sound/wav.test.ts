import { expect, test } from "bun:test"
import fc from "fast-check"
import { WaveFile } from "wavefile"
import { encodeWav } from "../../src/sound/wav.ts"

const read = (bytes: Uint8Array): { readonly samples: Int16Array; readonly format: WaveFile["fmt"] } => {
  const wav = new WaveFile(bytes)
  return { samples: wav.getSamples(false, Int16Array) as unknown as Int16Array, format: wav.fmt }
}

test("the file is what wavefile itself would write", () => {
  const samples = Float32Array.from({ length: 1000 }, (_, i) => Math.sin(i))
  const reference = new WaveFile()
  reference.fromScratch(
    1,
    16_000,
    "16",
    Array.from(samples, (x) => Math.floor(x * 32_768 + 0.5))
  )
  expect(encodeWav({ samples, sampleRate: 16_000 }).bytes).toEqual(reference.toBuffer())
})

test("the header says 16 kHz mono 16-bit PCM", () => {
  const { format } = read(encodeWav({ samples: new Float32Array(10), sampleRate: 16_000 }).bytes)
  expect(format).toMatchObject({ audioFormat: 1, numChannels: 1, sampleRate: 16_000, bitsPerSample: 16, blockAlign: 2 })
})

test("samples are rounded to the nearest step; beyond full scale they are cut and counted", () => {
  const samples = new Float32Array([0, 0.4 / 32_768, 0.6 / 32_768, -0.6 / 32_768, 32_767 / 32_768, -1, 1, 1.5, -1.5])
  const { bytes, clipped, peak } = encodeWav({ samples, sampleRate: 16_000 })
  expect(Array.from(read(bytes).samples)).toEqual([0, 0, 1, -1, 32_767, -32_768, 32_767, 32_767, -32_768])
  expect(clipped).toBe(3)
  expect(peak).toBe(1.5)
})

test("every sample is within half a step of the clip unless it is counted as clipped", () => {
  fc.assert(
    fc.property(fc.float32Array({ min: -2, max: 2, noNaN: true, minLength: 1 }), (samples) => {
      const { bytes, clipped, peak } = encodeWav({ samples, sampleRate: 16_000 })
      const written = read(bytes).samples
      const away = samples.filter((x, i) => Math.abs(x * 32_768 - written[i]!) > 0.5)
      expect(written.length).toBe(samples.length)
      expect(away.length).toBeLessThanOrEqual(clipped)
      expect(away.every((x) => Math.abs(x) > 1 - 1 / 32_768)).toBe(true)
      expect(peak).toBe(Math.max(...samples.map(Math.abs)))
    }),
    { seed: 1 }
  )
})
