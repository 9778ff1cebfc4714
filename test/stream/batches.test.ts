import { expect, test } from "bun:test"
import { Effect, Stream } from "effect"
import fc from "fast-check"
import type { Engine } from "../../src/embedder/engine.ts"
import { rowSize } from "../../src/embedder/frontEnd.ts"
import { frontEnd } from "../../src/embedder/yamnet/frontEnd.ts"
import { PATCH_SIZE } from "../../src/embedder/yamnet/logMel.ts"
import { embedInBatches, type Prepared } from "../../src/stream/batches.ts"

const ROW = rowSize(frontEnd)

/** An engine whose embedding of a patch is the patch's first value, repeated; it notes the batches it was given. */
const echoEngine = (batch: number) => {
  const sizes: Array<number> = []
  const engine: Engine["Service"] = {
    name: "native",
    adapter: "echo",
    why: "for the test",
    frontEnd,
    batch,
    atOnce: 2,
    faults: Effect.succeed([]),
    embed: (patches) =>
      Effect.sync(() => {
        const count = patches.length / PATCH_SIZE
        sizes.push(count)
        return Float32Array.from({ length: count * ROW }, (_, i) => {
          return patches[Math.floor(i / ROW) * PATCH_SIZE]!
        })
      })
  }
  return { engine, sizes }
}

/** A recording whose variants have patches that begin with the given values, the later ones counting for more. */
const prepared = (key: string, variants: ReadonlyArray<ReadonlyArray<number>>): Prepared => ({
  key,
  etag: `${key}-1`,
  size: 10,
  contentHash: "00",
  silent: false,
  notes: [],
  variants: variants.map((values) => {
    const patches = new Float32Array(values.length * PATCH_SIZE)
    values.forEach((value, i) => {
      patches[i * PATCH_SIZE] = value
    })
    return {
      draw: { variant: "original", seed: 0, parameters: {} },
      seconds: 1,
      peak: 1,
      clipped: 0,
      patches,
      weights: weightsOf(values.length),
      wav: null
    }
  })
})

const weightsOf = (patches: number): Float64Array =>
  Float64Array.from({ length: patches }, (_, at) => (2 * (at + 1)) / (patches * (patches + 1)))

const run = (engine: Engine["Service"], recordings: ReadonlyArray<Prepared>) =>
  Effect.runPromise(Stream.fromIterable(recordings).pipe(embedInBatches(engine), Stream.runCollect))

test("a variant's vector is the weighted mean over its patches, wherever the batches are cut", async () => {
  const corpus = fc.array(
    fc.array(fc.array(fc.integer({ min: -100, max: 100 }), { minLength: 1, maxLength: 5 }), {
      minLength: 1,
      maxLength: 3
    }),
    { maxLength: 6 }
  )
  await fc.assert(
    fc.asyncProperty(corpus, fc.integer({ min: 1, max: 7 }), async (recordings, batch) => {
      const { engine } = echoEngine(batch)
      const embedded = await run(
        engine,
        recordings.map((variants, i) => prepared(`${i}`, variants))
      )
      expect(embedded.map(({ key }) => key)).toEqual(recordings.map((_, i) => `${i}`))
      embedded.forEach(({ variants }, i) => {
        const means = recordings[i]!.map((values) => {
          const weights = weightsOf(values.length)
          return values.reduce((sum, value, at) => sum + weights[at]! * value, 0)
        })
        expect(variants.map(({ vector }) => vector[ROW - 1]!)).toEqual(means.map(Math.fround))
        expect(variants.map(({ patches }) => patches)).toEqual(recordings[i]!.map((values) => values.length))
      })
    }),
    { numRuns: 50 }
  )
})

test("every batch but the last is full", async () => {
  const { engine, sizes } = echoEngine(4)
  await run(engine, [prepared("a", [[1, 2, 3]]), prepared("b", [[4], [5, 6, 7]]), prepared("c", [[8, 9]])])
  expect(sizes).toEqual([4, 4, 1])
})
