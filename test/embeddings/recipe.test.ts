import { expect, test } from "bun:test"
import { frontEndOf } from "../../src/embedder/yamnet/frontEnd.ts"
import { makeRecipe, precisionOf, vectorsOf } from "../../src/embeddings/recipe.ts"

const yamnet = { frontEnd: frontEndOf([]), hash: "w" }
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

test("rows with further vectors are kept apart, by their names and sizes", () => {
  const of = (taps: ReadonlyArray<number>) =>
    makeRecipe({ ...yamnet, frontEnd: frontEndOf(taps) }, { ...settings, precision: "float32" })
  expect(of([8, 5]).parts).toEqual({
    ...of([]).parts,
    embedder: { id: "yamnet", window: 15_600, hop: 7680, vectors: { embedding: 1024, layer8max: 512, layer5max: 256 } }
  })
  expect(new Set([of([]).id, of([8]).id, of([8, 5]).id, of([5, 8]).id]).size).toBe(4)
  expect(vectorsOf(of([]))).toEqual({ embedding: 1024 })
  expect(Object.entries(vectorsOf(of([8, 5])))).toEqual([
    ["embedding", 1024],
    ["layer8max", 512],
    ["layer5max", 256]
  ])
})

test("vectors of another precision are kept apart", () => {
  const [float32, float16] = [
    makeRecipe(yamnet, { ...settings, precision: "float32" }),
    makeRecipe(yamnet, { ...settings, precision: "float16" })
  ]
  expect(float16.id).toBe("dfa55b7c1a8ddeda")
  expect(float16.id).not.toBe(float32.id)
  expect(float16.parts).toEqual({ ...float32.parts, precision: "float16" })
  const int8 = makeRecipe(yamnet, { ...settings, precision: "int8" })
  expect(int8.parts).toEqual({ ...float32.parts, precision: "int8-1" })
  expect([float32, float16, int8].map(precisionOf)).toEqual(["float32", "float16", "int8"])
})

test("further variants are kept apart, and none of them is as before there were any", () => {
  const of = (variants: ReadonlyArray<"low_pass">) =>
    makeRecipe(yamnet, { ...settings, variants, precision: "float32" })
  expect(of([])).toEqual(makeRecipe(yamnet, { ...settings, precision: "float32" }))
  expect(of(["low_pass"]).parts).toEqual({ ...of([]).parts, variants: ["low_pass"] })
  expect(of(["low_pass"]).id).not.toBe(of([]).id)
})
