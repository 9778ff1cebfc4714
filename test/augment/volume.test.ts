import { expect, test } from "bun:test"
import { apply } from "../../src/augment/volume.ts"

test("every sample is multiplied, and none is clipped", () => {
  const clip = new Float32Array([0, 0.5, -0.9, 1])
  expect(apply(clip, 16_000, { gain: 1.2 })).toEqual(clip.map((x) => x * 1.2))
  expect(Math.max(...apply(clip, 16_000, { gain: 1.2 }))).toBeCloseTo(1.2, 6)
})
