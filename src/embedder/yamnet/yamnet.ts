import { Effect, FileSystem, Option } from "effect"
import { Settings } from "../../config/settings.ts"
import type { Backbone, Embedder } from "../embedder.ts"
import type { EngineError } from "../engine.ts"
import { rowSize } from "../frontEnd.ts"
import { knownRows } from "../native/integers.ts"
import { Graph } from "../onnx/graph.ts"
import { frontEndOf } from "./frontEnd.ts"
import { keptRounding } from "./keptRounding.ts"
import { MEL_BANDS, PATCH_FRAMES } from "./logMel.ts"
import { type Mobilenet, TAPS } from "./mobilenet.ts"
import { addFrontEnd, addNetwork } from "./networkGraph.ts"
import { networkKernels } from "./networkKernels.ts"
import { addTfliteFrontEnd, addTfliteNetwork, addTflitePooling, floatLayers, int8Layers } from "./networkTflite.ts"
import { addPooling } from "./pooling.ts"
import { type QuantisedMobilenet, quantise } from "./quantise.ts"
import { addQuantised } from "./quantisedGraph.ts"
import { measureRanges } from "./ranges.ts"
import { findWeights, type YamnetWeights } from "./weights.ts"

// Adds what turns patches into rows to a graph, and gives the rows' name; `batch` is how many, where that is known.
type AddRows = (graph: Graph, patches: string, batch?: number) => string

const backbone = (add: AddRows, taps: ReadonlyArray<number>): Backbone => {
  const frontEnd = frontEndOf(taps)
  return {
    frontEnd,
    patchShape: [PATCH_FRAMES, MEL_BANDS],
    model: (batch) => {
      const graph = new Graph("yamnet")
      const patches = graph.input("patches", [batch, PATCH_FRAMES, MEL_BANDS])
      graph.op("Identity", [add(graph, patches, batch)], {}, "rows")
      graph.output("rows", [batch, rowSize(frontEnd)])
      return graph.model()
    }
  }
}

/** A network of YAMNet's shape, from log-mel patches [n, 96, 64] to embeddings [n, 1024] and the taps' vectors. */
export const backboneOf = (network: Mobilenet, taps = TAPS): Backbone => ({
  ...backbone((graph, patches, batch) => addNetwork(graph, patches, network, { taps, batch }), taps),
  kernels: (batch, precision) => networkKernels(network, batch, precision, taps)
})

/** YAMNet in eight bits, by what its layers give for patches. */
export const quantiseYamnet = Effect.fn("quantiseYamnet")(function* (network: Mobilenet, patches: Float32Array) {
  return quantise(network, yield* measureRanges(network, patches))
})

/**
 * YAMNet with these weights; in eight bits where it is given what they were rounded to. `round` rounds them for TensorFlow
 * Lite, of which there are no files without it; `rows` are what they give for known patches.
 */
export const yamnetOf = (
  weights: YamnetWeights,
  taps = TAPS,
  rounded?: QuantisedMobilenet,
  round?: Effect.Effect<QuantisedMobilenet, EngineError>,
  rows?: Float32Array
): Embedder => {
  const precise = backboneOf(weights, taps)
  const unrounded = rows === undefined ? knownRows(precise) : Effect.succeed(rows)
  const add: AddRows = (graph, patches, batch) =>
    rounded === undefined
      ? addNetwork(graph, patches, weights, { taps, batch })
      : addQuantised(graph, patches, weights, rounded, taps)
  return {
    ...(rounded === undefined ? precise : { ...backbone(add, taps), unrounded }),
    name: weights.embedder,
    hash: weights.hash,
    source: weights.source,
    ...(weights.scores === undefined ? {} : { scores: weights.scores }),
    addTo: (graph, waveform) => {
      const patches = addFrontEnd(graph, waveform)
      return addPooling(graph, patches, add(graph, patches))
    },
    ...(round !== undefined && {
      addToTflite: Effect.fn("yamnet.addToTflite")(function* (graph, waveform, precision) {
        const layers = precision === "int8" ? int8Layers(graph, rounded ?? (yield* round)) : floatLayers(graph)
        const { patches, weights: shares } = addTfliteFrontEnd(graph, waveform)
        return addTflitePooling(graph, addTfliteNetwork(graph, patches, weights, layers, taps), shares)
      })
    })
  }
}

/** YAMNet with the weights that YAMNET_MODEL names, else those in `folder`, downloaded once; in eight bits if PRECISION says so. */
export const findYamnet = Effect.fn("findYamnet")(function* (options: {
  readonly folder: string
  /** Whether an untrained network may stand in where nothing can be downloaded. */
  readonly allowUntrained: boolean
  /** Where to download from: the official addresses unless said. */
  readonly addresses?: ReadonlyArray<string>
}) {
  const { yamnetModel, precision, modelCache } = yield* Settings
  const fs = yield* FileSystem.FileSystem
  const location = Option.match(yamnetModel, { onNone: () => ({}), onSome: (location) => ({ location }) })
  const weights = yield* findWeights({ ...location, ...options })
  const rounding = yield* keptRounding(weights, modelCache, TAPS, knownRows(backboneOf(weights))).pipe(
    Effect.provideService(FileSystem.FileSystem, fs),
    Effect.cached
  )
  const round = Effect.map(rounding, ({ rounded }) => rounded)
  if (precision !== "int8") return yamnetOf(weights, TAPS, undefined, round)
  const { rounded, rows } = yield* rounding
  return yamnetOf(weights, TAPS, rounded, round, rows)
})
