import { beforeAll, describe, expect, test } from "bun:test"
import { NodeServices } from "@effect/platform-node"
import { Effect } from "effect"
import { FetchHttpClient } from "effect/http"
import { InferenceSession, Tensor } from "onnxruntime-node"
import { makeNative } from "../../src/engine/native.ts"
import { Graph } from "../../src/onnx/graph.ts"
import { logMelPatches, PATCH_SIZE } from "../../src/yamnet/frontend.ts"
import { addFrontEnd, addNetwork } from "../../src/yamnet/graph.ts"
import type { Network } from "../../src/yamnet/layers.ts"
import { untrainedNetwork } from "../../src/yamnet/untrained.ts"
import { findWeights } from "../../src/yamnet/weights.ts"
import { distance, needsYamnet, runOperators, runReference, yamnetFolder } from "../yamnet/reference.ts"
import { chirp } from "../yamnet/signals.ts"

const waveform = chirp(19_000)
const patches = logMelPatches(waveform)

const embedNative = (network: Network) =>
  makeNative({ network, why: "a test" }).pipe(
    Effect.flatMap((engine) => engine.embed(patches)),
    Effect.scoped,
    Effect.runPromise
  )

const expectSame = (values: Float32Array, expected: Float32Array) => {
  expect(values.length).toBe(expected.length)
  const { largest, relative } = distance(values, expected)
  expect(largest).toBeLessThan(1e-3)
  expect(relative).toBeLessThan(1e-4)
}

describe.skipIf(yamnetFolder === undefined)(`YAMNet's own graph, run by TensorFlow.js${needsYamnet}`, () => {
  const folder = yamnetFolder ?? ""
  let reference: Awaited<ReturnType<typeof runReference>>
  beforeAll(async () => {
    reference = await runReference(folder, waveform)
  })
  const weights = () =>
    findWeights({ folder, allowUntrained: false }).pipe(
      Effect.provide([NodeServices.layer, FetchHttpClient.layer]),
      Effect.runPromise
    )

  test("gives the same log-mel frames as the front-end", () => {
    // Every frame once: the first half of each patch, then the last patch's second half.
    const half = PATCH_SIZE / 2
    const count = patches.length / PATCH_SIZE
    const frames = new Float32Array((count + 1) * half)
    for (let patch = 0; patch < count; patch++) {
      frames.set(patches.subarray(patch * PATCH_SIZE, (patch + 1) * PATCH_SIZE), patch * half)
    }
    expectSame(frames, reference.logMel)
  })

  test("gives the same embeddings as the native engine", async () => {
    expectSame(await embedNative(await weights()), reference.embeddings)
  })

  test("gives the same embeddings as the one-file ONNX graph from waveform to embedding", async () => {
    const graph = new Graph("device")
    const features = addFrontEnd(graph, graph.input("waveform", ["samples"]))
    graph.op("Identity", [addNetwork(graph, features, await weights())], {}, "embeddings")
    graph.output("embeddings", ["patches", 1024])
    const session = await InferenceSession.create(graph.model(), { logSeverityLevel: 3 })
    const { embeddings } = await session.run({ waveform: new Tensor("float32", waveform, [waveform.length]) })
    expectSame(embeddings!.data as Float32Array, reference.embeddings)
  })
})

test("the native engine computes what TensorFlow.js's operators do, whatever the weights", async () => {
  const network = untrainedNetwork()
  expectSame(await embedNative(network), await runOperators(network, patches))
})
