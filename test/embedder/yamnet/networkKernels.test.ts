import { describe, expect, test } from "bun:test"
import { PRECISIONS } from "../../../src/embedder/engine.ts"
import { rowSize } from "../../../src/embedder/frontEnd.ts"
import { BYTES } from "../../../src/embedder/webgpu/wgsl/kernel.ts"
import { TAPS, vectorSizes } from "../../../src/embedder/yamnet/mobilenet.ts"
import { networkKernels } from "../../../src/embedder/yamnet/networkKernels.ts"
import { untrainedNetwork } from "../../../src/embedder/yamnet/untrained.ts"

// That the kernels compute the network is tested on a device, in test/embedder/reference.test.ts.

type Kernels = ReturnType<typeof networkKernels>

const network = untrainedNetwork()
const sizeOf = (taps: ReadonlyArray<number>) => rowSize({ vectors: vectorSizes(taps) })
const BATCHES = [1, 2, 3, 7, 64, 100, 255, 512, 1024]
const LISTS = [[], TAPS, [2, 5, 14]]
const KINDS = PRECISIONS.flatMap((precision) =>
  LISTS.flatMap((taps) => BATCHES.map((batch) => [batch, precision, taps] as const))
)

describe.each(KINDS)("for batches of %i patches in %s with taps %j", (batch, precision, taps) => {
  const kernels = networkKernels(network, batch, precision, taps)

  test("every number of patches is a whole number of workgroups, within what every device allows", () => {
    for (const { workgroups } of kernels) {
      for (const patches of [1, Math.ceil(batch / 3), batch]) {
        for (const count of workgroups(patches)) {
          expect(Number.isInteger(count)).toBe(true)
          expect(count).toBeGreaterThan(0)
          expect(count).toBeLessThanOrEqual(65_535)
        }
      }
    }
  })

  test("those that make rows have room for all of theirs", () => {
    for (const { makesRows, resultSize } of kernels) {
      if (makesRows) expect(resultSize(batch)).toBeGreaterThanOrEqual(batch * sizeOf(taps))
    }
  })

  test("no number of patches writes more than a full batch does", () => {
    for (const { resultSize } of kernels) {
      for (const patches of [1, Math.ceil(batch / 3), batch]) {
        expect(resultSize(patches)).toBeLessThanOrEqual(resultSize(batch))
      }
    }
  })

  test("the workgroups' memory is within the 16 KB that every device has", () => {
    for (const { code } of kernels) {
      const vectors = [...code.matchAll(/var<workgroup> \w+: array<(vec4[fh]), (\d+)>/g)]
      const bytes = vectors.map(([, vector, count]) => (vector === "vec4f" ? 16 : 8) * Number(count))
      expect(bytes.reduce((sum, some) => sum + some, 0)).toBeLessThanOrEqual(16_384)
    }
  })
})

test("layers of one kind share their code, so that a driver compiles little", () => {
  for (const precision of PRECISIONS) {
    const codes = new Set(networkKernels(network, 512, precision).map(({ code }) => code))
    expect(codes.size).toBe(12 + TAPS.length)
  }
})

test("only float16 asks for what not every device has, and keeps all but the means in half the memory", () => {
  const [float32, float16] = PRECISIONS.map((precision) => networkKernels(network, 512, precision)) as [
    Kernels,
    Kernels
  ]
  for (const { code } of float32) expect(code).not.toMatch(/f16|vec4h/)
  for (const { code } of float16) expect(code).toContain("enable f16;")
  const bytes = (kernels: Kernels) => kernels.map(({ resultKind, resultSize }) => BYTES[resultKind] * resultSize(512))
  const [rows, features] = [true, false].map((isOfRows) => (kernels: Kernels) => {
    return bytes(kernels.filter(({ makesRows = false }) => makesRows === isOfRows))
  }) as [typeof bytes, typeof bytes]
  expect(features(float16)).toEqual(features(float32).map((size) => size / 2))
  expect(rows(float16)).toEqual(rows(float32))
})

test("the network's arithmetic is what YAMNet's is said to be: 69.2 million multiplications, with its classifier", () => {
  const products = networkKernels(network, 512, "float32").reduce((sum, { weights, resultSize }) => {
    if (weights === undefined) return sum
    const [kernel, bias] = weights.values
    return sum + (kernel.length * resultSize(512)) / bias.length / 512
  }, 0)
  expect((products + 1024 * 521) / 1e6).toBeCloseTo(69.2, 1)
})
