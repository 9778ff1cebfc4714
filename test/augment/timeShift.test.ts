import { expect, test } from "bun:test"
import fc from "fast-check"
import { timeShift } from "../../src/augment/timeShift.ts"
import { made } from "../support/variants.ts"

const shift = (clip: Float32Array, fraction: number): Float32Array =>
  made(timeShift, clip, { parameters: { fraction } })

const clips = fc.float32Array({ minLength: 1, maxLength: 200, noNaN: true })
const fractions = fc.double({ min: -0.15, max: 0.15, noNaN: true })

test("a circular shift keeps every sample", () => {
  fc.assert(
    fc.property(clips, fractions, (clip, fraction) => {
      expect(shift(clip, fraction).toSorted()).toEqual(clip.toSorted())
    }),
    { seed: 1 }
  )
})

test("sample i goes to i + round(fraction × length), around the end", () => {
  fc.assert(
    fc.property(clips, fractions, (clip, fraction) => {
      const shifted = shift(clip, fraction)
      const by = Math.round(fraction * clip.length)
      clip.forEach((x, i) => {
        expect(shifted[(i + by + clip.length) % clip.length]).toBe(x)
      })
    }),
    { seed: 1 }
  )
})

test("a positive fraction is later", () => {
  expect(Array.from(shift(new Float32Array([1, 2, 3, 4, 5, 6, 7, 8]), 0.125))).toEqual([8, 1, 2, 3, 4, 5, 6, 7])
})
