import { beforeAll, describe, expect, test } from "bun:test"
import { Effect } from "effect"
import { engineLayer } from "../../../src/embedder/choose.ts"
import type { Embedder } from "../../../src/embedder/embedder.ts"
import { Engine } from "../../../src/embedder/engine.ts"
import { knownRows, sumsAreWhole, testIntegers } from "../../../src/embedder/native/integers.ts"
import { calibrationPatches } from "../../../src/embedder/yamnet/calibrationSounds.ts"
import { layersOf, type Mobilenet, TAPS, toNetwork } from "../../../src/embedder/yamnet/mobilenet.ts"
import { quantiseYamnet, yamnetOf } from "../../../src/embedder/yamnet/yamnet.ts"
import { tiny } from "../../support/tinyEmbedder.ts"
import { someWeights } from "../../support/yamnetReference.ts"

let embedder: Embedder
beforeAll(async () => {
  const weights = await Effect.runPromise(someWeights)
  embedder = yamnetOf(weights, TAPS, await Effect.runPromise(quantiseYamnet(weights, calibrationPatches(8))))
})

// Another network: what it looks for last is turned about.
const negated = (network: Mobilenet): Mobilenet =>
  toNetwork(
    layersOf(network).map((layer, at) => (at === 26 ? { ...layer, kernel: layer.kernel.map((w) => -w) } : layer))
  )

const refused = (options: Parameters<typeof engineLayer>[0]) =>
  Engine.pipe(Effect.provide(engineLayer(options)), Effect.flip, Effect.runPromise).then(({ message }) => message)

describe("int8", () => {
  test("runs on the native engine, which says why", async () => {
    const { name, why } = await Engine.pipe(
      Effect.provide(engineLayer({ engine: "auto", embedder, precision: "int8", threads: 1 })),
      Effect.runPromise
    )
    expect(name).toBe("native")
    expect(why).toStartWith("Native, because only it computes in int8.")
    expect(why.includes("no instructions for sums of bytes")).toBe(!(await Effect.runPromise(sumsAreWhole)))
  })

  test("is refused for WebGPU, and for an embedder that has no such network", async () => {
    expect(await refused({ engine: "webgpu", embedder, precision: "int8" })).toBe(
      "PRECISION=int8 needs the native engine: set ENGINE=native or auto"
    )
    expect(await refused({ engine: "auto", embedder: tiny, precision: "int8" })).toBe(
      "PRECISION=int8: tiny has no network in eight bits. Set PRECISION=float32"
    )
  })

  test("is refused where it gives something else than the network did", async () => {
    const another = yamnetOf(
      { ...negated(await Effect.runPromise(someWeights)), hash: "", source: "", embedder: "untrained" },
      TAPS
    )
    const unrounded = knownRows(another)
    expect(await refused({ engine: "native", embedder: { ...embedder, unrounded }, precision: "int8" })).toMatch(
      /^PRECISION=int8 cannot be had here: the vector embedding is off by \S+ %\. Set PRECISION=float32$/
    )
  })

  test.each([
    ["zeros", 0],
    ["what is no number", Number.NaN]
  ])("an engine fails that gives %s", async (_, value) => {
    const embed = (patches: Float32Array) =>
      Effect.succeed(new Float32Array((patches.length / 6144) * 1536).fill(value))
    const expected = await Effect.runPromise(embedder.unrounded!)
    expect(await Effect.runPromise(testIntegers({ embed }, embedder.frontEnd, expected))).toStartWith(
      "the vector embedding is off by"
    )
  })
})
