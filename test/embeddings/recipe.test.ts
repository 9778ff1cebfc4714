import { expect, test } from "bun:test"
import { makeRecipe } from "../../src/embeddings/recipe.ts"

const settings = { weightsHash: "w", clipMaxSeconds: 30, augmentations: 5 }

test("float32 is what a recipe that names no precision means, so that what is stored stays in use", () => {
  const { id, parts } = makeRecipe({ ...settings, precision: "float32" })
  expect(parts).toEqual({
    weights: "w",
    frontEnd: "yamnet-logmel-2",
    pooling: parts.pooling,
    sampleRate: 16_000,
    clipMaxSeconds: 30,
    augmentation: parts.augmentation,
    augmentations: 5
  })
  expect(id).toMatch(/^[0-9a-f]{16}$/)
})

test("vectors of another precision are kept apart", () => {
  const [float32, float16] = [
    makeRecipe({ ...settings, precision: "float32" }),
    makeRecipe({ ...settings, precision: "float16" })
  ]
  expect(float16.id).not.toBe(float32.id)
  expect(float16.parts).toEqual({ ...float32.parts, precision: "float16" })
})
