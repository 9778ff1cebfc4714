import { describe, expect, test } from "bun:test"
import { readdirSync } from "node:fs"
import { join } from "node:path"
import { Effect } from "effect"
import fc from "fast-check"
import { decodeClip } from "../../../src/sound/decode/decode.ts"
import { FieldDecoder, type Piece } from "../../../src/sound/field/fieldDecoder.ts"
import { concatenate } from "../../../src/sound/floats.ts"
import { resample } from "../../../src/sound/resample.ts"
import { readGolden } from "../../support/vectors.ts"

const recordings = join(import.meta.dir, "../../golden/recordings")
const names = readdirSync(recordings).filter((name) => !name.endsWith(".f32"))

/** The pieces of a file that comes in parts, cut at these places. */
const piecesOf = async (bytes: Uint8Array, cuts: ReadonlyArray<number> = [], size = bytes.length) => {
  const decoder = new FieldDecoder(size)
  const pieces: Array<Piece> = []
  const places = [...new Set([0, ...cuts.map((cut) => cut % bytes.length), bytes.length])].sort((a, b) => a - b)
  for (let i = 1; i < places.length; i++) {
    for await (const piece of decoder.push(bytes.slice(places[i - 1], places[i]))) pieces.push(piece)
  }
  for await (const piece of decoder.end()) pieces.push(piece)
  return { pieces, samples: concatenate(pieces.map(({ samples }) => samples)), noted: decoder.noted }
}

describe("the pieces of a recording are its decoded clip, however its bytes are cut", () => {
  for (const name of names) {
    test(name, async () => {
      const bytes = readGolden("recordings", name)
      const clip = await Effect.runPromise(decodeClip(bytes, { maxSeconds: 30 }))
      await fc.assert(
        fc.asyncProperty(fc.array(fc.nat(), { maxLength: 40 }), async (cuts) => {
          const { pieces, samples, noted } = await piecesOf(bytes, cuts)
          expect(noted).toEqual([])
          let start = 0
          for (const piece of pieces) {
            expect(piece.start).toBe(start)
            start += piece.samples.length
          }
          expect(resample(samples, pieces[0]!.rate, clip.sampleRate)).toEqual(clip.samples)
        }),
        { seed: 1, numRuns: 6 }
      )
    })
  }
})
