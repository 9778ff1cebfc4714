import { createHash } from "node:crypto"
import { join } from "node:path"
import { type Dimension, Graph } from "../../src/embedder/onnx/graph.ts"

const FRAME = 100

/** What a made embedder differs in. */
export interface MadeEmbedder {
  readonly id?: string
  readonly rate?: number
  /** Samples. */
  readonly window?: number
  readonly bands?: number
  /** Times 80 Hz at 8 kHz lie between its bands. */
  readonly spacing?: number
  /** Extents that the model declares, in place of ["batch", samples]. */
  readonly shape?: ReadonlyArray<Dimension>
  readonly licence?: string
}

/**
 * An ONNX embedder as people have them, `[batch, samples]` to `embedding` and `loudness`: it hears how loud some bands are.
 * Nothing in it is of this project but the writer of its graph.
 */
export const onnxEmbedder = ({ rate = 8000, window = 4000, bands = 12, spacing = 2, shape }: MadeEmbedder = {}) => {
  const waves = Float32Array.from({ length: FRAME * 2 * bands }, (_, i) => {
    const [n, column] = [Math.floor(i / (2 * bands)), i % (2 * bands)]
    const turns = (2 * Math.PI * n * spacing * ((column % bands) + 1) * 8000) / rate / FRAME
    return column < bands ? Math.cos(turns) : Math.sin(turns)
  })
  const graph = new Graph("bands")
  const waveform = graph.input("waveform", shape ?? ["batch", window])
  const frames = graph.op("Reshape", [waveform, graph.integers([-1, Math.floor(window / FRAME), FRAME])])
  const spectra = graph.op("MatMul", [frames, graph.floats(waves, [FRAME, 2 * bands])])
  const energies = graph.op("ReduceMean", [graph.op("Mul", [spectra, spectra])], { axes: [1], keepdims: 0 })
  const both = graph.op("Reshape", [energies, graph.integers([-1, 2, bands])])
  const levels = graph.op("ReduceSum", [both, graph.integers([1])], { keepdims: 0 })
  const log = graph.op("Log", [graph.op("Add", [levels, graph.scalar(1e-6)])], {}, "embedding")
  graph.op("ReduceMean", [log], { axes: [1], keepdims: 1 }, "loudness")
  graph.output("embedding", [shape?.[0] ?? "batch", bands])
  graph.output("loudness", [shape?.[0] ?? "batch", 1])
  return graph.model()
}

/** What `embedder.json` says of it. */
export const descriptionOf = (
  bytes: Uint8Array,
  { id = "bands", rate = 8000, window = 4000, bands = 12, licence = "CC0-1.0, made by a test" }: MadeEmbedder = {}
) => ({
  id,
  sample_rate: rate,
  window: window / rate,
  hop: window / rate / 2,
  outputs: { embedding: bands },
  licence,
  sha256: createHash("sha256").update(bytes).digest("hex")
})

/** Writes one into a folder of its own below `folder`, and returns the ONNX file's path. */
export const writeOnnxEmbedder = async (folder: string, made: MadeEmbedder = {}): Promise<string> => {
  const bytes = onnxEmbedder(made)
  const own = join(folder, made.id ?? "bands")
  await Bun.write(join(own, "embedder.json"), JSON.stringify(descriptionOf(bytes, made)))
  await Bun.write(join(own, "model.onnx"), bytes)
  return join(own, "model.onnx")
}
