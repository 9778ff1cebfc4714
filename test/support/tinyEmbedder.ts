import type { Embedder } from "../../src/embedder/embedder.ts"
import { evenWeights, type FrontEnd, rowSize } from "../../src/embedder/frontEnd.ts"
import { Graph } from "../../src/embedder/onnx/graph.ts"

const RATE = 8000
const WINDOW = RATE / 2
const HOP = WINDOW / 2
const FRAME = 100
const BANDS = 12

/** Windows of half a second as they are, every quarter, the last one padded with silence. */
export const frontEnd: FrontEnd = {
  id: "tiny",
  module: import.meta.path,
  sampleRate: RATE,
  window: WINDOW,
  hop: HOP,
  patchSize: WINDOW,
  vectors: { levels: BANDS },
  versions: { frontEnd: "tiny-1", pooling: "even-1" },
  prepare: (samples) => {
    const patches = 1 + Math.ceil(Math.max(0, samples.length - WINDOW) / HOP)
    const out = new Float32Array(patches * WINDOW)
    for (let at = 0; at < patches; at++) out.set(samples.subarray(at * HOP, at * HOP + WINDOW), at * WINDOW)
    return out
  },
  weigh: (patches) => evenWeights(patches.length / WINDOW)
}

// Cosines, then sines, of 12 frequencies from 160 Hz up, [100, 24].
const waves = Float32Array.from({ length: FRAME * 2 * BANDS }, (_, i) => {
  const [n, column] = [Math.floor(i / (2 * BANDS)), i % (2 * BANDS)]
  const turns = (2 * Math.PI * n * 2 * ((column % BANDS) + 1)) / FRAME
  return column < BANDS ? Math.cos(turns) : Math.sin(turns)
})

const embedderOf = (frontEnd: FrontEnd): Embedder => ({
  frontEnd,
  name: "tiny",
  hash: "0".repeat(64),
  source: "the tests",
  patchShape: [WINDOW / FRAME, FRAME],
  model: (batch) => {
    const graph = new Graph("tiny")
    const patches = graph.input("patches", [batch, WINDOW / FRAME, FRAME])
    const spectra = graph.op("MatMul", [patches, graph.floats(waves, [FRAME, 2 * BANDS])])
    const energies = graph.op("ReduceMean", [graph.op("Mul", [spectra, spectra])], { axes: [1], keepdims: 0 })
    const bands = graph.op("Reshape", [energies, graph.integers([batch, 2, BANDS])])
    const levels = graph.op("Add", [
      graph.op("ReduceSum", [bands, graph.integers([1])], { keepdims: 0 }),
      graph.scalar(1e-6)
    ])
    const own = graph.op("Log", [levels])
    const [from, to, axis] = [0, rowSize(frontEnd) - BANDS, 1].map((bound) => graph.integers([bound]))
    graph.op("Concat", [own, graph.op("Slice", [own, from!, to!, axis!])], { axis: 1 }, "rows")
    graph.output("rows", [batch, rowSize(frontEnd)])
    return graph.model()
  }
})

/** An embedder that has nothing to learn, no kernels and no scores: the levels of 12 bands, in frames of 12.5 ms. */
export const tiny: Embedder = embedderOf(frontEnd)

/** The same, which has come to give a further vector. */
export const tinyTapped: Embedder = embedderOf({ ...frontEnd, vectors: { ...frontEnd.vectors, lowest: 3 } })
