import { Effect, type Scope } from "effect"
import { type DeviceFault, onDevice } from "./fault.ts"
import { BYTES, type Kernel, type Weights } from "./kernel.ts"

/** A network on a device, with all the memory that it needs. */
export interface Executor {
  /** The most patches that `embed` takes. */
  readonly batch: number
  /**
   * Patches to rows, 1 <= n <= batch. `IN_FLIGHT` calls may be under way: the next batch is uploaded and computed while
   * this one is read back. Means over a clip's patches are taken afterwards, in float64 and in order, so that they do not
   * depend on where batches end.
   */
  readonly embed: (patches: Float32Array) => Effect.Effect<Float32Array, DeviceFault>
}

/** Batches that an executor may have in hand. */
export const IN_FLIGHT = 2

/** Floats of what goes in and of what comes out. */
export interface Sizes {
  readonly patch: number
  readonly row: number
}

interface Pass {
  readonly pipeline: GPUComputePipeline
  readonly workgroups: Kernel["workgroups"]
  /** By slot in the first pass, which reads the slot's patches; the same for all in the others. */
  readonly bound: ReadonlyArray<GPUBindGroup>
}

/** What each batch in hand has to itself. */
interface Slot {
  readonly index: number
  /** Where the processor writes: mapped while nothing is in hand. Memory that Dawn finds for each write is slow to touch. */
  readonly staging: GPUBuffer
  readonly patches: GPUBuffer
  /** Where the processor can read. */
  readonly rows: GPUBuffer
}

// Equal layers share a pipeline; all compile at once.
const compile = async (device: GPUDevice, kernels: ReadonlyArray<Kernel>) => {
  const codes = [...new Set(kernels.map(({ code }) => code))]
  const pipelines = await Promise.all(
    codes.map((code) =>
      device.createComputePipelineAsync({ layout: "auto", compute: { module: device.createShaderModule({ code }) } })
    )
  )
  return new Map(codes.map((code, index) => [code, pipelines[index]!]))
}

// Dawn's types ask for memory that is not shared, which no caller has.
const write = (device: GPUDevice, buffer: GPUBuffer, at: number, values: Float32Array | Uint8Array) =>
  device.queue.writeBuffer(buffer, at, values as Float32Array<ArrayBuffer> | Uint8Array<ArrayBuffer>)

// Dawn's addon divides by the size of a value, and takes that of a Float16Array for zero.
const toFloat16 = (values: Float32Array): Uint8Array => new Uint8Array(Float16Array.from(values).buffer)

/** Bytes of the largest result of these kernels, for a batch of so many patches. */
export const largestResult = (kernels: ReadonlyArray<Kernel>, batch: number): number =>
  Math.max(...kernels.map(({ resultSize, resultKind }) => BYTES[resultKind] * resultSize(batch)))

const place = (
  device: GPUDevice,
  kernels: ReadonlyArray<Kernel>,
  pipelines: ReadonlyMap<string, GPUComputePipeline>,
  batch: number,
  sizes: Sizes,
  allocate: (bytes: number, usage: GPUBufferUsageFlags, mappedAtCreation?: boolean) => GPUBuffer
) => {
  const { COPY_DST, COPY_SRC, MAP_READ, MAP_WRITE, STORAGE } = GPUBufferUsage
  const slots = Array.from({ length: IN_FLIGHT }, (_, index): Slot => {
    const bytes = 4 * batch * sizes.patch
    const staging = allocate(bytes, MAP_WRITE | COPY_SRC, true)
    const patches = allocate(bytes, STORAGE | COPY_DST)
    return { index, staging, patches, rows: allocate(4 * batch * sizes.row, MAP_READ | COPY_DST) }
  })
  // Passes write to one and read from the other, turn about; those that make rows only read.
  const largest = largestResult(kernels, batch)
  const results = [allocate(largest, STORAGE), allocate(largest, STORAGE)] as const
  const rowMakers = kernels.filter(({ makesRows }) => makesRows)
  const rows = allocate(largestResult(rowMakers, batch), STORAGE | COPY_SRC)

  const uploadWeights = ({ values: [kernel, bias], kind }: Weights) => {
    const buffer = allocate(BYTES[kind] * (kernel.length + bias.length), STORAGE | COPY_DST)
    const convert = (values: Float32Array) => (kind === "float32" ? values : toFloat16(values))
    write(device, buffer, 0, convert(kernel))
    write(device, buffer, BYTES[kind] * kernel.length, convert(bias))
    return buffer
  }
  let sources = slots.map(({ patches }) => patches)
  let turn = 0
  const passes = kernels.map(({ code, workgroups, weights, makesRows }): Pass => {
    const pipeline = pipelines.get(code)!
    const own = weights === undefined ? [] : [uploadWeights(weights)]
    const result = makesRows ? rows : results[turn++ % 2]!
    const bound = sources.map((source) =>
      device.createBindGroup({
        layout: pipeline.getBindGroupLayout(0),
        entries: [source, result, ...own].map((buffer, binding) => ({ binding, resource: { buffer } }))
      })
    )
    if (!makesRows) sources = [result]
    return { pipeline, workgroups, bound }
  })
  return { slots, passes, rows }
}

/**
 * Puts a network, its kernels for so many patches, on a device, which for float16 must have been opened with
 * `shader-f16`. All of its memory is allocated here, and freed with the scope.
 */
export const makeExecutor = Effect.fn("makeExecutor")(function* (
  device: GPUDevice,
  kernels: ReadonlyArray<Kernel>,
  batch: number,
  sizes: Sizes
): Effect.fn.Return<Executor, DeviceFault, Scope.Scope> {
  const pipelines = yield* onDevice(device, () => compile(device, kernels))
  const buffers: Array<GPUBuffer> = []
  // Dawn frees what is destroyed only when all that was written before is done: another executor may need the memory.
  yield* Effect.addFinalizer(() =>
    Effect.promise(async () => {
      for (const buffer of buffers) buffer.destroy()
      device.queue.submit([])
      await Promise.race([device.queue.onSubmittedWorkDone().catch(() => {}), device.lost])
    })
  )
  const allocate = (size: number, usage: GPUBufferUsageFlags, mappedAtCreation = false) => {
    const buffer = device.createBuffer({ size, usage, mappedAtCreation })
    buffers.push(buffer)
    return buffer
  }
  const {
    slots,
    passes,
    rows: made
  } = yield* onDevice(device, async () => place(device, kernels, pipelines, batch, sizes, allocate))

  const run = async ({ index, staging, patches, rows }: Slot, values: Float32Array) => {
    const count = values.length / sizes.patch
    const bytes = 4 * count * sizes.row
    new Float32Array(staging.getMappedRange(0, values.byteLength)).set(values)
    staging.unmap()
    const encoder = device.createCommandEncoder()
    encoder.copyBufferToBuffer(staging, 0, patches, 0, values.byteLength)
    const pass = encoder.beginComputePass()
    for (const { pipeline, workgroups, bound } of passes) {
      pass.setPipeline(pipeline)
      pass.setBindGroup(0, bound[index % bound.length]!)
      pass.dispatchWorkgroups(...workgroups(count))
    }
    pass.end()
    encoder.copyBufferToBuffer(made, 0, rows, 0, bytes)
    device.queue.submit([encoder.finish()])
    await Promise.all([rows.mapAsync(GPUMapMode.READ, 0, bytes), staging.mapAsync(GPUMapMode.WRITE)])
    const read = new Float32Array(rows.getMappedRange(0, bytes)).slice()
    rows.unmap()
    return read
  }

  return {
    batch,
    embed: (patches) =>
      Effect.acquireUseRelease(
        Effect.sync(() => slots.pop()!),
        (slot) => onDevice(device, () => run(slot, patches)),
        (slot) => Effect.sync(() => slots.push(slot))
      )
  }
})
