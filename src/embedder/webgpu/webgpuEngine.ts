import { Effect, Semaphore } from "effect"
import type { Backbone } from "../embedder.ts"
import { countPatches, Engine, EngineError, type Precision } from "../engine.ts"
import { rowSize } from "../frontEnd.ts"
import { openDevice } from "./device.ts"
import { recoveringExecutor } from "./recovery.ts"
import { IN_FLIGHT, largestResult, makeExecutor } from "./wgsl/executor.ts"
import type { DeviceFault } from "./wgsl/fault.ts"
import type { Kernel } from "./wgsl/kernel.ts"

// Fills a large card: at 512 patches the network's last and smallest layers still are 384 workgroups, three for each of
// an H100's processors, and need 0.45 GB. More patches would only need more memory.
const HARDWARE_BATCH = 512
// A processor is as fast with two; eight are what the self-test takes.
const SOFTWARE_BATCH = 8

/** The largest power of two of patches, at most 512, whose widest layer fits into one buffer of the device. */
export const fittingBatch = (
  kernels: (batch: number) => ReadonlyArray<Kernel>,
  { maxBufferSize, maxStorageBufferBindingSize }: GPUSupportedLimits
) => {
  const largest = (batch: number) => largestResult(kernels(batch), batch)
  let batch = HARDWARE_BATCH
  while (batch > 1 && largest(batch) > Math.min(maxBufferSize, maxStorageBufferBindingSize)) batch /= 2
  return batch
}

/** An embedder's network on a graphics card, by kernels of its own over WebGPU. */
export const makeWebgpu = Effect.fn("makeWebgpu")(function* (options: {
  readonly backbone: Backbone
  readonly precision: Precision
  readonly why: string
  /** The most patches run at once; unless said, 8 on a software adapter and up to 512 on a card. */
  readonly batch?: number
}) {
  const { backbone, precision, why } = options
  const { frontEnd } = backbone
  if (backbone.kernels === undefined) {
    return yield* new EngineError({ message: `WebGPU has no kernels for ${frontEnd.id}: set ENGINE=native` })
  }
  const kernels = (batch: number) => backbone.kernels!(batch, precision)
  const sizes = { patch: frontEnd.patchSize, row: rowSize(frontEnd) }
  const { gpu, adapter } = yield* openDevice
  if (precision === "float16" && !gpu.features.has("shader-f16")) {
    return yield* new EngineError({
      message: `PRECISION=float16 needs an adapter with shader-f16, which ${adapter.name} lacks: set PRECISION=float32`
    })
  }
  const batch = options.batch ?? (adapter.software ? SOFTWARE_BATCH : fittingBatch(kernels, gpu.limits))
  const faults: Array<string> = []
  const failed = ({ message }: DeviceFault) =>
    new EngineError({ message: `WebGPU failed on ${adapter.name}: ${message.split("\n", 1)[0]}` })

  const executor = yield* recoveringExecutor({
    batch,
    patchSize: sizes.patch,
    open: (batch) => Effect.flatMap(openDevice, ({ gpu }) => makeExecutor(gpu, kernels(batch), batch, sizes)),
    say: (sentence) => {
      faults.push(sentence)
      return Effect.logWarning(sentence)
    }
  }).pipe(Effect.catchTag("DeviceFault", (fault) => Effect.fail(failed(fault))))
  const turns = yield* Semaphore.make(IN_FLIGHT)

  return Engine.of({
    name: "webgpu",
    adapter: adapter.name,
    why,
    frontEnd,
    batch,
    atOnce: IN_FLIGHT,
    faults: Effect.sync(() => [...faults]),
    embed: Effect.fnUntraced(
      function* (patches) {
        yield* countPatches(patches, frontEnd, batch)
        return yield* executor
          .embed(patches)
          .pipe(Effect.catchTag("DeviceFault", (fault) => Effect.fail(failed(fault))))
      },
      Effect.uninterruptible,
      turns.withPermit
    )
  })
})
