import { InferenceSession, Tensor } from "onnxruntime-node"
import { Graph } from "../../src/embedder/onnx/graph.ts"
import { logMelPatches, MEL_BANDS, PATCH_FRAMES, PATCH_SIZE } from "../../src/embedder/yamnet/logMel.ts"
import { EMBEDDING_SIZE, type Mobilenet } from "../../src/embedder/yamnet/mobilenet.ts"
import { addNetwork } from "../../src/embedder/yamnet/networkGraph.ts"
import { patchWeights } from "../../src/embedder/yamnet/pooling.ts"

/** A clip's embedding as the pipeline computes it: patches outside the graph, YAMNet inside, pooling outside. */
export const embedWaveform = async (waveform: Float32Array, yamnet: Mobilenet): Promise<Float32Array> => {
  const graph = new Graph("yamnet")
  const embeddings = addNetwork(graph, graph.input("patches", ["n", PATCH_FRAMES, MEL_BANDS]), yamnet)
  graph.output(embeddings, ["n", EMBEDDING_SIZE])
  const session = await InferenceSession.create(graph.model(), { intraOpNumThreads: 1, logSeverityLevel: 3 })
  const patches = logMelPatches(waveform)
  const count = patches.length / PATCH_SIZE
  const results = await session.run({ patches: new Tensor("float32", patches, [count, PATCH_FRAMES, MEL_BANDS]) })
  const values = results[embeddings]!.data as Float32Array
  await session.release()
  const weights = patchWeights(patches)
  return Float32Array.from({ length: EMBEDDING_SIZE }, (_, feature) =>
    weights.reduce((sum, weight, patch) => sum + weight * values[patch * EMBEDDING_SIZE + feature]!, 0)
  )
}
