import { Effect } from "effect"
import type { Backbone } from "../embedder.ts"
import { type Engine, EngineError } from "../engine.ts"
import { type FrontEnd, placeOf, rowSize } from "../frontEnd.ts"
import { Graph } from "../onnx/graph.ts"
import { loadOnnxruntime } from "../onnx/runtime.ts"
import { openSession } from "../onnx/session.ts"
import { knownPatches } from "../webgpu/selfTest.ts"
import { makeNative } from "./nativeEngine.ts"

/** How far a vector in eight bits may be from the one in float32, as a share of it, over patches that are known. */
const ALLOWED = 0.7

const [CHANNELS, PLACES] = [64, 64]

/**
 * Whether sums of products of bytes come out whole here. On x86 without the instructions for them (VNNI) onnxruntime adds
 * two products in 16 bits, which are cut at 32,767: the largest ones come to twice that.
 */
export const sumsAreWhole = Effect.gen(function* () {
  const { Tensor } = yield* Effect.promise(loadOnnxruntime)
  const graph = new Graph("products")
  const bytes = graph.input("bytes", [1, CHANNELS, PLACES, 1], 2)
  const [one, zero] = [graph.scalar(1), graph.bytes(Uint8Array.of(0), [])]
  const kernel = graph.bytes(new Int8Array(CHANNELS * CHANNELS).fill(127), [CHANNELS, CHANNELS, 1, 1])
  // So that the whole sum comes out as 254, and no other does.
  const scales = graph.floats(new Float32Array(CHANNELS).fill(254 / (255 * 127 * CHANNELS)), [CHANNELS])
  const zeros = graph.bytes(new Int8Array(CHANNELS), [CHANNELS])
  graph.op("QLinearConv", [bytes, one, zero, kernel, scales, zeros, one, zero], {}, "sums")
  graph.output("sums", [1, CHANNELS, PLACES, 1], 2)
  const fail = (cause: unknown) => new EngineError({ message: `The native engine cannot compute in int8: ${cause}` })
  const session = yield* openSession(graph.model(), 1, fail)
  const input = new Tensor("uint8", new Uint8Array(CHANNELS * PLACES).fill(255), [1, CHANNELS, PLACES, 1])
  const { sums } = yield* Effect.tryPromise({ try: () => session.run({ bytes: input }), catch: fail })
  return (sums!.data as Uint8Array).every((sum) => sum === 254)
}).pipe(Effect.scoped)

const relative = (rows: Float32Array, expected: Float32Array, size: number, from: number, to: number): number => {
  let [apart, whole] = [0, 0]
  for (const [at, value] of expected.entries()) {
    if (at % size < from || at % size >= to) continue
    apart += (rows[at]! - value) ** 2
    whole += value ** 2
  }
  return Math.sqrt(apart / whole)
}

/** The rows that a network gives for known patches on this machine's processor. */
export const knownRows = Effect.fn("knownRows")(function* (backbone: Backbone) {
  const native = yield* makeNative({ backbone, why: "To test what is rounded." })
  return yield* native.embed(knownPatches(backbone.frontEnd))
}, Effect.scoped)

/** Whether a network in eight bits gives nearly the rows that were expected. Says what it does not give, or undefined. */
export const testIntegers = Effect.fn("testIntegers")(function* (
  engine: Pick<Engine["Service"], "embed">,
  frontEnd: FrontEnd,
  expected: Float32Array
) {
  const { vectors } = frontEnd
  const rows = yield* engine.embed(knownPatches(frontEnd))
  for (const name of Object.keys(vectors)) {
    const { from, to } = placeOf(vectors, name)
    const apart = relative(rows, expected, rowSize(frontEnd), from, to)
    // NaN is not less than anything.
    if (!(apart < ALLOWED)) return `the vector ${name} is off by ${(100 * apart).toPrecision(2)} %`
  }
  return undefined
})
