import { describe, expect, test } from "bun:test"
import { Effect } from "effect"
import fc from "fast-check"
import { parquetReadObjects } from "hyparquet"
import { parquetWriteBuffer } from "hyparquet-writer"
import { drawEvenly } from "../../../src/classifier/site/drawEvenly.ts"
import { DRAWS, drawFourierFeatures, FOURIER_FEATURES } from "../../../src/classifier/site/fourierFeatures.ts"
import {
  columnsOf,
  decodeKeptWindows,
  encodeKeptWindows,
  type KeptWindows,
  vectorsOfSites
} from "../../../src/classifier/site/keptWindows.ts"
import { learnSite, MOST_WINDOWS } from "../../../src/classifier/site/learnSite.ts"
import { corrected } from "../../../src/classifier/site/siteCorrection.ts"
import { codeVectors } from "../../../src/embeddings/scans/coding.ts"
import { decompressors } from "../../../src/embeddings/zstd.ts"
import { columnsIn, SHOT, SIZE, siteWindows, VECTORS, WORLD, windowsOf } from "../../support/siteWorld.ts"

const { kept, hear } = WORLD
const learn = (own: KeptWindows, ...site: Parameters<typeof learnSite>[1]) => Effect.runPromise(learnSite(own, site))
const FEATURES = { sizes: [SIZE], nearness: drawFourierFeatures(siteWindows(50, 3), SIZE) }
const shots = (probabilities: Float32Array) => columnsIn(probabilities, 2)
const mean = (values: ReadonlyArray<number>) => values.reduce((sum, value) => sum + value, 0) / values.length

describe("a site's correction", () => {
  test("has what is always heard there told as background, and what it was trained on told as before", async () => {
    const site = hear(siteWindows(3000, 1))
    const again = hear(siteWindows(500, 2))
    const correction = await learn(kept, site)
    const before = mean(shots(again.probabilities))
    expect(before).toBeGreaterThan(0.03)
    // Of another hour than the one that was learnt.
    expect(mean(shots(corrected(correction, again)))).toBeLessThan(before / 2)
    const trained = { windows: kept.windows, probabilities: kept.probabilities }
    const after = corrected(correction, trained)
    const right = (of: Float32Array) =>
      kept.labels.filter((label, at) => label === 2 && of[3 * at + 2]! > 0.5).length /
      kept.labels.filter((label) => label === 2).length
    expect(right(kept.probabilities)).toBeGreaterThan(0.9)
    expect(right(after)).toBeGreaterThan(0.9)
  })

  test("is the same whatever pieces the site comes in, but for the order in which sums are made", async () => {
    const rows = siteWindows(3000, 1)
    const whole = await learn(kept, hear(rows))
    const parts = await learn(kept, hear(rows.subarray(0, 1700 * SIZE)), hear(rows.subarray(1700 * SIZE)))
    expect(parts.kernel).toEqual(whole.kernel)
    expect(parts.bias).toEqual(whole.bias)
  })

  test("does not teach a shooting range that shots are background", async () => {
    const range = await learn(kept, hear(siteWindows(3000, 1, 0.3, SHOT)))
    const site = await learn(kept, hear(siteWindows(3000, 1)))
    const some = hear(siteWindows(500, 2, 0.1, SHOT))
    const told = (of: Float32Array) => shots(of).filter((own) => own > 0.5).length
    expect(told(some.probabilities)).toBeGreaterThan(45)
    expect(told(corrected(range, some))).toBeGreaterThan(0.9 * told(some.probabilities))
    expect(told(corrected(site, some))).toBeGreaterThan(0.9 * told(some.probabilities))
  })

  test("of nothing changes nothing, and each window's is its own", () => {
    const none = {
      ...FEATURES,
      kernel: new Float32Array(3 * (SIZE + DRAWS * FOURIER_FEATURES)),
      bias: new Float32Array(3)
    }
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.integer(), (count, seed) => {
        const own = hear(siteWindows(count, seed))
        const same = corrected(none, own)
        for (const [at, value] of same.entries()) expect(value).toBeCloseTo(own.probabilities[at]!, 6)
      }),
      { numRuns: 20 }
    )
    const correction = {
      ...FEATURES,
      kernel: Float32Array.from({ length: 3 * (SIZE + DRAWS * FOURIER_FEATURES) }, (_, at) => (at % 3) / 7),
      bias: new Float32Array(3)
    }
    const rows = siteWindows(9, 4)
    const all = corrected(correction, hear(rows))
    for (let at = 0; at < 9; at++) {
      const one = corrected(correction, hear(rows.slice(at * SIZE, (at + 1) * SIZE)))
      expect(one).toEqual(all.subarray(3 * at, 3 * at + 3))
    }
  })
})

test("windows are drawn evenly, and no more than a site is learnt from", () => {
  const pieces = Array.from({ length: 400 }, (_, at) => at)
  expect(drawEvenly(pieces, MOST_WINDOWS, MOST_WINDOWS)).toEqual(pieces)
  const drawn = drawEvenly(pieces, 4 * MOST_WINDOWS, MOST_WINDOWS)
  expect(drawn).toHaveLength(100)
  expect(new Set(drawn.map((at) => Math.floor(at / 4))).size).toBe(100)
})

describe("kept windows", () => {
  test("are read as they were written", async () => {
    expect<KeptWindows>(await Effect.runPromise(decodeKeptWindows(encodeKeptWindows(kept)))).toEqual(kept)
  })

  test("that are damaged or something else's are told apart", async () => {
    const bytes = encodeKeptWindows(kept)
    const torn = { ...kept, weights: kept.weights.slice(1) }
    const none = { count: 0, codes: new Uint8Array(), ranges: new Float32Array() }
    const empty = {
      ...{ ...kept, windows: none, labels: new Uint8Array() },
      ...{ weights: new Float32Array(), probabilities: new Float32Array() }
    }
    const ofNothing = { ...kept, vectors: {}, windows: { ...none, count: kept.windows.count } }
    const files = [torn, empty, ofNothing].map(encodeKeptWindows)
    for (const wrong of [bytes.subarray(0, bytes.length / 2), new Uint8Array(9), ...files]) {
      expect(await Effect.runPromise(Effect.flip(decodeKeptWindows(wrong)))).toMatchObject({ _tag: "KeptWindowsError" })
    }
  })

  test("are the columns of some vectors", () => {
    const rows = Float32Array.from({ length: 5 * (2 + SIZE + 3) }, (_, at) => (at % 7) + at / 100)
    const coded = codeVectors(rows, [2, SIZE, 3])
    const vectors = { ...VECTORS, layer4max: 3 }
    const chosen = vectorsOfSites(vectors)
    expect(chosen).toEqual({ layer8max: SIZE, layer4max: 3 })
    const both = codeVectors(windowsOf(rows, 2 + SIZE + 3, 2), [SIZE, 3])
    expect(columnsOf(coded, vectors, chosen)).toEqual(both)
    const last = codeVectors(windowsOf(rows, 2 + SIZE + 3, 2 + SIZE), [3])
    expect(columnsOf(coded, vectors, { layer4max: 3 })).toEqual(last)
    // Of what was chosen, what a version of before learns by.
    expect(columnsOf(both, chosen, { layer8max: SIZE })).toEqual(columnsOf(coded, vectors, { layer8max: SIZE }))
  })

  test("of one vector alone, as versions of before have them, are read, too", async () => {
    const file = encodeKeptWindows(kept).slice().buffer
    const [{ vectors: _, ...row }] = (await parquetReadObjects({ file, compressors: decompressors, utf8: false })) as [
      Record<string, unknown>
    ]
    const before = parquetWriteBuffer({
      columnData: Object.entries({ ...row, vector: "layer8max" }).map(([name, value]) => ({
        name,
        data: [value],
        type: typeof value === "number" ? "INT32" : typeof value === "string" ? "STRING" : "BYTE_ARRAY"
      }))
    })
    expect<KeptWindows>(await Effect.runPromise(decodeKeptWindows(new Uint8Array(before)))).toEqual(kept)
  })
})
