import { expect, test } from "bun:test"
import { volume } from "../../src/augment/volume.ts"
import { made } from "../support/variants.ts"

test("every sample is multiplied, and none is clipped", () => {
  const clip = new Float32Array([0, 0.5, -0.9, 1])
  expect(made(volume(1.2), clip)).toEqual(clip.map((x) => x * 1.2))
  expect(Math.max(...made(volume(1.2), clip))).toBeCloseTo(1.2, 6)
})
