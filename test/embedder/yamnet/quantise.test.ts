import { beforeAll, describe, expect, test } from "bun:test"
import { Effect } from "effect"
import { InferenceSession, Tensor } from "onnxruntime-node"
import type { Backbone } from "../../../src/embedder/embedder.ts"
import { placeOf, rowSize } from "../../../src/embedder/frontEnd.ts"
import { makeNative } from "../../../src/embedder/native/nativeEngine.ts"
import { Graph } from "../../../src/embedder/onnx/graph.ts"
import { calibrationPatches } from "../../../src/embedder/yamnet/calibrationSounds.ts"
import { logMelPatches, PATCH_SIZE } from "../../../src/embedder/yamnet/logMel.ts"
import { layersOf, TAPS, toNetwork } from "../../../src/embedder/yamnet/mobilenet.ts"
import { patchWeights } from "../../../src/embedder/yamnet/pooling.ts"
import { type Measured, type QuantisedMobilenet, quantise } from "../../../src/embedder/yamnet/quantise.ts"
import { measureRanges } from "../../../src/embedder/yamnet/ranges.ts"
import type { YamnetWeights } from "../../../src/embedder/yamnet/weights.ts"
import { backboneOf, quantiseYamnet, yamnetOf } from "../../../src/embedder/yamnet/yamnet.ts"
import { chirp, noise } from "../../support/signals.ts"
import { someWeights } from "../../support/yamnetReference.ts"

const SOUNDS = calibrationPatches(8)

let weights: YamnetWeights
let measured: ReadonlyMap<number, Measured>
let rounded: QuantisedMobilenet
beforeAll(async () => {
  weights = await Effect.runPromise(someWeights)
  measured = await Effect.runPromise(measureRanges(weights, SOUNDS))
  rounded = quantise(weights, measured)
})

const random = noise(5)
const waveform = chirp(40_000).map((value) => value / 4 + 0.02 * random())

describe("YAMNet in eight bits", () => {
  test("gives nearly what it gave in float32, each vector by itself", async () => {
    const patches = logMelPatches(waveform)
    const embedder = yamnetOf(weights, TAPS, rounded)
    const embed = (backbone: Backbone) =>
      makeNative({ backbone, why: "a test", threads: 1 }).pipe(
        Effect.flatMap((engine) => engine.embed(patches)),
        Effect.scoped,
        Effect.runPromise
      )
    const [rows, expected] = [await embed(embedder), await embed(backboneOf(weights))]
    const size = rowSize(embedder.frontEnd)
    for (const [name, allowed] of [
      ["embedding", 0.45],
      ["layer8max", 0.2],
      ["layer4max", 0.2]
    ] as const) {
      const { from, to } = placeOf(embedder.frontEnd.vectors, name)
      let [apart, whole] = [0, 0]
      for (const [at, value] of expected.entries()) {
        if (at % size < from || at % size >= to) continue
        apart += (rows[at]! - value) ** 2
        whole += value ** 2
      }
      expect(apart).toBeGreaterThan(0)
      expect(Math.sqrt(apart / whole)).toBeLessThan(allowed)
    }
  })

  test("is made of the same integers where the last bits of what was measured differ", () => {
    const shaken = new Map(
      [...measured].map(([layer, { ranges, means }]) => [
        layer,
        { ranges: ranges.map((range, at) => range * (1 + (at % 3) * 1e-9)), means }
      ])
    )
    const again = quantise(weights, shaken)
    expect(again.rest.map(({ kernel }) => kernel)).toEqual(rounded.rest.map(({ kernel }) => kernel))
    expect(again.rest.map(({ scale }) => scale)).toEqual(rounded.rest.map(({ scale }) => scale))
  })

  test("keeps what a channel adds even where it looks at nothing", async () => {
    const blind = toNetwork(
      layersOf(weights).map((layer, at) =>
        at === 6
          ? {
              ...layer,
              kernel: layer.kernel.map((weight, i) => (i % 128 === 3 ? 0 : weight)),
              bias: layer.bias.map((bias, i) => (i === 3 ? 2 : bias))
            }
          : layer
      )
    )
    const found = await Effect.runPromise(measureRanges(blind, SOUNDS))
    const { rest, divisors, first } = quantise(blind, found)
    const layer = rest[6 - first.length]!
    const before = rest[5 - first.length]!.scale
    expect(layer.bias[3]! * layer.scales[3]! * before * divisors[6]![3]!).toBeCloseTo(2, 3)
    expect(layer.kernel.slice(3 * 128, 4 * 128).every((weight) => weight === 0)).toBe(true)
  })

  test("is what ecosight.onnx holds, so that clips, scans and /predict are heard alike", async () => {
    const embedder = yamnetOf(weights, TAPS, rounded)
    const graph = new Graph("clip")
    graph.op("Identity", [embedder.addTo!(graph, graph.input("waveform", ["samples"]))], {}, "row")
    graph.output("row", [1, rowSize(embedder.frontEnd)])
    const session = await InferenceSession.create(graph.model(), { logSeverityLevel: 3 })
    const { row } = await session.run({ waveform: new Tensor("float32", waveform, [waveform.length]) })
    await session.release()
    const patches = logMelPatches(waveform)
    const rows = await makeNative({ backbone: embedder, why: "a test", threads: 1 }).pipe(
      Effect.flatMap((engine) => engine.embed(patches)),
      Effect.scoped,
      Effect.runPromise
    )
    const size = rowSize(embedder.frontEnd)
    const pooled = new Float64Array(size)
    for (const [patch, share] of patchWeights(patches).entries())
      for (let at = 0; at < size; at++) pooled[at]! += share * rows[patch * size + at]!
    let [apart, whole] = [0, 0]
    for (const [at, value] of pooled.entries()) {
      apart += ((row!.data[at] as number) - value) ** 2
      whole += value ** 2
    }
    // The front-ends' last bits move some features to the next integer.
    expect(Math.sqrt(apart / whole)).toBeLessThan(0.02)
  })
})

describe("ranges are not measured", () => {
  const refused = (network: Parameters<typeof quantiseYamnet>[0], patches: Float32Array) =>
    Effect.runPromise(Effect.flip(quantiseYamnet(network, patches))).then(({ message }) => message)

  test("on silence, nor on any one sound that stays as it is", async () => {
    const alike =
      "The sounds that the ranges of PRECISION=int8 are measured with are all alike, such as silence: give others"
    expect(await refused(weights, new Float32Array(8 * PATCH_SIZE).fill(Math.log(0.001)))).toBe(alike)
    expect(await refused(weights, new Float32Array(8 * PATCH_SIZE).fill(Number.NaN))).toBe(alike)
  })

  test("of a network with a layer that answers nothing", async () => {
    const dead = toNetwork(
      layersOf(weights).map((layer, at) =>
        at === 4 ? { ...layer, kernel: layer.kernel.map(() => 0), bias: layer.bias.map(() => -1) } : layer
      )
    )
    expect(await refused(dead, SOUNDS)).toBe(
      "PRECISION=int8 cannot be had with these weights: layer 5 of 27 answers nothing to the sounds that its range is measured with. Set PRECISION=float32."
    )
  })
})

test("the sounds for measuring are the same at each start, and of many levels", () => {
  const [again, ...levels] = [
    calibrationPatches(4),
    ...[0, 1, 2, 3].map((at) => SOUNDS.slice(2 * at * PATCH_SIZE, 2 * (at + 1) * PATCH_SIZE))
  ]
  expect(again).toEqual(SOUNDS.slice(0, again.length))
  const loudest = levels.map((patches) => patches.reduce((most, value) => Math.max(most, value), -Infinity))
  expect(new Set(loudest.map((value) => value.toFixed(1))).size).toBeGreaterThan(2)
})
