import { InferenceSession, Tensor } from "onnxruntime-node"
import { rowSize } from "../../src/embedder/frontEnd.ts"
import { Graph } from "../../src/embedder/onnx/graph.ts"
import { logMelPatches, MEL_BANDS, PATCH_FRAMES, PATCH_SIZE } from "../../src/embedder/yamnet/logMel.ts"
import { type Mobilenet, TAPS, vectorSizes } from "../../src/embedder/yamnet/mobilenet.ts"
import { addNetwork } from "../../src/embedder/yamnet/networkGraph.ts"
import { patchWeights } from "../../src/embedder/yamnet/pooling.ts"

const ROW = rowSize({ vectors: vectorSizes(TAPS) })

/** A clip's row as the pipeline computes it: patches outside the graph, YAMNet inside, pooling outside. */
export const embedWaveform = async (waveform: Float32Array, yamnet: Mobilenet): Promise<Float32Array> => {
  const graph = new Graph("yamnet")
  const rows = addNetwork(graph, graph.input("patches", ["n", PATCH_FRAMES, MEL_BANDS]), yamnet)
  graph.output(rows, ["n", ROW])
  const session = await InferenceSession.create(graph.model(), { intraOpNumThreads: 1, logSeverityLevel: 3 })
  const patches = logMelPatches(waveform)
  const count = patches.length / PATCH_SIZE
  const results = await session.run({ patches: new Tensor("float32", patches, [count, PATCH_FRAMES, MEL_BANDS]) })
  const values = results[rows]!.data as Float32Array
  await session.release()
  const weights = patchWeights(patches)
  return Float32Array.from({ length: ROW }, (_, feature) =>
    weights.reduce((sum, weight, patch) => sum + weight * values[patch * ROW + feature]!, 0)
  )
}
