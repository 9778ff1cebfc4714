import type * as Tensorflow from "@tensorflow/tfjs"
import { Effect, Semaphore } from "effect"
import { MEL_BANDS, PATCH_FRAMES, PATCH_SIZE } from "../yamnet/frontend.ts"
import { EMBEDDING_SIZE, type Layer, type Network } from "../yamnet/layers.ts"
import { findAdapter } from "./adapter.ts"
import { countPatches, Engine, EngineError } from "./engine.ts"

const HARDWARE_BATCH = 64
const SOFTWARE_BATCH = 2

// Dawn keeps only what is asked for: without these, buffers end at WebGPU's modest guarantees.
const LIMITS = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxComputeWorkgroupsPerDimension",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX"
] as const

/** TensorFlow.js on this machine's graphics card. */
export interface Webgpu {
  readonly tf: typeof Tensorflow
  readonly adapter: string
  readonly software: boolean
  /** Fails with what the device has complained of so far; WebGPU itself goes on with zeros. */
  readonly checkDevice: Effect.Effect<void, EngineError>
}

/** TensorFlow.js with WebGPU as its backend; one device per process, shared by embedding and training. */
export const openWebgpu: Effect.Effect<Webgpu, EngineError> = Effect.gen(function* () {
  const adapter = yield* findAdapter
  const complaints: Array<string> = []
  const tf = yield* Effect.tryPromise({
    try: async () => {
      const requiredLimits = Object.fromEntries(LIMITS.map((limit) => [limit, adapter.gpu.limits[limit]]))
      const device = await adapter.gpu.requestDevice({ requiredLimits })
      device.addEventListener("uncapturederror", ({ error }) => complaints.push(error.message.split("\n", 1)[0]!))
      const tf = await import("@tensorflow/tfjs")
      const { WebGPUBackend } = await import("@tensorflow/tfjs-backend-webgpu")
      tf.removeBackend("webgpu")
      tf.registerBackend("webgpu", () => new WebGPUBackend(device, adapter.gpu.info))
      if (!(await tf.setBackend("webgpu"))) throw new Error("its backend does not start")
      return tf
    },
    catch: (cause) => new EngineError({ message: `WebGPU cannot be used on ${adapter.name}: ${cause}` })
  })
  const checkDevice = Effect.suspend(() =>
    complaints.length === 0
      ? Effect.void
      : Effect.fail(new EngineError({ message: `WebGPU failed on ${adapter.name}: ${complaints[0]}` }))
  )
  return { tf, adapter: adapter.name, software: adapter.software, checkDevice }
}).pipe(Effect.cached, Effect.runSync)

const upload = (tf: typeof Tensorflow, { stem, separable }: Network) => {
  const layer = ({ kernel, shape, bias }: Layer) => ({
    filter: tf.tensor4d(kernel, [...shape]),
    bias: tf.tensor1d(bias),
    activation: "relu" as const,
    pad: "same" as const
  })
  return {
    stem: layer(stem),
    separable: separable.map(({ depthwise, pointwise, stride }) => ({
      depthwise: { ...layer(depthwise), strides: stride },
      pointwise: { ...layer(pointwise), strides: 1 as const }
    }))
  }
}

/** YAMNet on a graphics card, by TensorFlow.js over WebGPU. */
export const makeWebgpu = Effect.fn("Webgpu.make")(function* (options: {
  readonly network: Network
  readonly why: string
  /** Patches run at once; 64 on a card, 2 on a software adapter. */
  readonly batch?: number
}) {
  const { tf, adapter, software, checkDevice } = yield* openWebgpu
  const batch = options.batch ?? (software ? SOFTWARE_BATCH : HARDWARE_BATCH)
  const { stem, separable } = yield* Effect.acquireRelease(
    Effect.sync(() => upload(tf, options.network)),
    (layers) => Effect.sync(() => tf.dispose(layers))
  )
  const turn = yield* Semaphore.make(1)
  // tfjs keeps freed buffers for the next request of exactly their size, so every batch has the same shape.
  const padded = new Float32Array(batch * PATCH_SIZE)

  const forward = () =>
    tf.tidy(() => {
      const patches = tf.tensor4d(padded.slice(), [batch, PATCH_FRAMES, MEL_BANDS, 1])
      let features = tf.fused.conv2d({ x: patches, ...stem, strides: 2 })
      for (const { depthwise, pointwise } of separable) {
        features = tf.fused.conv2d({ x: tf.fused.depthwiseConv2d({ x: features, ...depthwise }), ...pointwise })
      }
      return tf.mean(features, [1, 2])
    })

  const run = (patches: Float32Array, count: number) =>
    Effect.tryPromise({
      try: async () => {
        padded.set(patches)
        const embeddings = forward()
        const values = await embeddings.data<"float32">()
        embeddings.dispose()
        return values.slice(0, count * EMBEDDING_SIZE)
      },
      catch: (cause) => new EngineError({ message: `WebGPU failed on ${adapter}: ${cause}` })
    })

  return Engine.of({
    name: "webgpu",
    adapter,
    why: options.why,
    batch,
    embed: Effect.fnUntraced(
      function* (patches) {
        const count = yield* countPatches(patches, batch)
        yield* checkDevice
        const embeddings = yield* run(patches, count)
        yield* checkDevice
        return embeddings
      },
      Effect.uninterruptible,
      turn.withPermit
    )
  })
})
