import { afterAll, beforeAll, expect, test } from "bun:test"
import { InferenceSession, Tensor } from "onnxruntime-node"
import { Graph } from "../../../src/embedder/onnx/graph.ts"
import { logMelPatches, MEL_BANDS, PATCH_FRAMES, PATCH_SIZE } from "../../../src/embedder/yamnet/logMel.ts"
import { addFrontEnd } from "../../../src/embedder/yamnet/networkGraph.ts"
import { chirp } from "../../support/signals.ts"
import { distance } from "../../support/yamnetReference.ts"

let session: InferenceSession
beforeAll(async () => {
  const graph = new Graph("frontend")
  const patches = addFrontEnd(graph, graph.input("waveform", ["samples"]))
  graph.op("Identity", [patches], {}, "patches")
  graph.output("patches", ["patches", PATCH_FRAMES, MEL_BANDS])
  session = await InferenceSession.create(graph.model(), { logSeverityLevel: 3 })
})
afterAll(() => session.release())

test.each([1, 399, 15_599, 15_600, 15_601, 23_280, 23_281, 64_000])(
  "the front-end in a graph pads and transforms %i samples as the other does",
  async (samples) => {
    const waveform = chirp(samples)
    const { patches } = await session.run({ waveform: new Tensor("float32", waveform, [samples]) })
    const expected = logMelPatches(waveform)
    expect(patches!.dims).toEqual([expected.length / PATCH_SIZE, PATCH_FRAMES, MEL_BANDS])
    const { largest, relative } = distance(patches!.data as Float32Array, expected)
    expect(largest).toBeLessThan(1e-3)
    expect(relative).toBeLessThan(1e-5)
  }
)
