import { describe, expect, test } from "bun:test"
import { Effect, Stream } from "effect"
import fc from "fast-check"
import { cutShards, estimateSeconds, halves, limitsFor } from "../../../src/runs/cluster/cutShards.ts"

const object = (size: number, i = 0, ending = "wav") => ({
  key: `extracted_audio/dog/${i}.${ending}`,
  etag: String(i),
  size
})
const cut = (sizes: ReadonlyArray<number>, limits: Parameters<typeof cutShards>[0], clipMaxSeconds = 30) =>
  Effect.runPromise(
    Stream.runCollect(cutShards(limits, clipMaxSeconds)(Stream.fromIterable(sizes.map((size, i) => object(size, i)))))
  )

test("shards hold every recording once, in order, and no more than the limits allow but for one alone", async () => {
  const limits = { recordings: 5, bytes: 1_000_000, seconds: 20 }
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 3_000_000 }), { maxLength: 60 }), async (sizes) => {
      const shards = await cut(sizes, limits)
      expect(shards.flat()).toEqual(sizes.map((size, i) => object(size, i)))
      for (const shard of shards) {
        expect(shard.length).toBeGreaterThan(0)
        if (shard.length === 1) continue
        expect(shard.length).toBeLessThanOrEqual(limits.recordings)
        expect(shard.reduce((sum, { size }) => sum + size, 0)).toBeLessThanOrEqual(limits.bytes)
        expect(shard.reduce((sum, each) => sum + estimateSeconds(each, 30), 0)).toBeLessThanOrEqual(limits.seconds)
      }
      // None could have taken the next one's first.
      for (const [i, shard] of shards.entries()) {
        const next = shards[i + 1]?.[0]
        if (next === undefined) continue
        const together = [...shard, next]
        expect(
          together.length > limits.recordings ||
            together.reduce((sum, { size }) => sum + size, 0) > limits.bytes ||
            together.reduce((sum, each) => sum + estimateSeconds(each, 30), 0) > limits.seconds
        ).toBe(true)
      }
    })
  )
})

test("long recordings make small shards, as far as they are used", async () => {
  const limits = { recordings: 128, bytes: 1e9, seconds: 600 }
  const minute = 60 * 64_000
  expect(
    (
      await cut(
        Array.from({ length: 40 }, () => minute),
        limits,
        60
      )
    ).map(({ length }) => length)
  ).toEqual([10, 10, 10, 10])
  expect(
    (
      await cut(
        Array.from({ length: 40 }, () => minute),
        limits,
        30
      )
    ).map(({ length }) => length)
  ).toEqual([20, 20])
})

describe("seconds are estimated", () => {
  test.each([
    ["wav", 4],
    ["WAV", 4],
    ["flac", 8],
    ["mp3", 30]
  ])("of 256 kB of %s: %d", (ending, seconds) => {
    expect(estimateSeconds(object(256_000, 0, ending), 30)).toBe(seconds)
  })
})

test("a small corpus is cut finely enough for several workers, a large one into parts", () => {
  expect(limitsFor(10).recordings).toBe(4)
  expect(limitsFor(320).recordings).toBe(10)
  expect(limitsFor(10_000_000).recordings).toBe(128)
})

test("halving ends at single recordings, and loses none", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 300 }), (length) => {
      const singles: Array<number> = []
      const split = (range: { file: string; from: number; to: number }): void => {
        if (range.to - range.from === 1) singles.push(range.from)
        else halves(range).forEach(split)
      }
      split({ file: "f", from: 0, to: length })
      expect(singles).toEqual(Array.from({ length }, (_, i) => i))
    })
  )
})
