import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { join } from "node:path"
import { Effect, ManagedRuntime, Result, type ManagedRuntime as Runtime } from "effect"
import { InferenceSession, Tensor } from "onnxruntime-node"
import { decide, engineLayer } from "../../src/embedder/choose.ts"
import { Engine, EngineError } from "../../src/embedder/engine.ts"
import { rowSize } from "../../src/embedder/frontEnd.ts"
import { makeNative } from "../../src/embedder/native/nativeEngine.ts"
import { Graph } from "../../src/embedder/onnx/graph.ts"
import { describeAdapter } from "../../src/embedder/webgpu/adapter.ts"
import { logMelPatches, PATCH_SIZE } from "../../src/embedder/yamnet/logMel.ts"
import { addNetwork } from "../../src/embedder/yamnet/networkGraph.ts"
import { untrainedNetwork } from "../../src/embedder/yamnet/untrained.ts"
import { backboneOf, yamnetOf } from "../../src/embedder/yamnet/yamnet.ts"
import { noise } from "../support/signals.ts"
import { distance, someWeights } from "../support/yamnetReference.ts"

describe("the native engine", () => {
  const random = noise(11)
  const patches = Float32Array.from({ length: 40 * PATCH_SIZE }, () => 3 * random() - 3)
  const slice = (from: number, to: number) => patches.slice(from * PATCH_SIZE, to * PATCH_SIZE)

  let runtime: Runtime.ManagedRuntime<Engine, EngineError>
  beforeAll(async () => {
    const embedder = yamnetOf(await Effect.runPromise(someWeights))
    runtime = ManagedRuntime.make(engineLayer({ engine: "native", embedder, threads: 1 }))
  })
  afterAll(() => runtime.dispose())
  const embed = (values: Float32Array) => runtime.runPromise(Engine.use((engine) => engine.embed(values)))

  test("says what it is and why it runs", async () => {
    const engine = await runtime.runPromise(Engine)
    expect(engine.name).toBe("native")
    expect(engine.adapter).toContain("1 thread")
    expect(engine.why).toBe("Native, as asked.")
  })

  test("embeds a short batch as it does a full one, whatever came before", async () => {
    const { batch, frontEnd } = await runtime.runPromise(Engine)
    const full = await embed(slice(0, batch))
    const size = rowSize(frontEnd)
    expect(full.length).toBe(batch * size)
    await embed(slice(40 - batch, 40))
    for (const [from, to] of [
      [0, 1],
      [3, 5],
      [batch - 1, batch]
    ] as const) {
      expect(await embed(slice(from, to))).toEqual(full.slice(from * size, to * size))
    }
  })

  test("gives the rows of a graph that is not told how many patches come", async () => {
    const { batch, frontEnd } = await runtime.runPromise(Engine)
    const graph = new Graph("any number")
    const rows = addNetwork(graph, graph.input("patches", ["n", 96, 64]), await Effect.runPromise(someWeights))
    graph.op("Identity", [rows], {}, "rows")
    graph.output("rows", ["n", rowSize(frontEnd)])
    const session = await InferenceSession.create(graph.model(), { logSeverityLevel: 3 })
    const expected = await session.run({ patches: new Tensor("float32", slice(0, batch), [batch, 96, 64]) })
    await session.release()
    expect(distance(await embed(slice(0, batch)), expected.rows!.data as Float32Array).relative).toBeLessThan(1e-6)
  })

  test("gives each of several callers at once their own embeddings", async () => {
    const callers = [slice(0, 2), slice(2, 4), slice(4, 5)]
    const alone: Array<Float32Array> = []
    for (const mine of callers) alone.push(await embed(mine))
    expect(alone[0]).not.toEqual(alone[1]!)
    expect(await Promise.all(callers.map(embed))).toEqual(alone)
  })

  test("has read the patches by the time it answers, and keeps no hold of what it gave", async () => {
    const mine = slice(0, 1)
    const before = await embed(mine)
    const copy = before.slice()
    mine.fill(0)
    await embed(slice(7, 8))
    expect(before).toEqual(copy)
  })

  test.each([0, 1, PATCH_SIZE - 1, PATCH_SIZE + 1, 33 * PATCH_SIZE])("refuses %i values", async (length) => {
    const error = await runtime.runPromise(
      Engine.use((engine) => engine.embed(new Float32Array(length))).pipe(Effect.flip)
    )
    expect(error).toBeInstanceOf(EngineError)
    expect(error.message).toBe(`An engine takes 1 to 32 patches of ${PATCH_SIZE} values, not ${length} values`)
  })
})

test("the untrained network's embeddings tell a tone from noise", async () => {
  const random = noise(5)
  const tone = (hertz: number) =>
    logMelPatches(Float32Array.from({ length: 15_600 }, (_, n) => 0.3 * Math.sin((2 * Math.PI * hertz * n) / 16_000)))
  const hiss = () => logMelPatches(Float32Array.from({ length: 15_600 }, () => 0.3 * random()))
  const [low, high, first, second] = await makeNative({
    backbone: backboneOf(untrainedNetwork()),
    why: "a test",
    threads: 1
  }).pipe(
    Effect.flatMap(({ embed }) => Effect.forEach([tone(500), tone(550), hiss(), hiss()], embed)),
    Effect.scoped,
    Effect.runPromise
  )
  const between = distance(low!, first!).relative
  expect(distance(low!, high!).relative).toBeLessThan(between / 2)
  expect(distance(second!, first!).relative).toBeLessThan(between / 2)
})

describe("auto", () => {
  test("takes a graphics card", () => {
    expect(decide(Result.succeed({ name: "NVIDIA H200", software: false }))).toEqual({
      engine: "webgpu",
      why: "WebGPU, because this machine has NVIDIA H200."
    })
  })

  test("never takes a software adapter", () => {
    expect(decide(Result.succeed({ name: "llvmpipe", software: true }))).toEqual({
      engine: "native",
      why: "Native, because the only WebGPU adapter, llvmpipe, is software and slower."
    })
  })

  test("says what is missing", () => {
    const missing = new EngineError({ message: "this machine has no graphics card" })
    expect(decide(Result.fail(missing)).why).toBe("Native, because this machine has no graphics card.")
  })
})

describe("an adapter", () => {
  const info = (values: Partial<GPUAdapterInfo>) =>
    ({
      vendor: "",
      architecture: "",
      device: "",
      description: "",
      isFallbackAdapter: false,
      ...values
    }) as GPUAdapterInfo

  test.each([
    [{ vendor: "google", architecture: "swiftshader", description: "SwiftShader driver 5.0.0" }, true],
    [{ vendor: "mesa", description: "llvmpipe (LLVM 15.0.6, 256 bits)" }, true],
    [{ vendor: "microsoft", description: "Microsoft Basic Render Driver" }, true],
    [{ description: "something new", isFallbackAdapter: true }, true],
    [{ vendor: "nvidia", architecture: "hopper", description: "NVIDIA H200" }, false],
    [{ vendor: "intel", architecture: "gen-12lp", description: "Intel(R) Iris(R) Xe Graphics" }, false],
    [{ vendor: "apple", architecture: "common-3" }, false]
  ])("%j is software: %p", (values, software) => {
    expect(describeAdapter(info(values)).software).toBe(software)
  })

  test("is called by what it says of itself", () => {
    expect(describeAdapter(info({ vendor: "apple", architecture: "common-3" })).name).toBe("apple common-3")
    expect(describeAdapter(info({})).name).toBe("unnamed adapter")
  })
})

test.skipIf(process.platform !== "linux")("WebGPU without a Vulkan driver fails with one sentence", async () => {
  const module = (path: string) => JSON.stringify(join(import.meta.dir, "../../src/embedder", path))
  const script = `
    const { Effect } = await import("effect")
    const { engineLayer } = await import(${module("choose.ts")})
    const { Engine } = await import(${module("engine.ts")})
    const embedder = { name: "a", kernels: () => [], frontEnd: {} }
    const opened = Engine.pipe(Effect.provide(engineLayer({ engine: "webgpu", embedder })))
    console.log((await Effect.runPromise(Effect.flip(opened))).message)`
  const child = Bun.spawn([process.execPath, "-e", script], {
    cwd: import.meta.dir,
    env: { ...process.env, VK_ICD_FILENAMES: "/nonexistent", VK_DRIVER_FILES: "/nonexistent" },
    stdout: "pipe",
    stderr: "ignore"
  })
  expect((await new Response(child.stdout).text()).trim()).toBe(
    "WebGPU found no adapter: this machine has no graphics card, or no Vulkan driver for it. Set ENGINE=auto, which takes the processor where there is no card."
  )
  expect(await child.exited).toBe(0)
})

test("float16 is refused where the native engine would run, which has none", async () => {
  const embedder = yamnetOf(await Effect.runPromise(someWeights))
  const error = await Engine.pipe(
    Effect.provide(engineLayer({ engine: "native", embedder, precision: "float16" })),
    Effect.flip,
    Effect.runPromise
  )
  expect(error.message).toBe("PRECISION=float16 needs the WebGPU engine: set PRECISION=float32 here. Native, as asked.")
})
