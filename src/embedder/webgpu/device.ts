import { Effect, Semaphore } from "effect"
import { EngineError } from "../engine.ts"
import { type Adapter, requestAdapter } from "./adapter.ts"

// Dawn keeps only what is asked for: without these, buffers end at WebGPU's modest guarantees.
const LIMITS = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxComputeWorkgroupsPerDimension",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX"
] as const

// Likewise of features: only float16 networks need it.
const FEATURES = ["shader-f16"] as const

/** A device of this machine's graphics card. */
export interface Device {
  readonly gpu: GPUDevice
  readonly adapter: Adapter
  /** Fails with what nobody but the device itself has complained of so far, or with why it was lost. */
  readonly check: Effect.Effect<void, EngineError>
}

interface Opened extends Device {
  isLost: boolean
}

let current: Opened | undefined
const turn = Semaphore.makeUnsafe(1)

const open = Effect.gen(function* () {
  const adapter = yield* requestAdapter
  const gpu = yield* Effect.tryPromise({
    try: () =>
      adapter.gpu.requestDevice({
        requiredFeatures: FEATURES.filter((feature) => adapter.gpu.features.has(feature)),
        requiredLimits: Object.fromEntries(LIMITS.map((limit) => [limit, adapter.gpu.limits[limit]]))
      }),
    catch: (cause) => new EngineError({ message: `WebGPU cannot be used on ${adapter.name}: ${cause}` })
  })
  const complaints: Array<string> = []
  const complain = (message: string) => complaints.push(message.split("\n", 1)[0]!)
  const device: Opened = {
    gpu,
    adapter,
    isLost: false,
    check: Effect.suspend(() =>
      complaints.length === 0
        ? Effect.void
        : Effect.fail(new EngineError({ message: `WebGPU failed on ${adapter.name}: ${complaints[0]}` }))
    )
  }
  gpu.addEventListener("uncapturederror", ({ error }) => complain(error.message))
  gpu.lost.then(({ message }) => {
    device.isLost = true
    complain(`its device was lost (${message})`)
  })
  current = device
  return device
})

/** This process's device, shared by embedding and training: the same until it is lost, then another. */
export const openDevice: Effect.Effect<Device, EngineError> = Effect.suspend(() =>
  current === undefined || current.isLost ? open : Effect.succeed(current)
).pipe(turn.withPermit)
