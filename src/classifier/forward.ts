import type { Graph } from "../embedder/onnx/graph.ts"
import { type DenseNetwork, NORMALIZATION, type TensorSpec } from "./denseNetwork.ts"

/**
 * Adds a network, as it predicts, to a graph: embeddings [n, inputs] to logits [n, classes].
 *
 * `weight` names the graph's tensor that holds a weight: a constant when exporting, an input when validating.
 */
export const addForward = (
  graph: Graph,
  network: Pick<DenseNetwork, "units">,
  embeddings: string,
  weight: (name: TensorSpec["name"]) => string
): string => {
  const last = network.units.length - 2
  let activation = embeddings
  for (let layer = 0; layer < last; layer++) {
    const rectified = graph.op("Relu", [
      graph.op("Gemm", [activation, weight(`kernel${layer}`), weight(`bias${layer}`)])
    ])
    const normalisation = (["gamma", "beta", "mean", "variance"] as const).map((kind) => weight(`${kind}${layer}`))
    activation = graph.op("BatchNormalization", [rectified, ...normalisation], {
      epsilon: { float: NORMALIZATION.epsilon }
    })
  }
  return graph.op("Gemm", [activation, weight(`kernel${last}`), weight(`bias${last}`)])
}
