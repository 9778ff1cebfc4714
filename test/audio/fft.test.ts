import { expect, test } from "bun:test"
import fc from "fast-check"
import { RealFft } from "../../src/audio/fft.ts"

const sizes = fc.constantFrom(16, 32, 64, 128, 2048, 4096)
const frames = sizes.chain((size) =>
  fc.float64Array({ minLength: size, maxLength: size, min: -1, max: 1, noNaN: true })
)

test("the spectrum is the sum that defines it", () => {
  fc.assert(
    fc.property(
      frames.filter((frame) => frame.length <= 128),
      (frame) => {
        const size = frame.length
        const re = new Float64Array(size / 2 + 1)
        const im = new Float64Array(size / 2 + 1)
        new RealFft(size).forward(frame, re, im)
        for (let k = 0; k <= size / 2; k++) {
          let sumRe = 0
          let sumIm = 0
          for (let i = 0; i < size; i++) {
            sumRe += frame[i]! * Math.cos((2 * Math.PI * ((i * k) % size)) / size)
            sumIm -= frame[i]! * Math.sin((2 * Math.PI * ((i * k) % size)) / size)
          }
          expect(Math.hypot(re[k]! - sumRe, im[k]! - sumIm)).toBeLessThan(1e-12)
        }
      }
    ),
    { seed: 1, numRuns: 30 }
  )
})

test("a large transform finds a tone in its bin alone", () => {
  for (const size of [2048, 4096]) {
    const re = new Float64Array(size / 2 + 1)
    const im = new Float64Array(size / 2 + 1)
    const tone = Float64Array.from({ length: size }, (_, i) => Math.cos((2 * Math.PI * 77 * i) / size + 1))
    new RealFft(size).forward(tone, re, im)
    expect(re[77]! / (size / 2)).toBeCloseTo(Math.cos(1), 12)
    expect(im[77]! / (size / 2)).toBeCloseTo(Math.sin(1), 12)
    re[77] = 0
    im[77] = 0
    expect(Math.max(...re.map(Math.abs), ...im.map(Math.abs))).toBeLessThan(1e-9)
  }
})

test("the inverse gives the frame back, again and again from one object", () => {
  fc.assert(
    fc.property(frames, (frame) => {
      const fft = new RealFft(frame.length)
      const re = new Float64Array(frame.length / 2 + 1)
      const im = new Float64Array(frame.length / 2 + 1)
      const back = new Float64Array(frame.length)
      for (let round = 0; round < 2; round++) {
        fft.forward(round === 0 ? frame : back, re, im)
        fft.inverse(re, im, back)
        expect(Math.max(...frame.map((x, i) => Math.abs(x - back[i]!)))).toBeLessThan(1e-14)
      }
    }),
    { seed: 1, numRuns: 30 }
  )
})
