import { expect, test } from "bun:test"
import { Effect } from "effect"
import fc from "fast-check"
import { VARIANT_NAMES } from "../../src/augment/variants.ts"
import { EMBEDDING_SIZE } from "../../src/embedder/yamnet/mobilenet.ts"
import { decodePart, encodePart, FOOTER_BYTES, locateIndex, readIndex } from "../../src/embeddings/part.ts"
import { type PartError, partName } from "../../src/embeddings/parts.ts"
import type { EmbeddedRecording } from "../../src/embeddings/recording.ts"

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
  vector: fc.float({ noNaN: true, noDefaultInfinity: true }).map((x) => new Float32Array(EMBEDDING_SIZE).fill(x))
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
      const bytes = encodePart(written)
      expect(await Effect.runPromise(decodePart("part", partName(bytes), bytes, EMBEDDING_SIZE))).toEqual(written)
      const index = await Effect.runPromise(locateIndex("part", bytes.subarray(-FOOTER_BYTES)))
      // The vectors come after it.
      expect(index.end).toBeLessThan(bytes.length - 4096)
      expect(await Effect.runPromise(readIndex("part", index, bytes.slice(0, index.end)))).toEqual(
        written.map(({ key, etag, contentHash }) => ({ key, etag, contentHash }))
      )
    }),
    { numRuns: 30 }
  )
})

test("two contents that lay under one key in turn, in a store that tells no ETags, stay two recordings", async () => {
  const [recording] = fc.sample(recordings, { numRuns: 1, seed: 7 })[0]!
  const written = ["a", "b"].map((digit): EmbeddedRecording => {
    return { ...recording!, etag: "", contentHash: digit.repeat(64) }
  })
  const bytes = encodePart(written)
  expect(await Effect.runPromise(decodePart("part", partName(bytes), bytes, EMBEDDING_SIZE))).toEqual(written)
})

test("a damaged part is refused by its name", async () => {
  const [recording] = fc.sample(recordings, { numRuns: 1, seed: 7 })[0]!
  const bytes = encodePart([recording!])
  for (const damaged of [bytes.slice(0, bytes.length / 2), new Uint8Array(0), new TextEncoder().encode("not a part")]) {
    const part = "embeddings/x/y.parquet"
    const refusals: ReadonlyArray<Effect.Effect<unknown, PartError>> = [
      decodePart(part, partName(damaged), damaged, EMBEDDING_SIZE),
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
  const bytes = encodePart([recording!])
  const name = partName(bytes)
  for (let at = 0; at < bytes.length; at += 997) {
    const damaged = bytes.slice()
    damaged[at]! ^= 1
    const error = await Effect.runPromise(
      Effect.flip(decodePart("embeddings/x/y.parquet", name, damaged, EMBEDDING_SIZE))
    )
    expect(error.message).toBe("embeddings/x/y.parquet is damaged: its content is not what its name says.")
  }
})
