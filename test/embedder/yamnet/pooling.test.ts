import { expect, test } from "bun:test"
import { InferenceSession, Tensor } from "onnxruntime-node"
import { evenWeights } from "../../../src/embedder/frontEnd.ts"
import { Graph } from "../../../src/embedder/onnx/graph.ts"
import { logMelPatches, MEL_BANDS, PATCH_FRAMES, PATCH_SIZE } from "../../../src/embedder/yamnet/logMel.ts"
import { addPooling, patchWeights } from "../../../src/embedder/yamnet/pooling.ts"
import { seededRandom } from "../../../src/sound/random.ts"

const random = seededRandom(7)

/** So many seconds of noise at amplitude 0.001, and 0.1 between two moments. */
const burst = (seconds: number, from: number, to: number, gain = 1): Float32Array =>
  Float32Array.from({ length: seconds * 16_000 }, (_, i) => {
    const amplitude = i >= from * 16_000 && i < to * 16_000 ? 0.1 : 0.001
    return gain * amplitude * (2 * random() - 1)
  })

test("the patches that hold a burst count for nearly all, in proportion to how much of it they hold", () => {
  // Patches begin every 0.48 s and last 0.96 s: the third and the fourth hold all of it.
  const weights = patchWeights(logMelPatches(burst(4, 1.5, 1.8)))
  expect(weights).toHaveLength(8)
  expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 12)
  expect(weights[2]! + weights[3]!).toBeGreaterThan(0.99)
  expect(Math.abs(weights[2]! - weights[3]!)).toBeLessThan(0.02)
})

test("an even sound's patches, and those of silence, count the same; so does the only one", () => {
  const silence = patchWeights(logMelPatches(new Float32Array(3 * 16_000)))
  for (const weight of silence) expect(weight).toBeCloseTo(1 / silence.length, 6)
  const even = Float32Array.from({ length: 15_600 + 3 * 7_680 }, (_, i) => 0.3 * Math.sin(i / 5))
  const weights = patchWeights(logMelPatches(even))
  for (const weight of weights) expect(weight).toBeCloseTo(1 / 4, 2)
  expect(patchWeights(logMelPatches(even.subarray(0, 100)))).toEqual(Float64Array.of(1))
})

test("gain changes nothing", () => {
  const sound = burst(3, 0.5, 1)
  const [loud, quiet] = [1, 0.05].map((gain) => patchWeights(logMelPatches(sound.map((value) => gain * value))))
  for (const [at, weight] of loud!.entries()) expect(quiet![at]!).toBeCloseTo(weight, 3)
})

test("the graph pools as the pipeline does", async () => {
  const patches = logMelPatches(burst(3, 1, 1.2))
  const count = patches.length / PATCH_SIZE
  const embeddings = Float32Array.from({ length: count * 4 }, () => random())
  const graph = new Graph("pooling")
  const pooled = addPooling(
    graph,
    graph.input("patches", ["n", PATCH_FRAMES, MEL_BANDS]),
    graph.input("embeddings", ["n", 4])
  )
  graph.output(pooled, [1, 4])
  const session = await InferenceSession.create(graph.model(), { intraOpNumThreads: 1, logSeverityLevel: 3 })
  const results = await session.run({
    patches: new Tensor("float32", patches, [count, PATCH_FRAMES, MEL_BANDS]),
    embeddings: new Tensor("float32", embeddings, [count, 4])
  })
  await session.release()
  const values = results[pooled]!
  expect(values.dims).toEqual([1, 4])
  const weights = patchWeights(patches)
  for (let i = 0; i < 4; i++) {
    const expected = weights.reduce((sum, weight, at) => sum + weight * embeddings[at * 4 + i]!, 0)
    expect((values.data as Float32Array)[i]!).toBeCloseTo(expected, 5)
  }
})

test("patches that count the same make a plain mean", () => {
  expect(evenWeights(4)).toEqual(Float64Array.of(0.25, 0.25, 0.25, 0.25))
})
