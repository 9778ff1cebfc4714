import { beforeAll, describe, expect, test } from "bun:test"
import { join } from "node:path"
import { Effect } from "effect"
import { InferenceSession, Tensor } from "onnxruntime-node"
import { makeNative } from "../../src/embedder/native/nativeEngine.ts"
import { Graph } from "../../src/embedder/onnx/graph.ts"
import { logMelPatches, PATCH_SIZE } from "../../src/embedder/yamnet/logMel.ts"
import { EMBEDDING_SIZE, type Mobilenet } from "../../src/embedder/yamnet/mobilenet.ts"
import { addFrontEnd, addNetwork } from "../../src/embedder/yamnet/networkGraph.ts"
import { untrainedNetwork } from "../../src/embedder/yamnet/untrained.ts"
import { backboneOf } from "../../src/embedder/yamnet/yamnet.ts"
import { hasDriver, needsDriver, needsYamnet, runOnDriver, yamnetFolder } from "../support/fixtures.ts"
import { chirp } from "../support/signals.ts"
import { distance, runOperators, runReference, someWeights } from "../support/yamnetReference.ts"
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

const embedNative = (network: Mobilenet) =>
  makeNative({ backbone: backboneOf(network), why: "a test" }).pipe(
    Effect.flatMap((engine) => engine.embed(patches)),
    Effect.scoped,
    Effect.runPromise
  )

const reference =
  yamnetFolder === undefined ? "TensorFlow.js's operators on the untrained network" : "YAMNet's own graph"

describe(`the same waveform, in ${reference}`, () => {
  let network: Mobilenet
  let expected: Float32Array
  let frames: Float32Array
  let webgpu: Promise<WebgpuReport | Error>
  beforeAll(async () => {
    // It takes the longest, and most of it on another core.
    if (hasDriver) {
      webgpu = runOnDriver(join(import.meta.dir, "webgpuProcess.ts")).then(
        (report) => report as WebgpuReport,
        (error: Error) => error
      )
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

  describe.skipIf(!hasDriver)(`and the WebGPU engine${needsDriver}`, () => {
    let report: WebgpuReport
    beforeAll(async () => {
      const outcome = await webgpu
      if (outcome instanceof Error) throw outcome
      report = outcome
    }, 180_000)

    test("has them, for a full batch and for odd ones", () => {
      expect(report.name).toBe("webgpu")
      expect(report.batch).toBe(3)
      expectSame(Float32Array.from(report.embeddings.both), expected)
      expectSame(Float32Array.from(report.embeddings.second), expected.subarray(EMBEDDING_SIZE))
      const [first, second] = [expected.subarray(0, EMBEDDING_SIZE), expected.subarray(EMBEDDING_SIZE)]
      expectSame(Float32Array.from(report.embeddings.full), Float32Array.from([...first, ...second, ...first]))
    })

    test("has them by the kernels of a large card's batch, too", () => {
      expect(report.embeddings.large).toHaveLength(expected.length)
      expectSame(Float32Array.from(report.embeddings.large), expected)
    })

    test("has them in float16 to three digits, or refuses where the adapter lacks it", () => {
      if ("refused" in report.float16) {
        expect(report.features).not.toContain("shader-f16")
        expect(report.float16.refused).toBe(
          `PRECISION=float16 needs an adapter with shader-f16, which ${report.adapter} lacks: set PRECISION=float32`
        )
        return
      }
      const { largest, relative } = distance(Float32Array.from(report.float16.embeddings), expected)
      expect(largest).toBeLessThan(0.05)
      expect(relative).toBeLessThan(5e-3)
      // It is another precision, not float32 under its name.
      expect(relative).toBeGreaterThan(1e-5)
    })

    test("allocates nothing once it has started", () => {
      expect(report.allocations.starting).toBeGreaterThan(30)
      expect(report.allocations.running).toBe(0)
    })

    test("has them all when the device is lost with two batches in hand, and says so once", () => {
      for (const values of report.embeddings.lost) expectSame(Float32Array.from(values), expected)
      expect(report.faults).toEqual([expect.stringMatching(/^The device was lost \(.+\): opened another\.$/)])
    })

    test("is refused in favour of the native one where its numbers are wrong", () => {
      expect(report.refused.name).toBe("native")
      expect(report.refused.why).toStartWith(`Native, because ${report.adapter} gives wrong numbers, off by `)
    })
  })
})

test.skipIf(yamnetFolder === undefined)(
  `the native engine computes what TensorFlow.js's operators do on other weights${needsYamnet}`,
  async () => {
    expectSame(await embedNative(untrainedNetwork()), await runOperators(untrainedNetwork(), patches))
  }
)
