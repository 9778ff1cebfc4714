import { beforeAll, describe, expect, test } from "bun:test"
import { join } from "node:path"
import { Effect } from "effect"
import { InferenceSession, Tensor } from "onnxruntime-node"
import { makeNative } from "../../src/engine/native.ts"
import { Graph } from "../../src/onnx/graph.ts"
import { logMelPatches, PATCH_SIZE } from "../../src/yamnet/frontend.ts"
import { addFrontEnd, addNetwork } from "../../src/yamnet/graph.ts"
import { EMBEDDING_SIZE, type Network } from "../../src/yamnet/layers.ts"
import { untrainedNetwork } from "../../src/yamnet/untrained.ts"
import { needsYamnet, yamnetFolder } from "../fixtures.ts"
import { distance, runOperators, runReference, someWeights } from "../yamnet/reference.ts"
import { chirp } from "../yamnet/signals.ts"
import { hasSoftwareAdapter, needsSoftwareAdapter, runOnSoftwareAdapter } from "./softwareAdapter.ts"
import type { WebgpuReport } from "./webgpuProcess.ts"

// Two patches, the second half silence. The process of the software adapter embeds the same.
const waveform = chirp(19_000)
const patches = logMelPatches(waveform)

const expectSame = (values: Float32Array, expected: Float32Array) => {
  expect(values.length).toBe(expected.length)
  const { largest, relative } = distance(values, expected)
  expect(largest).toBeLessThan(1e-3)
  expect(relative).toBeLessThan(1e-4)
}

const embedNative = (network: Network) =>
  makeNative({ network, why: "a test" }).pipe(
    Effect.flatMap((engine) => engine.embed(patches)),
    Effect.scoped,
    Effect.runPromise
  )

const reference =
  yamnetFolder === undefined ? "TensorFlow.js's operators on the untrained network" : "YAMNet's own graph"

describe(`the same waveform, in ${reference}`, () => {
  let network: Network
  let expected: Float32Array
  let frames: Float32Array
  let webgpu: Promise<WebgpuReport | Error>
  beforeAll(async () => {
    // It takes the longest, and most of it on another core.
    if (hasSoftwareAdapter) {
      webgpu = runOnSoftwareAdapter<WebgpuReport>(join(import.meta.dir, "webgpuProcess.ts")).catch((error) => error)
    }
    network = await Effect.runPromise(someWeights)
    if (yamnetFolder === undefined) {
      expected = await runOperators(network, patches)
    } else {
      const { embeddings, logMel } = await runReference(yamnetFolder, waveform)
      expected = embeddings
      frames = logMel
    }
  })

  test.skipIf(yamnetFolder === undefined)(`has the front-end's log-mel frames${needsYamnet}`, () => {
    expect(frames.length).toBe((patches.length + PATCH_SIZE) / 2)
    for (let patch = 0; patch < patches.length / PATCH_SIZE; patch++) {
      const window = frames.subarray((patch * PATCH_SIZE) / 2, (patch * PATCH_SIZE) / 2 + PATCH_SIZE)
      expectSame(patches.subarray(patch * PATCH_SIZE, (patch + 1) * PATCH_SIZE), window)
    }
  })

  test("has the native engine's embeddings", async () => {
    expectSame(await embedNative(network), expected)
  })

  test("has the embeddings of the one-file ONNX graph from waveform to embedding", async () => {
    const graph = new Graph("device")
    const features = addFrontEnd(graph, graph.input("waveform", ["samples"]))
    graph.op("Identity", [addNetwork(graph, features, network)], {}, "embeddings")
    graph.output("embeddings", ["patches", EMBEDDING_SIZE])
    const session = await InferenceSession.create(graph.model(), { logSeverityLevel: 3 })
    const { embeddings } = await session.run({ waveform: new Tensor("float32", waveform, [waveform.length]) })
    expectSame(embeddings!.data as Float32Array, expected)
    await session.release()
  })

  test.skipIf(!hasSoftwareAdapter)(
    `has the WebGPU engine's embeddings${needsSoftwareAdapter}`,
    async () => {
      const report = await webgpu
      if (report instanceof Error) throw report
      expect(report.name).toBe("webgpu")
      expect(report.batch).toBe(2)
      const [both, second] = report.embeddings.map((values) => Float32Array.from(values))
      expectSame(both!, expected)
      expectSame(second!, expected.subarray(EMBEDDING_SIZE))
      // No tensor is left behind by a batch.
      expect(report.tensors[1]).toBe(report.tensors[0]!)
      expect(report.complaint).toContain(`WebGPU failed on ${report.adapter}`)
      if (process.env.VK_ICD_FILENAMES === undefined)
        expect(report.why).toContain("is a software adapter and very slow")
    },
    120_000
  )
})

test.skipIf(yamnetFolder === undefined)(
  `the native engine computes what TensorFlow.js's operators do on other weights${needsYamnet}`,
  async () => {
    expectSame(await embedNative(untrainedNetwork()), await runOperators(untrainedNetwork(), patches))
  }
)
