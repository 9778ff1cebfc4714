import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { readdirSync, readFileSync, rmSync } from "node:fs"
import { Effect, Exit, Fiber, Layer, Logger, ManagedRuntime, type ManagedRuntime as Runtime, Scope } from "effect"
import { Engine, EngineError, embedPatches } from "../../../src/embedder/engine.ts"
import { makeEngineProcesses, processesFor } from "../../../src/embedder/native/engineProcesses.ts"
import { makeNative } from "../../../src/embedder/native/nativeEngine.ts"
import { PATCH_SIZE } from "../../../src/embedder/yamnet/logMel.ts"
import { untrainedNetwork } from "../../../src/embedder/yamnet/untrained.ts"
import { backboneOf } from "../../../src/embedder/yamnet/yamnet.ts"
import { noise } from "../../support/signals.ts"

const random = noise(3)
const patches = Float32Array.from({ length: 70 * PATCH_SIZE }, () => 3 * random() - 3)
const slice = (from: number, to: number) => patches.slice(from * PATCH_SIZE, to * PATCH_SIZE)

const options = { backbone: backboneOf(untrainedNetwork()), why: "A test.", threads: 2, processes: 2, first: 0 }

const CANNOT_SHARE = expect.stringMatching(
  /^Memory cannot be shared with another process: .*This process embeds in its place\.$/
)

/** The processes of this one that run a network. */
const networks = (): ReadonlyArray<number> =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const parent = /\) \S (\d+) /.exec(readFileSync(`/proc/${pid}/stat`, "utf8"))?.[1]
        return Number(parent) === process.pid && readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("networkProgram")
      } catch {
        return false
      }
    })

describe.skipIf(process.platform !== "linux")("an engine in processes of its own", () => {
  const warnings: Array<string> = []
  const heed = Logger.layer([Logger.make(({ message }) => void warnings.push(String(message)))])
  let runtime: Runtime.ManagedRuntime<Engine, EngineError>
  let expected: Float32Array
  const here = Effect.scoped(
    Effect.flatMap(makeNative({ ...options, threads: 1 }), (engine) => embedPatches(engine, patches))
  )
  beforeAll(async () => {
    runtime = ManagedRuntime.make(Layer.provideMerge(Layer.effect(Engine, makeEngineProcesses(options)), heed))
    expected = await Effect.runPromise(here)
  })
  afterAll(() => runtime.dispose())
  const embed = (values: Float32Array) => runtime.runPromise(Engine.use((engine) => engine.embed(values)))
  const embedAll = () => runtime.runPromise(Engine.use((engine) => embedPatches(engine, patches)))

  test("gives bit for bit what one session in this process gives", async () => {
    const { name, adapter, batch } = await runtime.runPromise(Engine)
    expect({ name, adapter: adapter.split(", ").at(-1), batch }).toEqual({
      name: "native",
      adapter: "2 processes",
      batch: 32
    })
    expect(networks()).toEqual([])
    expect(await embedAll()).toEqual(expected)
    expect(networks().length).toBe(2)
  })

  test("gives each of more callers than it has places their own rows", async () => {
    const size = expected.length / 70
    const callers = Array.from({ length: 12 }, (_, at) => [5 * at, 5 * at + 1 + (at % 5)] as const)
    const given = await Promise.all(callers.map(([from, to]) => embed(slice(from, to))))
    for (const [at, [from, to]] of callers.entries()) expect(given[at]).toEqual(expected.slice(from * size, to * size))
  })

  test("embeds the first batches in this process, with the same rows", async () => {
    const before = networks().length
    const rows = await Effect.flatMap(makeEngineProcesses({ ...options, first: 3 }), (engine) =>
      Effect.map(embedPatches(engine, patches), (own) => [own, networks().length - before] as const)
    ).pipe(Effect.scoped, Effect.runPromise)
    expect(rows).toEqual([expected, 0])
  })

  test("refuses what is no batch", async () => {
    const error = await runtime.runPromise(Engine.use((engine) => engine.embed(new Float32Array(7))).pipe(Effect.flip))
    expect(error).toBeInstanceOf(EngineError)
  })

  test("leaves no file behind once the processes have their memory", () => {
    const left = readdirSync("/dev/shm").filter((name) => name.startsWith(`ecosight-${process.pid}-`))
    expect(left).toEqual([])
  })

  test("embeds nothing anew when it ends with a batch in hand", async () => {
    const before = warnings.length
    const exit = await Effect.gen(function* () {
      const scope = yield* Scope.make()
      const engine = yield* Scope.provide(makeEngineProcesses(options), scope)
      const batch = yield* Effect.forkChild(engine.embed(slice(0, 32)), { startImmediately: true })
      yield* Scope.close(scope, Exit.void)
      return yield* Fiber.await(batch)
    }).pipe(Effect.provide(heed), Effect.runPromise)
    expect({ isInterrupted: Exit.hasInterrupts(exit), told: warnings.slice(before) }).toEqual({
      isInterrupted: true,
      told: []
    })
  })

  test("computes here where the processes cannot open their memory, and says so", async () => {
    const before = warnings.length
    const rows = await Effect.gen(function* () {
      const engine = yield* makeEngineProcesses(options)
      for (const name of readdirSync("/dev/shm")) {
        if (name.startsWith(`ecosight-${process.pid}-`)) rmSync(`/dev/shm/${name}`, { recursive: true })
      }
      return yield* embedPatches(engine, patches)
    }).pipe(Effect.scoped, Effect.provide(heed), Effect.runPromise)
    expect(rows).toEqual(expected)
    expect(warnings.slice(before)).toEqual([CANNOT_SHARE, CANNOT_SHARE])
    warnings.length = before
  })

  test("fails in one sentence where the network is wrong", async () => {
    const before = warnings.length
    const backbone = { ...options.backbone, model: () => new Uint8Array([1, 2, 3]) }
    const error = await makeEngineProcesses({ ...options, backbone }).pipe(
      Effect.flatMap(({ embed }) => embed(slice(0, 1))),
      Effect.flip,
      Effect.scoped,
      Effect.provide(heed),
      Effect.runPromise
    )
    expect(error.message).toStartWith("The native engine cannot start: ")
    expect(warnings.slice(before)).toEqual([])
  })

  test("computes here what a process that ends would have computed, and says so once", async () => {
    const [first] = networks()
    process.kill(first!, "SIGKILL")
    expect(await embedAll()).toEqual(expected)
    expect(await embedAll()).toEqual(expected)
    expect(warnings).toEqual(["The embedding process ended (signal SIGKILL). This process embeds in its place."])
    for (const pid of networks()) process.kill(pid, "SIGKILL")
    expect(await embedAll()).toEqual(expected)
    expect(warnings.length).toBe(2)
  })
})

test.each([
  [2, 24e9, 2],
  [16, 128e9, 8],
  [16, 2.2e9, 4],
  [4, 1.1e9, 2],
  [8, 0.4e9, 1]
])("%i cores and %d bytes of memory take %i processes", (cores, memory, processes) => {
  expect(processesFor(cores, memory)).toBe(processes)
})
