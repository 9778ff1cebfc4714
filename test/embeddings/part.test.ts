import { expect, test } from "bun:test"
import { Effect } from "effect"
import fc from "fast-check"
import { parquetReadObjects } from "hyparquet"
import { VARIANT_NAMES } from "../../src/augment/variants.ts"
import { decodePart, encodePart, FOOTER_BYTES, locateIndex, readIndex } from "../../src/embeddings/part.ts"
import { type PartError, partName } from "../../src/embeddings/parts.ts"
import type { EmbeddedRecording } from "../../src/embeddings/recording.ts"

const VECTORS = { embedding: 1024, layer8: 512, layer5: 256 }
const ROW = 1024 + 512 + 256

const variant = fc.record({
  draw: fc.record({
    variant: fc.constantFrom(...VARIANT_NAMES),
    seed: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    parameters: fc.dictionary(fc.string(), fc.integer())
  }),
  seconds: fc.double({ min: 0.1, max: 30, noNaN: true }),
  patches: fc.integer({ min: 1, max: 63 }),
  peak: fc.double({ min: 0, max: 2, noNaN: true }),
  clipped: fc.nat(1000),
  vector: fc.float({ noNaN: true, noDefaultInfinity: true }).map((x) => new Float32Array(ROW).map((_, at) => x + at))
})

const recordings = fc.uniqueArray(
  fc.record({
    key: fc.string({ unit: "grapheme", minLength: 1 }),
    etag: fc.string(),
    size: fc.nat(),
    contentHash: fc.stringMatching(/^[0-9a-f]{64}$/),
    silent: fc.boolean(),
    variants: fc.array(variant, { minLength: 1, maxLength: 4 })
  }),
  { selector: ({ key }) => key, minLength: 1, maxLength: 4 }
)

test("what is written to a part is read back, and the index names each recording once", async () => {
  await fc.assert(
    fc.asyncProperty(recordings, async (written: Array<EmbeddedRecording>) => {
      const bytes = encodePart(written, VECTORS)
      expect(await Effect.runPromise(decodePart("part", partName(bytes), bytes, VECTORS))).toEqual(written)
      const index = await Effect.runPromise(locateIndex("part", bytes.subarray(-FOOTER_BYTES)))
      // The vectors come after it.
      expect(index.end).toBeLessThan(bytes.length - 4 * ROW)
      expect(await Effect.runPromise(readIndex("part", index, bytes.slice(0, index.end)))).toEqual(
        written.map(({ key, etag, contentHash }) => ({ key, etag, contentHash }))
      )
    }),
    { numRuns: 30 }
  )
})

test("a row has those vectors alone that are wanted, in the recipe's order", async () => {
  const [recording] = fc.sample(recordings, { numRuns: 1, seed: 7 })[0]!
  const bytes = encodePart([recording!], VECTORS)
  const read = async (wanted: ReadonlyArray<string>) => {
    const found = await Effect.runPromise(decodePart("part", partName(bytes), bytes, VECTORS, wanted))
    return found[0]!.variants[0]!.vector
  }
  const { vector } = recording!.variants[0]!
  expect(await read(["embedding"])).toEqual(vector.slice(0, 1024))
  expect(await read(["layer5"])).toEqual(vector.slice(1536))
  expect(await read(["layer8", "embedding"])).toEqual(vector.slice(0, 1536))
})

test("the embedding keeps the column that readers know, and each further vector has one of its own", async () => {
  const [recording] = fc.sample(recordings, { numRuns: 1, seed: 7 })[0]!
  const bytes = encodePart([recording!], VECTORS)
  const [row] = await parquetReadObjects({ file: bytes.slice().buffer, utf8: false })
  const floats = (column: string) => new Float32Array((row![column] as Uint8Array).slice().buffer)
  const { vector } = recording!.variants[0]!
  expect(floats("vector")).toEqual(vector.slice(0, 1024))
  expect(floats("vector_layer8")).toEqual(vector.slice(1024, 1536))
  expect(floats("vector_layer5")).toEqual(vector.slice(1536))
})

test("a part of an embedder without such a vector is refused, and says why", async () => {
  const [recording] = fc.sample(recordings, { numRuns: 1, seed: 7 })[0]!
  const bytes = encodePart([recording!], { embedding: ROW })
  const refusal = (vectors: Readonly<Record<string, number>>) =>
    Effect.runPromise(Effect.flip(decodePart("embeddings/x/y.parquet", partName(bytes), bytes, vectors)))
  expect((await refusal({ embedding: 12 })).message).toBe(
    `embeddings/x/y.parquet holds a vector of ${ROW} floats, not 12: another embedder made it.`
  )
  expect((await refusal({ embedding: ROW, layer8: 512 })).message).toBe(
    "embeddings/x/y.parquet cannot be read: parquet column not found: vector_layer8."
  )
})

test("two contents that lay under one key in turn, in a store that tells no ETags, stay two recordings", async () => {
  const [recording] = fc.sample(recordings, { numRuns: 1, seed: 7 })[0]!
  const written = ["a", "b"].map((digit): EmbeddedRecording => {
    return { ...recording!, etag: "", contentHash: digit.repeat(64) }
  })
  const bytes = encodePart(written, VECTORS)
  expect(await Effect.runPromise(decodePart("part", partName(bytes), bytes, VECTORS))).toEqual(written)
})

test("a damaged part is refused by its name", async () => {
  const [recording] = fc.sample(recordings, { numRuns: 1, seed: 7 })[0]!
  const bytes = encodePart([recording!], VECTORS)
  for (const damaged of [bytes.slice(0, bytes.length / 2), new Uint8Array(0), new TextEncoder().encode("not a part")]) {
    const part = "embeddings/x/y.parquet"
    const refusals: ReadonlyArray<Effect.Effect<unknown, PartError>> = [
      decodePart(part, partName(damaged), damaged, VECTORS),
      locateIndex(part, damaged)
    ]
    for (const refusal of refusals) {
      const error = await Effect.runPromise(Effect.flip(refusal))
      expect(error._tag).toBe("PartError")
      expect(error.message).toMatch(/^embeddings\/x\/y\.parquet cannot be read: [^:.]+\.$/)
    }
  }
})

test("a part of which one bit has changed is refused, wherever it is", async () => {
  const [recording] = fc.sample(recordings, { numRuns: 1, seed: 7 })[0]!
  const bytes = encodePart([recording!], VECTORS)
  const name = partName(bytes)
  for (let at = 0; at < bytes.length; at += 997) {
    const damaged = bytes.slice()
    damaged[at]! ^= 1
    const error = await Effect.runPromise(Effect.flip(decodePart("embeddings/x/y.parquet", name, damaged, VECTORS)))
    expect(error.message).toBe("embeddings/x/y.parquet is damaged: its content is not what its name says.")
  }
})
