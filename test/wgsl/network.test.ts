import { describe, expect, test } from "bun:test"
import { networkKernels } from "../../src/wgsl/network.ts"
import { untrainedNetwork } from "../../src/yamnet/untrained.ts"

// That the kernels compute the network is tested on a device, in test/engine/reference.test.ts.

const network = untrainedNetwork()
const BATCHES = [1, 2, 3, 7, 64, 100, 255, 512, 1024]

describe.each(BATCHES)("for batches of %i patches", (batch) => {
  const kernels = networkKernels(network, batch)

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

  test("no number of patches writes more than a full batch does", () => {
    for (const { resultSize } of kernels) {
      for (const patches of [1, Math.ceil(batch / 3), batch]) {
        expect(resultSize(patches)).toBeLessThanOrEqual(resultSize(batch))
      }
    }
  })

  test("the workgroups' memory is within the 16 KB that every device has", () => {
    for (const { code } of kernels) {
      const vectors = [...code.matchAll(/var<workgroup> \w+: array<vec4f, (\d+)>/g)].map((match) => Number(match[1]))
      expect(16 * vectors.reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(16_384)
    }
  })
})

test("layers of one kind share their code, so that a driver compiles little", () => {
  const codes = new Set(networkKernels(network, 512).map(({ code }) => code))
  expect(codes.size).toBe(12)
})

test("the network's arithmetic is what YAMNet's is said to be: 69.2 million multiplications, with its classifier", () => {
  const products = networkKernels(network, 512).reduce((sum, { weights, resultSize }) => {
    return weights === undefined ? sum : sum + (weights[0].length * resultSize(512)) / weights[1].length / 512
  }, 0)
  expect((products + 1024 * 521) / 1e6).toBeCloseTo(69.2, 1)
})
