import { Effect } from "effect"
import { EngineError } from "../../src/embedder/engine.ts"
import { requestAdapter } from "../../src/embedder/webgpu/adapter.ts"

/** Work of one pass, begun and ended around it. */
export type Pass = (pass: GPUComputePassEncoder) => void

/** A device of its own that tells how long its passes take. */
export interface Clock {
  readonly device: GPUDevice
  /** Nanoseconds that each pass takes, by itself: the median of five rounds, of many repetitions where it is short. */
  readonly time: (passes: ReadonlyArray<Pass>) => Promise<ReadonlyArray<number>>
}

const ROUNDS = 5
// The clock is told in steps of some 65 µs, longer than many a kernel takes.
const LONG_ENOUGH = 5e6
const MOST = 100

const timer = (device: GPUDevice): Clock["time"] => {
  const { COPY_SRC, MAP_READ, COPY_DST, QUERY_RESOLVE } = GPUBufferUsage
  return async (passes) => {
    const count = 2 * passes.length
    const querySet = device.createQuerySet({ type: "timestamp", count })
    const resolved = device.createBuffer({ size: 8 * count, usage: QUERY_RESOLVE | COPY_SRC })
    const readable = device.createBuffer({ size: 8 * count, usage: MAP_READ | COPY_DST })
    const round = async (often: ReadonlyArray<number>) => {
      const encoder = device.createCommandEncoder()
      for (const [index, work] of passes.entries()) {
        const pass = encoder.beginComputePass({
          timestampWrites: { querySet, beginningOfPassWriteIndex: 2 * index, endOfPassWriteIndex: 2 * index + 1 }
        })
        for (let i = 0; i < often[index]!; i++) work(pass)
        pass.end()
      }
      encoder.resolveQuerySet(querySet, 0, count, resolved, 0)
      encoder.copyBufferToBuffer(resolved, 0, readable, 0, 8 * count)
      device.queue.submit([encoder.finish()])
      await readable.mapAsync(GPUMapMode.READ)
      const stamps = new BigInt64Array(readable.getMappedRange().slice(0))
      readable.unmap()
      return often.map((times, index) => Number(stamps[2 * index + 1]! - stamps[2 * index]!) / times)
    }
    const warmUp = await round(passes.map(() => 1))
    const often = warmUp.map((nanoseconds) => Math.min(MOST, Math.ceil(LONG_ENOUGH / Math.max(1, nanoseconds))))
    const rounds: Array<ReadonlyArray<number>> = []
    for (let i = 0; i < ROUNDS; i++) rounds.push(await round(often))
    return passes.map((_, index) => rounds.map((times) => times[index]!).sort((a, b) => a - b)[(ROUNDS - 1) / 2]!)
  }
}

/** A clock on this machine's adapter, or undefined where that has none. */
export const openClock = Effect.gen(function* () {
  const { gpu } = yield* requestAdapter
  if (!gpu.features.has("timestamp-query")) return undefined
  const { maxBufferSize, maxStorageBufferBindingSize } = gpu.limits
  const device = yield* Effect.acquireRelease(
    Effect.tryPromise({
      try: () =>
        gpu.requestDevice({
          requiredFeatures: ["timestamp-query", ...(gpu.features.has("shader-f16") ? (["shader-f16"] as const) : [])],
          requiredLimits: { maxBufferSize, maxStorageBufferBindingSize }
        }),
      catch: (cause) => new EngineError({ message: `The kernels cannot be timed: ${cause}` })
    }),
    (device) => Effect.sync(() => device.destroy())
  )
  return { device, time: timer(device) } satisfies Clock
})

/** A pass that dispatches a kernel on buffers, which are bound in order. */
export const passOf = (
  device: GPUDevice,
  code: string,
  buffers: ReadonlyArray<GPUBuffer>,
  [x, y]: readonly [x: number, y: number]
): Pass => {
  const module = device.createShaderModule({ code })
  const pipeline = device.createComputePipeline({ layout: "auto", compute: { module } })
  const entries = buffers.map((buffer, binding) => ({ binding, resource: { buffer } }))
  const group = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries })
  return (pass) => {
    pass.setPipeline(pipeline)
    pass.setBindGroup(0, group)
    pass.dispatchWorkgroups(x, y)
  }
}
