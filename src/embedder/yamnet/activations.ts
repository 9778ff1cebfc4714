import { Effect } from "effect"
import { Tensor } from "onnxruntime-common"
import { EngineError } from "../engine.ts"
import { Graph } from "../onnx/graph.ts"
import { openSession } from "../onnx/session.ts"
import { MEL_BANDS, PATCH_FRAMES, PATCH_SIZE } from "./logMel.ts"
import { layersOf, type Mobilenet } from "./mobilenet.ts"
import { addConvolutions } from "./networkGraph.ts"

/** What the channels of a layer came to: how high, but for the highest in few patches, and their means. */
export interface ChannelRanges {
  readonly highest: Float32Array
  readonly mean: Float32Array
}

/** The share of patches whose highest activation a channel's range holds; what is higher is cut off. */
const SHARE_HELD = 0.98

/** What every layer's channels come to in these patches [n, 96, 64], by the network in floats. */
export const channelRanges = Effect.fn("channelRanges")(function* (network: Mobilenet, patches: Float32Array) {
  const count = patches.length / PATCH_SIZE
  const fail = (cause: unknown) => new EngineError({ message: `The ranges of activations cannot be told: ${cause}` })
  const session = yield* openSession(rangesModel(network, count), 1, fail)
  const outputs = yield* Effect.tryPromise({
    try: () => session.run({ patches: new Tensor("float32", patches, [count, PATCH_FRAMES, MEL_BANDS]) }),
    catch: fail
  })
  return layersOf(network).map(({ bias: { length: channels } }, layer): ChannelRanges => {
    const each = outputs[`highest${layer}`]!.data as Float32Array
    const highest = Float32Array.from({ length: channels }, (_, channel) => {
      const own = Float32Array.from({ length: count }, (_, patch) => each[patch * channels + channel]!).sort()
      return own[Math.floor(SHARE_HELD * (count - 1))]!
    })
    return { highest, mean: outputs[`mean${layer}`]!.data as Float32Array }
  })
}, Effect.scoped)

const rangesModel = (network: Mobilenet, count: number): Uint8Array => {
  const graph = new Graph("ranges")
  const patches = graph.input("patches", [count, PATCH_FRAMES, MEL_BANDS])
  for (const [layer, features] of addConvolutions(graph, patches, network).entries()) {
    const channels = layersOf(network)[layer]!.bias.length
    graph.op("ReduceMax", [features], { axes: [2, 3], keepdims: 0 }, `highest${layer}`)
    graph.op("ReduceMean", [features], { axes: [0, 2, 3], keepdims: 0 }, `mean${layer}`)
    graph.output(`highest${layer}`, [count, channels])
    graph.output(`mean${layer}`, [channels])
  }
  return graph.model()
}
