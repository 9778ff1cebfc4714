import { beforeAll, describe, expect, test } from "bun:test"
import { join } from "node:path"
import { Effect } from "effect"
import { InferenceSession, Tensor } from "onnxruntime-node"
import { makeNative } from "../../src/embedder/native/nativeEngine.ts"
import { Graph } from "../../src/embedder/onnx/graph.ts"
import { logMelPatches, PATCH_SIZE } from "../../src/embedder/yamnet/logMel.ts"
import { EMBEDDING_SIZE, type Mobilenet, TAPS, vectorSizes } from "../../src/embedder/yamnet/mobilenet.ts"
import { addFrontEnd, addNetwork } from "../../src/embedder/yamnet/networkGraph.ts"
import { untrainedNetwork } from "../../src/embedder/yamnet/untrained.ts"
import { backboneOf } from "../../src/embedder/yamnet/yamnet.ts"
import { hasDriver, needsDriver, needsYamnet, runOnDriver, yamnetFolder } from "../support/fixtures.ts"
import { chirp } from "../support/signals.ts"
import { ALL_TAPS, distance, runOperators, runReference, someWeights } from "../support/yamnetReference.ts"
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

/** The lists of taps that are tried: the reference has the vectors of all of them. */
const LISTS = [[], TAPS, [5, 11], [11, 8, 5]]

/** Each vector of rows by its name: those of all patches, one after another. */
const byName = (rows: ArrayLike<number>, taps: ReadonlyArray<number>): Readonly<Record<string, Float32Array>> => {
  const sizes = Object.entries(vectorSizes(taps))
  const rowSize = sizes.reduce((sum, [, size]) => sum + size, 0)
  let at = 0
  return Object.fromEntries(
    sizes.map(([name, size]) => {
      const from = at
      at += size
      return [
        name,
        Float32Array.from({ length: (rows.length / rowSize) * size }, (_, i) => {
          return rows[Math.floor(i / size) * rowSize + from + (i % size)]!
        })
      ]
    })
  )
}

const embedNative = (network: Mobilenet, taps: ReadonlyArray<number>) =>
  makeNative({ backbone: backboneOf(network, taps), why: "a test" }).pipe(
    Effect.flatMap((engine) => engine.embed(patches)),
    Effect.scoped,
    Effect.runPromise
  )

const reference =
  yamnetFolder === undefined ? "TensorFlow.js's operators on the untrained network" : "YAMNet's own graph"

describe(`the same waveform, in ${reference}`, () => {
  let network: Mobilenet
  let expected: Readonly<Record<string, Float32Array>>
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
      expected = byName(await runOperators(network, patches, ALL_TAPS), ALL_TAPS)
    } else {
      const { rows, logMel } = await runReference(yamnetFolder, waveform, ALL_TAPS)
      expected = byName(rows, ALL_TAPS)
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

  /** Every vector by itself: a small one's fault would not show in the whole of a row. */
  const expectRows = (rows: ArrayLike<number>, taps: ReadonlyArray<number>, patchesOf = [0, 1]) => {
    const vectors = byName(rows, taps)
    for (const [name, size] of Object.entries(vectorSizes(taps))) {
      const wanted = patchesOf.flatMap((patch) => [...expected[name]!.subarray(patch * size, (patch + 1) * size)])
      expectSame(vectors[name]!, Float32Array.from(wanted))
    }
  }

  test.each(LISTS.map((taps) => [taps] as const))("has the native engine's vectors, with taps %j", async (taps) => {
    expectRows(await embedNative(network, taps), taps)
  })

  test("has the rows of the one-file ONNX graph from waveform to row", async () => {
    const graph = new Graph("device")
    const features = addFrontEnd(graph, graph.input("waveform", ["samples"]))
    graph.op("Identity", [addNetwork(graph, features, network, { taps: [5, 11] })], {}, "rows")
    graph.output("rows", ["patches", EMBEDDING_SIZE + 256 + 512])
    const session = await InferenceSession.create(graph.model(), { logSeverityLevel: 3 })
    const { rows } = await session.run({ waveform: new Tensor("float32", waveform, [waveform.length]) })
    expectRows(rows!.data as Float32Array, [5, 11])
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
      expectRows(report.rows.both, ALL_TAPS)
      expectRows(report.rows.second, ALL_TAPS, [1])
      expectRows(report.rows.full, ALL_TAPS, [0, 1, 0])
    })

    test("has them without taps", () => {
      expectRows(report.rows.untapped, [])
    })

    test("has them by the kernels of a large card's batch, too", () => {
      expectRows(report.rows.large, ALL_TAPS)
    })

    test("has them in float16 to three digits, or refuses where the adapter lacks it", () => {
      if ("refused" in report.float16) {
        expect(report.features).not.toContain("shader-f16")
        expect(report.float16.refused).toBe(
          `PRECISION=float16 needs an adapter with shader-f16, which ${report.adapter} lacks: set PRECISION=float32`
        )
        return
      }
      for (const [name, values] of Object.entries(byName(report.float16.rows, ALL_TAPS))) {
        const { largest, relative } = distance(values, expected[name]!)
        expect(largest).toBeLessThan(0.05)
        expect(relative).toBeLessThan(5e-3)
        // It is another precision, not float32 under its name.
        expect(relative).toBeGreaterThan(1e-5)
      }
    })

    test("allocates nothing once it has started", () => {
      expect(report.allocations.starting).toBeGreaterThan(30)
      expect(report.allocations.running).toBe(0)
    })

    test("has them all when the device is lost with two batches in hand, and says so once", () => {
      for (const rows of report.rows.lost) expectRows(rows, ALL_TAPS)
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
    const rows = await embedNative(untrainedNetwork(), ALL_TAPS)
    const wanted = byName(await runOperators(untrainedNetwork(), patches, ALL_TAPS), ALL_TAPS)
    for (const [name, values] of Object.entries(byName(rows, ALL_TAPS))) expectSame(values, wanted[name]!)
  }
)
