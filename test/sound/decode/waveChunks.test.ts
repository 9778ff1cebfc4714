import { expect, test } from "bun:test"
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { Effect, Result } from "effect"
import { decodeClip } from "../../../src/sound/decode/decode.ts"
import { FieldDecoder } from "../../../src/sound/field/fieldDecoder.ts"
import { readLength } from "../../../src/sound/field/readLength.ts"
import { concatenate as floats } from "../../../src/sound/floats.ts"
import { ascii, chunk, concatenate, encode, u16, u32, u64 } from "../../support/pcmFiles.ts"

const RATE = 16_000
const SECOND = encode(
  Float32Array.from({ length: RATE }, (_, i) => 0.3 * Math.sin(0.1 * i)),
  { kind: "integer", bits: 16, bytes: 2 }
)
const FORMAT = chunk("fmt ", concatenate(u16(1), u16(1), u32(RATE), u32(2 * RATE), u16(2), u16(16)))
const DATA = chunk("data", SECOND)
const EMPTY = chunk("data", new Uint8Array(0))
const LIST = chunk("LIST", ascii("INFOISFT\x04\0\0\0abc\0"))
const TAG = concatenate(ascii("ID3\x04\0\0"), Uint8Array.of(0, 0, 1, 0), new Uint8Array(128))

const riff = (...chunks: ReadonlyArray<Uint8Array>) => {
  const body = concatenate(...chunks)
  return concatenate(ascii("RIFF"), u32(body.length + 4), ascii("WAVE"), body)
}
const rf64 = (size: bigint | number) => {
  const sizes = chunk("ds64", concatenate(u64(Number(size)), u64(Number(size)), u64(RATE), u32(0)))
  const unknown = u32(0xffff_ffff)
  return concatenate(ascii("RF64"), unknown, ascii("WAVE"), sizes, FORMAT, ascii("data"), unknown, SECOND)
}

const asClip = (bytes: Uint8Array) =>
  Effect.runPromise(Effect.result(decodeClip(bytes, { maxSeconds: 30, sampleRate: RATE })))

/** All of it, as it comes in small pieces. */
const asField = async (bytes: Uint8Array) => {
  const decoder = new FieldDecoder(bytes.length)
  const parts: Array<Float32Array> = []
  for (let at = 0; at < bytes.length; at += 1000) {
    for await (const { samples } of decoder.push(bytes.subarray(at, at + 1000))) parts.push(samples)
  }
  for await (const { samples } of decoder.end()) parts.push(samples)
  return floats(parts)
}
const secondsOf = (bytes: Uint8Array) =>
  Effect.runPromise(readLength((from, to) => Effect.succeed(bytes.subarray(from, to)), bytes.length))

const plain = riff(FORMAT, DATA)

test.each([
  ["an empty data chunk in front of the sound", riff(FORMAT, EMPTY, DATA)],
  ["an empty data chunk and another in front of it", riff(FORMAT, EMPTY, LIST, DATA)],
  ["an empty data chunk behind it", riff(FORMAT, DATA, EMPTY)],
  ["its format behind the sound", riff(DATA, FORMAT)],
  ["its format behind the sound and another chunk", riff(DATA, LIST, FORMAT)],
  ["a size of 2^62 in its ds64 chunk", rf64(2n ** 62n)],
  ["the right size in its ds64 chunk", rf64(SECOND.length)],
  ["an ID3v2 tag in front", concatenate(TAG, plain)]
])("a WAV file with %s is read as without, as a clip and as a field recording", async (_, bytes) => {
  const whole = Result.getOrThrow(await asClip(plain)).samples
  expect(whole).toHaveLength(RATE)
  expect(Result.getOrThrow(await asClip(bytes)).samples).toEqual(whole)
  expect(await asField(bytes)).toEqual(await asField(plain))
  expect(await secondsOf(bytes)).toBe(1)
})

test("of two data chunks that hold sound the first is read, as by ffmpeg", async () => {
  const half = SECOND.length / 2
  const halves = riff(FORMAT, chunk("data", SECOND.subarray(0, half)), LIST, chunk("data", SECOND.subarray(half)))
  expect(Result.getOrThrow(await asClip(halves)).samples).toHaveLength(RATE / 2)
  expect(await asField(halves)).toHaveLength(RATE / 2)
})

test.each([
  ["only an empty data chunk", riff(FORMAT, EMPTY, LIST), /without sound: its data chunk is empty\.$/],
  ["no data chunk", riff(FORMAT, LIST), /without a data chunk, or cut short before it\.$/],
  ["no format anywhere", riff(DATA, LIST), /does not say its sample format\.$/]
])("a WAV file with %s is refused in a sentence, both ways", async (_, bytes, said) => {
  expect(Result.getOrThrow(Result.flip(await asClip(bytes))).reason).toMatch(said)
  expect(await asField(bytes).catch(({ reason }) => reason)).toMatch(said)
})

test.each(["vorbis_stereo.ogg", "opus.opus", "ogg_flac.oga"])(
  "%s behind an ID3v2 tag is read as without",
  async (name) => {
    const bytes = new Uint8Array(await readFile(join(import.meta.dir, "../../golden/recordings", name)))
    const tagged = concatenate(TAG, bytes)
    expect(Result.getOrThrow(await asClip(tagged)).samples).toEqual(Result.getOrThrow(await asClip(bytes)).samples)
    expect(await asField(tagged)).toEqual(await asField(bytes))
    expect(await secondsOf(tagged)).toBe((await secondsOf(bytes))!)
  }
)

test.each([
  ["a WAV file", riff(FORMAT, concatenate(ascii("data"), u32(2 ** 30), SECOND))],
  ["an RF64 file", rf64(1n << 40n)]
])("%s whose size is far too large is read as far as it goes, and that is said, both ways", async (_, bytes) => {
  const clip = Result.getOrThrow(await asClip(bytes))
  expect(clip.samples).toEqual(Result.getOrThrow(await asClip(plain)).samples)
  const said = /^It is cut short: its header promises [0-9,]+ bytes of sound, 32,000 are there\.$/
  expect(clip.notes).toEqual([expect.stringMatching(said)])
  const decoder = new FieldDecoder(bytes.length)
  const pieces: Array<Float32Array> = []
  for await (const { samples } of decoder.push(bytes)) pieces.push(samples)
  for await (const { samples } of decoder.end()) pieces.push(samples)
  expect(floats(pieces)).toEqual(await asField(plain))
  expect(decoder.noted).toEqual([...clip.notes])
  expect(await secondsOf(bytes)).toBe(1)
})

test("a WAV file that has lost nearly all of its sound is a clip that is cut, and refused", async () => {
  const bytes = riff(FORMAT, concatenate(ascii("data"), u32(40 * SECOND.length), SECOND))
  expect(Result.isFailure(await asClip(bytes))).toBe(true)
})
