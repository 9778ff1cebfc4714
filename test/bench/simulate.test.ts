import { expect, test } from "bun:test"
import { type Assumptions, estimate } from "../../bench/simulate.ts"

const ASSUMPTIONS: Assumptions = {
  variants: 6,
  seconds: 4,
  bytes: 700_000,
  patches: 8,
  engineRate: 820,
  prepareSeconds: 0.085,
  cores: 2,
  sharesCores: true,
  shardOverhead: 0,
  dispatchRate: 1000,
  listRate: 5000,
  network: 300e6,
  getRate: 5500,
  putRate: 3500,
  audit: true,
  classes: 4,
  trainRate: 1000,
  epochs: 30,
  workerHour: 1,
  putPrice: 0.005,
  getPrice: 0.0004
}

test("one worker is as fast as its cores", () => {
  const { embed, saturated, puts, gets, lists } = estimate(12_800, 1, 128, ASSUMPTIONS)
  expect(saturated).toBe("cores")
  // 0.085 s to prepare and 48 patches at 820 a second on both cores.
  expect(12_800 / embed).toBeCloseTo(1 / (0.085 / 2 + 48 / 820), 6)
  expect({ puts, gets, lists }).toEqual({ puts: 12_800 * 6 + 300, gets: 12_800 + 300, lists: 39 })
})

test("more workers are faster until something that they share is not", () => {
  const at = (workers: number, more: Partial<Assumptions> = {}) =>
    estimate(10_000_000, workers, 125, { ...ASSUMPTIONS, ...more })
  expect(at(64).embed / at(1).embed).toBeCloseTo(1 / 64, 3)
  // Four prefixes take 14,000 PUTs a second, which is 2,333 recordings with six copies each.
  const many = at(1000)
  expect(many).toMatchObject({ saturated: "S3 writes" })
  expect(10_000_000 / many.embed).toBeCloseTo((4 * 3500) / 6, 0)
  expect(many.load["S3 writes"]).toBeCloseTo(1, 3)
  expect(at(1000, { audit: false }).saturated).toBe("cores")
  expect(at(1000, { audit: false, dispatchRate: 1 }).saturated).toBe("coordinator")
})

test("workers that are more than the shards have nothing to do", () => {
  expect(estimate(128, 8, 128, ASSUMPTIONS).embed).toBeCloseTo(estimate(128, 1, 128, ASSUMPTIONS).embed, 6)
})

test("a graphics card leaves the cores to preparing", () => {
  const { saturated, embed } = estimate(12_800, 1, 128, { ...ASSUMPTIONS, sharesCores: false, engineRate: 1e6 })
  expect(saturated).toBe("cores")
  expect(12_800 / embed).toBeCloseTo(2 / 0.085, 6)
})
