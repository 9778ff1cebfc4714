// Run by reference.test.ts as a process of its own: the driver is chosen before Dawn loads, and a crash is contained.
import { Effect } from "effect"
import { engineLayer } from "../../src/embedder/choose.ts"
import { Engine } from "../../src/embedder/engine.ts"
import { rowSize } from "../../src/embedder/frontEnd.ts"
import { openDevice } from "../../src/embedder/webgpu/device.ts"
import { makeWebgpu } from "../../src/embedder/webgpu/webgpuEngine.ts"
import { makeExecutor } from "../../src/embedder/webgpu/wgsl/executor.ts"
import { logMelPatches, PATCH_SIZE } from "../../src/embedder/yamnet/logMel.ts"
import { networkKernels } from "../../src/embedder/yamnet/networkKernels.ts"
import type { YamnetWeights } from "../../src/embedder/yamnet/weights.ts"
import { backboneOf, yamnetOf } from "../../src/embedder/yamnet/yamnet.ts"
import { chirp } from "../support/signals.ts"
import { ALL_TAPS, someWeights } from "../support/yamnetReference.ts"

/** What the process writes to its last line. */
export interface WebgpuReport {
  readonly name: string
  readonly adapter: string
  readonly batch: number
  /** Of both patches; of the second alone; of both and the first again; of both, without taps. */
  readonly rows: Readonly<Record<"both" | "second" | "full" | "untapped", ReadonlyArray<number>>> & {
    /** Of both, by an executor made for a large batch. */
    readonly large: ReadonlyArray<number>
    /** Of both, twice at once, while the device is lost. */
    readonly lost: ReadonlyArray<ReadonlyArray<number>>
  }
  readonly faults: ReadonlyArray<string>
  /** Both patches' rows in float16; or, where the adapter lacks it, what is said. */
  readonly float16: { readonly rows: ReadonlyArray<number> } | { readonly refused: string }
  readonly features: ReadonlyArray<string>
  /** Buffers made while the engine started, and while it embedded. */
  readonly allocations: { readonly starting: number; readonly running: number }
  /** The engine that was chosen when the kernels were wrong. */
  readonly refused: { readonly name: string; readonly why: string }
}

const patches = logMelPatches(chirp(19_000))

/** Calls a function in another's place while an effect runs. */
const replacing = (name: "createBuffer" | "createShaderModule", change: (device: GPUDevice) => void) => {
  return <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.acquireUseRelease(
      Effect.map(openDevice, ({ gpu }) => {
        change(gpu)
        return gpu
      }),
      () => effect,
      (gpu) => Effect.sync(() => Reflect.deleteProperty(gpu, name))
    )
}

const counted = (count: () => void) =>
  replacing("createBuffer", (device) => {
    const create = device.createBuffer.bind(device)
    device.createBuffer = (descriptor) => {
      count()
      return create(descriptor)
    }
  })

const wrong = replacing("createShaderModule", (device) => {
  const create = device.createShaderModule.bind(device)
  device.createShaderModule = ({ code }) =>
    create({ code: code.replaceAll("nearSum0 += row0.z", "nearSum0 += row0.x") })
})

const embedding = Effect.fnUntraced(function* (network: YamnetWeights) {
  let allocations = 0
  const count = counted(() => {
    allocations++
  })
  const engine = yield* count(
    makeWebgpu({ backbone: backboneOf(network, ALL_TAPS), precision: "float32", why: "a test", batch: 3 })
  )
  const starting = allocations
  const some = (...parts: ReadonlyArray<Float32Array>) => {
    const joined = Float32Array.from(parts.flatMap((part) => [...part]))
    return count(Effect.map(engine.embed(joined), (values) => [...values]))
  }
  const both = yield* some(patches)
  const second = yield* some(patches.subarray(PATCH_SIZE))
  const full = yield* some(patches, patches.subarray(0, PATCH_SIZE))
  const running = allocations - starting

  const { gpu } = yield* openDevice
  // Of this size both larger kinds of tiles are used.
  const large = yield* makeExecutor(gpu, networkKernels(network, 256, "float32", ALL_TAPS), 256, {
    patch: PATCH_SIZE,
    row: rowSize(engine.frontEnd)
  }).pipe(
    Effect.flatMap(({ embed }) => embed(patches)),
    Effect.scoped
  )
  const untapped = yield* makeWebgpu({
    backbone: backboneOf(network, []),
    precision: "float32",
    why: "a test",
    batch: 2
  }).pipe(
    Effect.flatMap(({ embed }) => embed(patches)),
    Effect.scoped
  )
  const breaking = Effect.sleep("20 millis").pipe(Effect.andThen(Effect.sync(() => gpu.destroy())))
  const [first, other] = yield* Effect.all([engine.embed(patches), engine.embed(patches), breaking], {
    concurrency: "unbounded"
  })
  return {
    name: engine.name,
    adapter: engine.adapter,
    batch: engine.batch,
    rows: { both, second, full, untapped: [...untapped], large: [...large], lost: [[...first], [...other]] },
    faults: yield* engine.faults,
    allocations: { starting, running }
  }
})

const inFloat16 = (network: YamnetWeights) =>
  Engine.use((engine) => engine.embed(patches)).pipe(
    Effect.map((rows) => ({ rows: [...rows] })),
    Effect.provide(engineLayer({ engine: "webgpu", embedder: yamnetOf(network, ALL_TAPS), precision: "float16" })),
    Effect.catchTag("EngineError", ({ message }) => Effect.succeed({ refused: message }))
  )

const program = Effect.gen(function* () {
  const network = yield* someWeights
  const embedded = yield* Effect.scoped(embedding(network))
  const float16 = yield* inFloat16(network)
  const { gpu } = yield* openDevice
  const refused = yield* Engine.pipe(
    Effect.map(({ name, why }) => ({ name, why })),
    Effect.provide(engineLayer({ engine: "webgpu", embedder: yamnetOf(network) })),
    wrong
  )
  console.log(JSON.stringify({ ...embedded, float16, features: [...gpu.features], refused } satisfies WebgpuReport))
})

if (import.meta.main) await Effect.runPromise(program)
