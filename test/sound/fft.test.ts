import { expect, test } from "bun:test"
import fc from "fast-check"
import { spectrumOf } from "../../src/sound/fft.ts"

const frames = fc
  .constantFrom(16, 32, 64, 128, 256)
  .chain((size) => fc.float32Array({ minLength: size, maxLength: size, min: -1, max: 1, noNaN: true }))

test("the spectrum is the sum that defines it", () => {
  fc.assert(
    fc.property(frames, (frame) => {
      const size = frame.length
      const { re, im } = spectrumOf(frame)
      expect(re.length).toBe(size / 2 + 1)
      for (let k = 0; k <= size / 2; k++) {
        let sumRe = 0
        let sumIm = 0
        for (let i = 0; i < size; i++) {
          sumRe += frame[i]! * Math.cos((2 * Math.PI * ((i * k) % size)) / size)
          sumIm -= frame[i]! * Math.sin((2 * Math.PI * ((i * k) % size)) / size)
        }
        expect(Math.hypot(re[k]! - sumRe, im[k]! - sumIm)).toBeLessThan(1e-5)
      }
    }),
    { seed: 1, numRuns: 40 }
  )
})

test("a large transform finds a tone in its bin alone, to single precision", () => {
  for (const size of [2048, 4096, 8192]) {
    const { re, im } = spectrumOf(
      Float64Array.from({ length: size }, (_, i) => Math.cos((2 * Math.PI * 77 * i) / size + 1))
    )
    expect(re[77]! / (size / 2)).toBeCloseTo(Math.cos(1), 6)
    expect(im[77]! / (size / 2)).toBeCloseTo(Math.sin(1), 6)
    re[77] = 0
    im[77] = 0
    expect(Math.max(...re.map(Math.abs), ...im.map(Math.abs)) / (size / 2)).toBeLessThan(1e-6)
  }
})
