import { expect, test } from "bun:test"
import { frontEnd } from "../../src/embedder/yamnet/frontEnd.ts"
import { makeRecipe } from "../../src/embeddings/recipe.ts"

const yamnet = { frontEnd, hash: "w" }
const settings = { clipMaxSeconds: 30, augmentations: 5 }

test("float32 is what a recipe that names no precision means, so that what is stored stays in use", () => {
  const { id, parts } = makeRecipe(yamnet, { ...settings, precision: "float32" })
  expect(parts).toEqual({
    weights: "w",
    frontEnd: "yamnet-logmel-2",
    pooling: parts.pooling,
    sampleRate: 16_000,
    clipMaxSeconds: 30,
    augmentation: parts.augmentation,
    augmentations: 5
  })
  // As it was before there was another embedder.
  expect(id).toBe("5a960a7a5f3df81f")
})

test("vectors of another precision are kept apart", () => {
  const [float32, float16] = [
    makeRecipe(yamnet, { ...settings, precision: "float32" }),
    makeRecipe(yamnet, { ...settings, precision: "float16" })
  ]
  expect(float16.id).toBe("dfa55b7c1a8ddeda")
  expect(float16.id).not.toBe(float32.id)
  expect(float16.parts).toEqual({ ...float32.parts, precision: "float16" })
})
