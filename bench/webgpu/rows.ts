import type * as Tfjs from "@tensorflow/tfjs"
import { Effect } from "effect"
import type { Convolution } from "../../src/embedder/convolution.ts"
import type { Precision } from "../../src/embedder/engine.ts"
import { EngineError } from "../../src/embedder/engine.ts"
import { makeNative } from "../../src/embedder/native/nativeEngine.ts"
import { Graph } from "../../src/embedder/onnx/graph.ts"
import { loadOnnxruntime } from "../../src/embedder/onnx/runtime.ts"
import { selfTest, type TestedEngine } from "../../src/embedder/webgpu/selfTest.ts"
import { openTensorflow } from "../../src/embedder/webgpu/tensorflow.ts"
import { makeWebgpu } from "../../src/embedder/webgpu/webgpuEngine.ts"
import { IN_FLIGHT } from "../../src/embedder/webgpu/wgsl/executor.ts"
import { MEL_BANDS, PATCH_FRAMES, PATCH_SIZE } from "../../src/embedder/yamnet/logMel.ts"
import { EMBEDDING_SIZE, type Mobilenet } from "../../src/embedder/yamnet/mobilenet.ts"
import { addNetwork } from "../../src/embedder/yamnet/networkGraph.ts"
import { backboneOf } from "../../src/embedder/yamnet/yamnet.ts"

/** Patches per second, from patches in the host's memory to embeddings in the host's memory. */
export interface Rate {
  readonly batch: number
  readonly median: number
  readonly low: number
  readonly high: number
  /** How far its embeddings are from the native engine's, in words, or null where they agree. */
  readonly wrong: string | null
}

const failed = (cause: unknown) => new EngineError({ message: String(cause) })

const ours = (precision: Precision) => (network: Mobilenet, batch: number) =>
  makeWebgpu({ backbone: backboneOf(network, []), precision, why: "The benchmark.", batch })

/** The network in TensorFlow.js's operators, on the same device. */
const tensorflow = Effect.fnUntraced(function* ({ stem, separable }: Mobilenet, batch: number) {
  const { tf, checkDevice } = yield* openTensorflow
  const layer = ({ kernel, shape, bias }: Convolution) => ({
    filter: tf.tensor4d(kernel, [...shape]),
    bias: tf.tensor1d(bias),
    activation: "relu" as const,
    pad: "same" as const
  })
  const first = { ...layer(stem), strides: 2 as const }
  const others = separable.map(({ depthwise, pointwise, stride }) => ({
    depthwise: { ...layer(depthwise), strides: stride },
    pointwise: { ...layer(pointwise), strides: 1 as const }
  }))
  const forward = (patches: Float32Array): Tfjs.Tensor =>
    tf.tidy(() => {
      let features = tf.fused.conv2d({ x: tf.tensor4d(patches, [batch, PATCH_FRAMES, MEL_BANDS, 1]), ...first })
      for (const { depthwise, pointwise } of others) {
        features = tf.fused.conv2d({ x: tf.fused.depthwiseConv2d({ x: features, ...depthwise }), ...pointwise })
      }
      return tf.mean(features, [1, 2])
    })
  const embed = (patches: Float32Array) =>
    Effect.tryPromise({
      try: async () => {
        const embeddings = forward(patches.slice())
        const values = await embeddings.data<"float32">()
        embeddings.dispose()
        return values
      },
      catch: failed
    }).pipe(Effect.tap(checkDevice))
  return { batch, embed }
})

/** The network by onnxruntime's own kernels for WebGPU, on a device of its own. */
const onnxruntime = Effect.fnUntraced(function* (network: Mobilenet, batch: number) {
  const { InferenceSession, Tensor } = yield* Effect.promise(loadOnnxruntime)
  const graph = new Graph("yamnet")
  const input = graph.input("patches", [batch, PATCH_FRAMES, MEL_BANDS])
  graph.op("Identity", [addNetwork(graph, input, network, { taps: [] })], {}, "embeddings")
  graph.output("embeddings", [batch, EMBEDDING_SIZE])
  const session = yield* Effect.acquireRelease(
    Effect.tryPromise({
      try: () => InferenceSession.create(graph.model(), { executionProviders: ["webgpu"], logSeverityLevel: 3 }),
      catch: failed
    }),
    (session) => Effect.promise(() => session.release())
  )
  const embed = (patches: Float32Array) =>
    Effect.tryPromise({
      try: async () => {
        const { embeddings } = await session.run({
          patches: new Tensor("float32", patches, [batch, PATCH_FRAMES, MEL_BANDS])
        })
        return embeddings!.data as Float32Array
      },
      catch: failed
    })
  return { batch, embed }
})

const native = (network: Mobilenet) => makeNative({ backbone: backboneOf(network, []), why: "The benchmark." })

/** What runs the network, and how many batches it has in hand: the network's own kernels overlap two. */
export const ROWS = {
  "own kernels": { open: ours("float32"), inHand: IN_FLIGHT, precision: "float32" },
  "own kernels, one batch in hand": { open: ours("float32"), inHand: 1, precision: "float32" },
  "own kernels, float16": { open: ours("float16"), inHand: IN_FLIGHT, precision: "float16" },
  "TensorFlow.js": { open: tensorflow, inHand: 1, precision: "float32" },
  "onnxruntime, WebGPU": { open: onnxruntime, inHand: 1, precision: "float32" },
  "onnxruntime, processor": { open: native, inHand: 1, precision: "float32" }
} as const

export type RowName = keyof typeof ROWS

const ROUNDS = 5

const timed = (embedder: TestedEngine, patches: Float32Array, batches: number, inHand: number) =>
  Effect.gen(function* () {
    const began = performance.now()
    const all = Array.from({ length: batches }, () => embedder.embed(patches))
    yield* Effect.all(all, { concurrency: inHand, discard: true })
    return (performance.now() - began) / 1000
  })

/** Tests a row's numbers, warms it up, and times five rounds of whole batches that take `seconds` together. */
export const measureRow = Effect.fn("measureRow")(function* (
  name: RowName,
  network: Mobilenet,
  batch: number,
  seconds: number
) {
  const { open, inHand, precision } = ROWS[name]
  const embedder = yield* open(network, batch)
  const wrong = (yield* selfTest(embedder, backboneOf(network, []), precision)) ?? null
  const patches = new Float32Array(embedder.batch * PATCH_SIZE).map((_, i) => Math.sin(i) - 2)
  const once = yield* timed(embedder, patches, inHand, inHand)
  const batches = inHand * Math.max(1, Math.round(seconds / ROUNDS / once))
  const rates: Array<number> = []
  for (let round = 0; round < ROUNDS; round++) {
    rates.push((batches * embedder.batch) / (yield* timed(embedder, patches, batches, inHand)))
  }
  rates.sort((a, b) => a - b)
  const [low, median, high] = [rates[0]!, rates[(ROUNDS - 1) / 2]!, rates[ROUNDS - 1]!]
  return { batch: embedder.batch, median, low, high, wrong } satisfies Rate
}, Effect.scoped)
