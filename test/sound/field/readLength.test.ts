import { describe, expect, test } from "bun:test"
import { Effect } from "effect"
import { readSpan } from "../../../src/sound/field/readField.ts"
import { readLength } from "../../../src/sound/field/readLength.ts"
import { flac, join, silentMp3, silentOpus } from "../../support/codedFiles.ts"
import { readGolden } from "../../support/vectors.ts"

/** What is told of a file, and how much of it is read for that. */
const lengthOf = async (bytes: Uint8Array) => {
  let read = 0
  const seconds = await Effect.runPromise(
    readLength((from, to) => {
      read += to - from
      return Effect.succeed(bytes.slice(from, to))
    }, bytes.length)
  )
  return { seconds, read }
}

describe("how long a recording is", () => {
  const files = [
    "wav_16.wav",
    "flac_16_stereo.flac",
    "mp3_stereo.mp3",
    "vorbis_stereo.ogg",
    "opus.opus",
    "ogg_flac.oga"
  ]
  for (const file of files) {
    test(`is told of ${file} as it is decoded`, async () => {
      const bytes = readGolden("recordings", file)
      const read = (from: number, to: number) => Effect.succeed(bytes.slice(from, to))
      const { samples, rate } = await Effect.runPromise(readSpan(read, bytes.length, { from: 0, to: 1000 }))
      // But for what a coder adds at both ends.
      expect(Math.abs((await lengthOf(bytes)).seconds! - samples.length / rate)).toBeLessThan(0.08)
    })
  }

  test("is told of long compressed ones from their ends alone", async () => {
    const opus = silentOpus(4000)
    const { seconds, read } = await lengthOf(opus)
    expect(seconds).toBeCloseTo(4000, 0)
    expect(read).toBeLessThan(140_000)
    const samples = Int32Array.from({ length: 96_000 }, (_, i) => ((i * 37) % 101) - 50)
    expect((await lengthOf(flac(samples, { rate: 8000 }))).seconds).toBe(12)
  })

  test("is not told where files were joined, or nothing counts what there is", async () => {
    const [ogg, opus, mp3] = ["vorbis_stereo.ogg", "opus.opus", "mp3_stereo.mp3"].map((name) =>
      readGolden("recordings", name)
    ) as [Uint8Array, Uint8Array, Uint8Array]
    const many = Array.from({ length: 40 }, () => mp3)
    for (const joined of [
      join(ogg, ogg, ogg),
      join(ogg, opus),
      join(...many),
      silentMp3(60),
      readGolden("recordings", "opus.webm")
    ]) {
      expect((await lengthOf(joined)).seconds).toBeUndefined()
    }
  })
})
