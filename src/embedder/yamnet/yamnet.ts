import { Effect, Option } from "effect"
import { Settings } from "../../config/settings.ts"
import type { Backbone, Embedder } from "../embedder.ts"
import { rowSize } from "../frontEnd.ts"
import { Graph } from "../onnx/graph.ts"
import { wholeNumbers } from "./equalise.ts"
import { frontEndOf } from "./frontEnd.ts"
import { MEL_BANDS, PATCH_FRAMES } from "./logMel.ts"
import { type Mobilenet, TAPS } from "./mobilenet.ts"
import { addFrontEnd, addNetwork } from "./networkGraph.ts"
import { networkKernels } from "./networkKernels.ts"
import { addTfliteFrontEnd, addTfliteNetwork, addTflitePooling, floatLayers, int8Layers } from "./networkTflite.ts"
import { addPooling } from "./pooling.ts"
import { findWeights, type YamnetWeights } from "./weights.ts"

/** A network of YAMNet's shape, from log-mel patches [n, 96, 64] to embeddings [n, 1024] and the taps' vectors. */
export const backboneOf = (network: Mobilenet, taps = TAPS): Backbone => {
  const frontEnd = frontEndOf(taps)
  return {
    frontEnd,
    patchShape: [PATCH_FRAMES, MEL_BANDS],
    model: (batch) => {
      const graph = new Graph("yamnet")
      const patches = graph.input("patches", [batch, PATCH_FRAMES, MEL_BANDS])
      graph.op("Identity", [addNetwork(graph, patches, network, taps)], {}, "rows")
      graph.output("rows", [batch, rowSize(frontEnd)])
      return graph.model()
    },
    kernels: (batch, precision) => networkKernels(network, batch, precision, taps)
  }
}

/** YAMNet with these weights. */
export const yamnetOf = (weights: YamnetWeights, taps = TAPS): Embedder => ({
  ...backboneOf(weights, taps),
  name: weights.embedder,
  hash: weights.hash,
  source: weights.source,
  ...(weights.scores === undefined ? {} : { scores: weights.scores }),
  addTo: (graph, waveform) => {
    const patches = addFrontEnd(graph, waveform)
    return addPooling(graph, patches, addNetwork(graph, patches, weights, taps))
  },
  addToTflite: Effect.fn("yamnet.addToTflite")(function* (graph, waveform, precision) {
    const layers = precision === "int8" ? int8Layers(graph, yield* wholeNumbers(weights)) : floatLayers(graph)
    const { patches, weights: shares } = addTfliteFrontEnd(graph, waveform)
    return addTflitePooling(graph, addTfliteNetwork(graph, patches, weights, layers, taps), shares)
  })
})

/** YAMNet with the weights that YAMNET_MODEL names, else those in `folder`, downloaded once. */
export const findYamnet = Effect.fn("findYamnet")(function* (options: {
  readonly folder: string
  /** Whether an untrained network may stand in where nothing can be downloaded. */
  readonly allowUntrained: boolean
}) {
  const { yamnetModel } = yield* Settings
  const location = Option.match(yamnetModel, { onNone: () => ({}), onSome: (location) => ({ location }) })
  return yamnetOf(yield* findWeights({ ...location, ...options }))
})
