import { existsSync } from "node:fs"
import { Effect } from "effect"
import { EngineError } from "../engine.ts"

/** A WebGPU adapter of this machine. */
export interface Adapter {
  readonly gpu: GPUAdapter
  /** Its name, for people. */
  readonly name: string
  /** Whether it is a processor that plays a graphics card: correct, and some thousand times slower than one. */
  readonly software: boolean
}

const SOFTWARE = /swiftshader|llvmpipe|lavapipe|software|basic render|warp/i

/** Describes what an adapter says of itself. */
export const describeAdapter = (info: GPUAdapterInfo): Omit<Adapter, "gpu"> => {
  const words = [info.vendor, info.architecture, info.device, info.description].filter((word) => word !== "")
  return {
    name: info.description || words.join(" ") || "unnamed adapter",
    software: info.isFallbackAdapter || SOFTWARE.test(words.join(" "))
  }
}

// Where Linux shows a card: to Mesa's drivers, to NVIDIA's, and under Windows (WSL).
const DEVICES = ["/dev/dri/renderD128", "/dev/nvidiactl", "/dev/dxg"]

/** Whether this machine may have a graphics card. Where it has none, Dawn would only print warnings to the terminal. */
export const hasGraphicsCard: Effect.Effect<boolean> = Effect.sync(
  () => process.platform !== "linux" || DEVICES.some((device) => existsSync(device))
)

const loadDawn = Effect.tryPromise({
  try: () => import("webgpu"),
  catch: (cause) => new EngineError({ message: `WebGPU cannot be loaded on this machine: ${cause}` })
})

// Dawn hides float16 on NVIDIA's cards for what some of their drivers got wrong; the self-test finds out about this one.
const DAWN = ["enable-dawn-features=vulkan_enable_f16_on_nvidia"]

// Defines `navigator.gpu` and the names that belong to it, since tfjs looks for them when it is imported. That also keeps
// what `create` gave from being collected, which crashes the process as long as a device of it is in use.
const startDawn = Effect.gen(function* () {
  const { create, globals } = yield* loadDawn
  return yield* Effect.try({
    try: () => {
      Object.assign(globalThis, globals)
      Object.defineProperty(navigator, "gpu", { value: create(DAWN), configurable: true })
      return navigator.gpu
    },
    catch: (cause) => new EngineError({ message: `WebGPU cannot start on this machine: ${cause}` })
  })
}).pipe(Effect.cached, Effect.runSync)

/** The adapter that Dawn prefers on this machine, asked for anew: an adapter gives one device. */
export const requestAdapter: Effect.Effect<Adapter, EngineError> = Effect.gen(function* () {
  const gpu = yield* startDawn
  const adapter = yield* Effect.tryPromise({
    try: () => gpu.requestAdapter({ powerPreference: "high-performance" }),
    catch: (cause) => new EngineError({ message: `WebGPU found no adapter: ${cause}` })
  })
  if (adapter === null) {
    return yield* new EngineError({
      message: "WebGPU found no adapter: this machine has no graphics card, or no Vulkan driver for it"
    })
  }
  return { gpu: adapter, ...describeAdapter(adapter.info) }
})

/** The adapter that Dawn prefers on this machine; the same one however often it is asked for. */
export const findAdapter: Effect.Effect<Adapter, EngineError> = requestAdapter.pipe(Effect.cached, Effect.runSync)
