import { Effect } from "effect"
import { requestAdapter } from "../../../src/engine/adapter.ts"
import { EngineError } from "../../../src/engine/engine.ts"
import { networkKernels } from "../../../src/wgsl/network.ts"
import type { Network } from "../../../src/yamnet/layers.ts"

/** What one kernel takes on the device by itself. */
export interface KernelTime {
  readonly name: string
  readonly microseconds: number
  /** Multiplications and additions in a second, by 1e9; null where it has no weights. */
  readonly gigaflops: number | null
  /** Bytes in and out of memory in a second, by 1e9, had each been read and written once. */
  readonly gigabytes: number
}

const ROUNDS = 5
const LONG_ENOUGH = 5e6

/**
 * Times every kernel of the network by the device's own clock, each in a pass of its own: the median of five. Where the
 * adapter has no such clock there is nothing to say.
 */
export const profileKernels = Effect.fn("profileKernels")(function* (network: Network, batch: number) {
  const adapter = yield* requestAdapter
  if (!adapter.gpu.features.has("timestamp-query")) return []
  const { maxBufferSize, maxStorageBufferBindingSize } = adapter.gpu.limits
  return yield* Effect.tryPromise({
    try: async () => {
      const device = await adapter.gpu.requestDevice({
        requiredFeatures: ["timestamp-query"],
        requiredLimits: { maxBufferSize, maxStorageBufferBindingSize }
      })
      const times = await timeKernels(device, network, batch)
      device.destroy()
      return times
    },
    catch: (cause) => new EngineError({ message: `The kernels cannot be timed: ${cause}` })
  })
})

const timeKernels = async (device: GPUDevice, network: Network, batch: number): Promise<Array<KernelTime>> => {
  const kernels = networkKernels(network, batch)
  const sizes = kernels.map(({ resultSize }) => resultSize(batch))
  const { STORAGE, COPY_SRC, MAP_READ, COPY_DST, QUERY_RESOLVE } = GPUBufferUsage
  const features = [0, 1].map(() => device.createBuffer({ size: 4 * Math.max(...sizes), usage: STORAGE }))
  const queries = device.createQuerySet({ type: "timestamp", count: 2 * kernels.length })
  const resolved = device.createBuffer({ size: 16 * kernels.length, usage: QUERY_RESOLVE | COPY_SRC })
  const readable = device.createBuffer({ size: 16 * kernels.length, usage: MAP_READ | COPY_DST })
  const passes = kernels.map(({ code, workgroups, weights }, index) => {
    const pipeline = device.createComputePipeline({
      layout: "auto",
      compute: { module: device.createShaderModule({ code }) }
    })
    const floats = weights === undefined ? 0 : weights[0].length + weights[1].length
    const own = weights === undefined ? [] : [device.createBuffer({ size: 4 * floats, usage: STORAGE })]
    const entries = [features[index % 2]!, features[(index + 1) % 2]!, ...own].map((buffer, binding) => ({
      binding,
      resource: { buffer }
    }))
    const group = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries })
    return { pipeline, group, workgroups: workgroups(batch) }
  })

  // Nanoseconds of each pass, in which its kernel runs as often as said.
  const time = async (often: ReadonlyArray<number>) => {
    const encoder = device.createCommandEncoder()
    for (const [index, { pipeline, group, workgroups }] of passes.entries()) {
      const pass = encoder.beginComputePass({
        timestampWrites: { querySet: queries, beginningOfPassWriteIndex: 2 * index, endOfPassWriteIndex: 2 * index + 1 }
      })
      pass.setPipeline(pipeline)
      pass.setBindGroup(0, group)
      for (let i = 0; i < often[index]!; i++) pass.dispatchWorkgroups(...workgroups)
      pass.end()
    }
    encoder.resolveQuerySet(queries, 0, 2 * kernels.length, resolved, 0)
    encoder.copyBufferToBuffer(resolved, 0, readable, 0, 16 * kernels.length)
    device.queue.submit([encoder.finish()])
    await readable.mapAsync(GPUMapMode.READ)
    const stamps = new BigInt64Array(readable.getMappedRange().slice(0))
    readable.unmap()
    return often.map((_, index) => Number(stamps[2 * index + 1]! - stamps[2 * index]!))
  }
  // The clock is told in steps of some 65 µs, longer than many a kernel takes.
  const warmUp = await time(passes.map(() => 1))
  const often = warmUp.map((nanoseconds) => Math.min(100, Math.ceil(LONG_ENOUGH / Math.max(1, nanoseconds))))
  const measured: Array<ReadonlyArray<number>> = []
  for (let round = 0; round < ROUNDS; round++) measured.push(await time(often))

  return kernels.map(({ name, weights }, index) => {
    const all = measured.map((times) => times[index]! / often[index]!).sort((a, b) => a - b)
    const nanoseconds = all[(ROUNDS - 1) / 2]!
    const result = sizes[index]!
    // Every weight is used once for each place of its output channel.
    const products = weights === undefined ? null : (weights[0].length * result) / weights[1].length
    const input = index === 0 ? batch * 96 * 64 : sizes[index - 1]!
    const bytes = 4 * (input + result + (weights?.[0].length ?? 0))
    return {
      name,
      microseconds: nanoseconds / 1000,
      gigaflops: products === null ? null : (2 * products) / nanoseconds,
      gigabytes: bytes / nanoseconds
    }
  })
}
