import { expect, test } from "bun:test"
import { Effect } from "effect"
import type { Precision } from "../../../src/embedder/engine.ts"
import { Engine } from "../../../src/embedder/engine.ts"
import { rowSize } from "../../../src/embedder/frontEnd.ts"
import { makeNative } from "../../../src/embedder/native/nativeEngine.ts"
import { describeDistance, selfTest } from "../../../src/embedder/webgpu/selfTest.ts"
import { fittingBatch } from "../../../src/embedder/webgpu/webgpuEngine.ts"
import { networkKernels } from "../../../src/embedder/yamnet/networkKernels.ts"
import { untrainedNetwork } from "../../../src/embedder/yamnet/untrained.ts"
import { backboneOf } from "../../../src/embedder/yamnet/yamnet.ts"

const network = untrainedNetwork()
const backbone = backboneOf(network, [8])
const ROW = rowSize(backbone.frontEnd)

/** What the self-test says of the native engine after `spoil` has had its embeddings. */
const tested = (spoil: (embeddings: Float32Array) => void, precision: Precision = "float32") =>
  makeNative({ backbone, why: "a test", threads: 1 }).pipe(
    Effect.flatMap((native) => {
      const embed = (patches: Float32Array) =>
        Effect.tap(native.embed(patches), (values) => Effect.sync(() => spoil(values)))
      return selfTest(Engine.of({ ...native, embed }), backbone, precision)
    }),
    Effect.scoped,
    Effect.runPromise
  )

test("an engine with the right numbers passes", async () => {
  expect(await tested(() => undefined)).toBeUndefined()
})

test.each<readonly [string, (values: Float32Array) => void]>([
  ["one value of the last patch of a full batch is off", (values) => values.fill(9, 31 * ROW, 31 * ROW + 1)],
  [
    "the last vector of all patches is a little too large",
    (values) => {
      for (let at = 1024; at < values.length; at += ROW) {
        for (let i = at; i < at + 512; i++) values[i]! *= 1.0002
      }
    }
  ],
  ["all values are a little too large", (values) => values.set(values.map((value) => value * 1.0002))],
  ["it gives zeros, as a device does that has failed", (values) => values.fill(0)],
  ["one value is not a number", (values) => values.fill(Number.NaN, 5, 6)]
])("an engine fails if %s", async (_, spoil) => {
  expect(await tested(spoil)).toMatch(/^off by \S+ at most and \S+ % as a whole$/)
})

test("float16 is allowed what rounding does, and no more", async () => {
  const round = (values: Float32Array) => values.set(Float16Array.from(values.map((value) => value * 1.002)))
  expect(await tested(round, "float16")).toBeUndefined()
  expect(await tested(round, "float32")).toMatch(/^off by /)
  expect(await tested((values) => values.set(values.map((value) => value * 1.02)), "float16")).toMatch(/^off by /)
})

test("a distance is told in numbers", () => {
  expect(describeDistance(Float32Array.of(3, 4.5), Float32Array.of(3, 4), "float32")).toBe(
    "off by 0.50 at most and 10 % as a whole"
  )
})

test("a batch is what one buffer of the device holds: 512 patches at most", () => {
  const kernels = (precision: Precision) => (batch: number) => networkKernels(network, batch, precision)
  const limits = (bytes: number) =>
    ({ maxBufferSize: 2 * bytes, maxStorageBufferBindingSize: bytes }) as GPUSupportedLimits
  expect(fittingBatch(kernels("float32"), limits(2 ** 32 - 4))).toBe(512)
  expect(fittingBatch(kernels("float32"), limits(2 ** 27))).toBe(256)
  expect(fittingBatch(kernels("float16"), limits(2 ** 27))).toBe(512)
  expect(fittingBatch(kernels("float32"), limits(2 ** 20))).toBe(2)
})
