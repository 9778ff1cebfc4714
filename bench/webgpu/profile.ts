import { Effect } from "effect"
import type { Precision } from "../../src/embedder/engine.ts"
import { EngineError } from "../../src/embedder/engine.ts"
import { largestResult } from "../../src/embedder/webgpu/wgsl/executor.ts"
import { BYTES, type Kernel } from "../../src/embedder/webgpu/wgsl/kernel.ts"
import { PATCH_SIZE } from "../../src/embedder/yamnet/logMel.ts"
import type { Mobilenet } from "../../src/embedder/yamnet/mobilenet.ts"
import { networkKernels } from "../../src/embedder/yamnet/networkKernels.ts"
import { measureCeiling } from "./ceiling.ts"
import { type Clock, openClock, passOf } from "./clock.ts"
import { measureTransfers } from "./transfers.ts"

/** What one kernel takes on the device by itself. */
export interface KernelTime {
  readonly name: string
  readonly microseconds: number
  /** Multiplications and additions in a second, by 1e9; null where it has no weights. */
  readonly gigaflops: number | null
  /** Bytes in and out of memory in a second, by 1e9, had each been read and written once. */
  readonly gigabytes: number
}

/** Multiplications of a kernel: every weight is used once for each place of its output channel. */
const products = ({ weights, resultSize }: Kernel, batch: number): number => {
  if (weights === undefined) return 0
  const [kernel, bias] = weights.values
  return (kernel.length * resultSize(batch)) / bias.length
}

// Patches of which no kernel computes more than it has to.
const WHOLE = 512

const bytesOf = (kernels: ReadonlyArray<Kernel>, batch: number): ReadonlyArray<number> => {
  const results = kernels.map(({ resultKind, resultSize }) => BYTES[resultKind] * resultSize(batch))
  return kernels.map(({ weights }, index) => {
    const input = index === 0 ? 4 * batch * PATCH_SIZE : results[index - 1]!
    const own = weights === undefined ? 0 : BYTES[weights.kind] * weights.values[0].length
    return input + results[index]! + own
  })
}

const timeKernels = async (
  { device, time }: Clock,
  kernels: ReadonlyArray<Kernel>,
  batch: number
): Promise<Array<KernelTime>> => {
  const allocate = (size: number) => device.createBuffer({ size, usage: GPUBufferUsage.STORAGE })
  const features = [0, 1].map(() => allocate(Math.max(4 * batch * PATCH_SIZE, largestResult(kernels, batch))))
  const passes = kernels.map(({ code, workgroups, weights }, index) => {
    const [kernel, bias] = weights?.values ?? []
    const own = weights && kernel && bias ? [allocate(BYTES[weights.kind] * (kernel.length + bias.length))] : []
    return passOf(device, code, [features[index % 2]!, features[(index + 1) % 2]!, ...own], workgroups(batch))
  })
  const times = await time(passes)
  const bytes = bytesOf(kernels, batch)
  return kernels.map((kernel, index) => ({
    name: kernel.name,
    microseconds: times[index]! / 1000,
    gigaflops: kernel.weights === undefined ? null : (2 * products(kernel, batch)) / times[index]!,
    gigabytes: bytes[index]! / times[index]!
  }))
}

/**
 * Times every kernel of the network by the device's own clock, what goes up and comes back, and what the device could
 * do at most. Undefined where the adapter has no clock, or not this precision.
 */
export const profile = Effect.fn("profile")(function* (network: Mobilenet, batch: number, precision: Precision) {
  const clock = yield* openClock
  if (clock === undefined) return undefined
  if (precision === "float16" && !clock.device.features.has("shader-f16")) return undefined
  const kernels = networkKernels(network, batch, precision, [])
  const whole = networkKernels(network, WHOLE, precision, [])
  const sum = (values: ReadonlyArray<number>) => values.reduce((total, value) => total + value, 0)
  return yield* Effect.tryPromise({
    try: async () => ({
      batch,
      precision,
      kernels: await timeKernels(clock, kernels, batch),
      transfers: await measureTransfers(clock.device, batch),
      ceiling: await measureCeiling(clock, precision),
      /** Of one patch: multiplications and additions, and bytes through memory. */
      patch: {
        flops: (2 * sum(whole.map((kernel) => products(kernel, WHOLE)))) / WHOLE,
        bytes: sum(bytesOf(whole, WHOLE)) / WHOLE
      }
    }),
    catch: (cause) => new EngineError({ message: `The kernels cannot be timed: ${cause}` })
  })
}, Effect.scoped)

export type Profile = NonNullable<Effect.Success<ReturnType<typeof profile>>>
