import { describe, expect, test } from "bun:test"
import { Effect } from "effect"
import { boxes, shiftOffsets } from "../../../src/sound/decode/mp4Boxes.ts"
import { FieldDecoder } from "../../../src/sound/field/fieldDecoder.ts"
import { readIndex } from "../../../src/sound/field/mp4Index.ts"
import { readSpan } from "../../../src/sound/field/readField.ts"
import { concatenate } from "../../../src/sound/floats.ts"
import { encodeWav } from "../../../src/sound/wav.ts"
import { ascii, join } from "../../support/codedFiles.ts"
import { readGolden } from "../../support/vectors.ts"

const ffmpeg = Bun.which("ffmpeg")

const BLOCK = 500

/** The same file, its index in front of its sound. */
const indexFirst = (bytes: Uint8Array): Uint8Array => {
  const top = [...boxes(bytes, 0, bytes.length)]
  const [index, sound] = ["moov", "mdat"].map((name) => top.find(({ type }) => type === name)!)
  const moved = bytes.slice(index!.start, index!.end)
  shiftOffsets(moved, moved.length, index!.start)
  return join(bytes.subarray(0, sound!.start), moved, bytes.subarray(sound!.start, index!.start))
}

/** Decodes a file as it comes, in order, and says with how many of its bytes there was sound. */
const decode = async (bytes: Uint8Array, whole = false) => {
  const read = (from: number, to: number) => Effect.succeed(bytes.slice(from, to))
  const index = await Effect.runPromise(readIndex(read, bytes.length, bytes.slice(0, BLOCK)))
  const decoder = new FieldDecoder(bytes.length, 0, bytes.length, whole ? undefined : index)
  const found: Array<Float32Array> = []
  let begun: number | undefined
  for (let at = 0; at < bytes.length; at += BLOCK) {
    for await (const { samples } of decoder.push(bytes.slice(at, at + BLOCK))) found.push(samples)
    if (found.length > 0) begun ??= at + BLOCK
  }
  for await (const { samples } of decoder.end()) found.push(samples)
  return { samples: concatenate(found), begun: begun ?? bytes.length, index, noted: decoder.noted }
}

describe("an MP4 file", () => {
  for (const name of ["aac.m4a", "alac.m4a"]) {
    const file = readGolden("recordings", name)
    for (const [place, bytes] of [
      ["behind", file],
      ["in front of", indexFirst(file)]
    ] as const) {
      test(`of ${name.split(".")[0]}, its index ${place} its sound, is decoded as it comes to the same samples`, async () => {
        const { samples, noted, index } = await decode(bytes)
        expect(index).toBeDefined()
        expect(noted).toEqual([])
        expect(samples).toEqual((await decode(bytes, true)).samples)
        const read = (from: number, to: number) => Effect.succeed(bytes.slice(from, to))
        expect((await Effect.runPromise(readSpan(read, bytes.length, { from: 0, to: 60 }))).samples).toEqual(samples)
      })
    }
  }

  test("that is cut short behind its index is read up to its last whole packet", async () => {
    const file = indexFirst(readGolden("recordings", "aac.m4a"))
    const { samples } = await decode(file)
    const cut = await decode(file.slice(0, -Math.floor(file.length / 3)))
    expect(cut.samples.length).toBeGreaterThan(0.2 * samples.length)
    expect(cut.samples.length).toBeLessThan(0.9 * samples.length)
    expect(cut.samples).toEqual(samples.subarray(0, cut.samples.length))
    expect(cut.noted).toHaveLength(1)
    expect(cut.noted[0]).toMatch(/^It is cut short: its header promises [\d,]+ bytes, [\d,]+ are there\.$/)
    // One packet holds all of it.
    const whole = indexFirst(readGolden("recordings", "alac.m4a"))
    await expect(decode(whole.slice(0, -10))).rejects.toMatchObject({
      reason: expect.stringMatching(/^The file is cut short: /)
    })
  })

  test("that says less than it is, or has fragments or no index, is read whole, and refused in words", async () => {
    const file = readGolden("recordings", "aac.m4a")
    const renamed = file.slice()
    renamed.set(ascii("free"), Buffer.from(file).indexOf("moov"))
    const { index } = await decode(file)
    expect(index!.at).toBe(Buffer.from(file).indexOf("moov") - 4)
    await expect(decode(renamed)).rejects.toMatchObject({
      reason: "The file is an MP4 file without an index, as a broken-off recording leaves it."
    })
    const cut = file.slice(0, -100)
    const read = (from: number, to: number) => Effect.succeed(cut.slice(from, to))
    expect(await Effect.runPromise(readIndex(read, cut.length, cut.slice(0, BLOCK)))).toBeUndefined()
  })
})

describe.skipIf(ffmpeg === null)("an MP4 file in fragments (made by ffmpeg, where there is one)", () => {
  /** Five seconds of a tone in fragments of one, as cameras and recorders write them. */
  const fragmented = async () => {
    const samples = Float32Array.from({ length: 80_000 }, (_, i) => 0.3 * Math.sin(i / 9))
    const args = "-v error -f wav -i - -c:a aac -movflags frag_keyframe+empty_moov -frag_duration 1000000 -f mp4 -"
    const made = Bun.spawn([ffmpeg!, ...args.split(" ")], { stdin: "pipe", stdout: "pipe" })
    made.stdin.write(encodeWav({ samples, sampleRate: 16_000 }).bytes)
    await made.stdin.end()
    return new Uint8Array(await new Response(made.stdout).arrayBuffer())
  }

  test("that is cut short is read up to its last whole fragment", async () => {
    const file = await fragmented()
    const whole = await decode(file)
    expect(whole.noted).toEqual([])
    const top = [...boxes(file, 0, file.length)]
    const third = top.filter(({ type }) => type === "moof")[2]!
    const sound = top.find(({ type, start }) => type === "mdat" && start > third.start)!
    for (const end of [sound.end - 10, sound.start + 8, third.end, third.end - 3, third.start + 20]) {
      const { samples, noted } = await decode(file.slice(0, end))
      expect(samples.length).toBeGreaterThan(1.9 * 16_000)
      expect(samples).toEqual(whole.samples.subarray(0, samples.length))
      expect(noted).toHaveLength(1)
      expect(noted[0]).toMatch(
        end === third.end
          ? "It is cut short: the sound of its last fragment is missing."
          : /^It is cut short: its header promises [\d,]+ bytes, [\d,]+ are there\.$/
      )
    }
    // Of the first fragment alone nothing is whole.
    const first = top.find(({ type }) => type === "moof")!
    await expect(decode(file.slice(0, first.end + 50))).rejects.toMatchObject({
      reason: expect.stringMatching(/^The file is cut short: /)
    })
  })
})
