import { describe, expect, test } from "bun:test"
import { InferenceSession, Tensor } from "onnxruntime-node"
import { standardise } from "../../../src/classifier/features/embedding.ts"
import type { FeatureKind } from "../../../src/classifier/features/features.ts"
import { FEATURE_NAMES, FEATURES } from "../../../src/classifier/features/kinds.ts"
import { Graph } from "../../../src/embedder/onnx/graph.ts"
import { seededRandom } from "../../../src/sound/random.ts"
import { gaussian } from "../../support/problems.ts"
import { standInScores } from "../../support/trainingRuns.ts"

// What every kind of features promises.

const INPUTS = 1024
const CLASSES = ["clips", "dog_bark", "Gun shots"]
const random = seededRandom(3)
// As YAMNet's embeddings: nothing below zero, most values zero.
const vectors = Array.from({ length: 3 }, () =>
  Float32Array.from({ length: INPUTS }, () => Math.max(0, gaussian(random) - 0.5))
)

const expectClose = (actual: Float32Array, expected: Float32Array, tolerance: number) => {
  expect(actual.length).toBe(expected.length)
  expect(Math.max(...expected.map((value, at) => Math.abs(value - actual[at]!)))).toBeLessThan(tolerance)
}

describe.each(FEATURE_NAMES)("%s", (name) => {
  const kind: FeatureKind = FEATURES[name]
  const { of, addTo, inputs, width, kerasLayers } = kind.make(INPUTS, { scores: standInScores() }, CLASSES)

  test("they leave the vector as it is", () => {
    for (const vector of vectors) {
      const before = vector.slice()
      of(vector)
      expect(vector).toEqual(before)
    }
  })

  // EcoSight's API knows of no other vector, and asks the .keras file.
  if (kind.vector === undefined && kerasLayers.length > 0) {
    test("a caller that standardises clips gets the same features", () => {
      // Standardising twice differs by as much as the epsilon weighs in a variance of a third.
      for (const vector of vectors) expectClose(of(standardise(vector)), of(vector), 1e-4)
    })
  }

  test("the graph computes the same", async () => {
    const graph = new Graph("features")
    graph.op("Identity", [addTo(graph, graph.input("vectors", ["n", inputs]))], {}, "features")
    graph.output("features", ["n", width])
    const session = await InferenceSession.create(graph.model(), { intraOpNumThreads: 1, logSeverityLevel: 3 })
    const rows = Float32Array.from(vectors.flatMap((vector) => [...vector]))
    const { features } = await session.run({ vectors: new Tensor("float32", rows, [vectors.length, inputs]) })
    expect(features!.dims).toEqual([vectors.length, width])
    for (const [row, vector] of vectors.entries()) {
      expectClose((features!.data as Float32Array).slice(row * width, (row + 1) * width), of(vector), 1e-5)
    }
    await session.release()
  })
})
