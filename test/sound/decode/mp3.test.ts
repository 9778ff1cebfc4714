import { expect, spyOn, test } from "bun:test"
import audioDecode from "audio-decode"
import { makeMp3Decoder } from "../../../src/sound/decode/mp3.ts"
import { seededRandom } from "../../../src/sound/random.ts"
import { readGolden } from "../../support/vectors.ts"

type Decoder = Awaited<ReturnType<typeof makeMp3Decoder>>
const library = (audioDecode as unknown as { readonly mp3: () => Promise<Decoder> }).mp3

const streams = ["mp3_no_tags.mp3", "mp3_stereo.mp3"].map((name) => readGolden("recordings", name))

/** With a tenth of a percent of its bytes changed. */
const damaged = (bytes: Uint8Array, seed: number): Uint8Array => {
  const random = seededRandom(seed)
  return bytes.map((byte) => (random() < 0.001 ? Math.floor(random() * 256) : byte))
}

const decodeBy = async (make: () => Promise<Decoder>, bytes: Uint8Array) => {
  const decoder = await make()
  try {
    const { channelData, sampleRate } = await decoder(bytes)
    return { channelData: channelData.map((channel) => channel.slice()), sampleRate }
  } finally {
    decoder.free()
  }
}

test("what an instance has decoded before, damaged or not, leaves nothing behind", async () => {
  using _quiet = spyOn(console, "error").mockImplementation(() => {})
  const random = seededRandom(1)
  for (let turn = 0; turn < 30; turn++) {
    const whole = streams[Math.floor(random() * streams.length)]!
    const bytes = random() < 0.5 ? damaged(whole, turn) : whole
    expect(await decodeBy(makeMp3Decoder, bytes)).toEqual(await decodeBy(library, bytes))
  }
})

test("two are decoded at once", async () => {
  const [left, right] = await Promise.all(streams.map((bytes) => decodeBy(makeMp3Decoder, bytes)))
  expect([left, right]).toEqual(await Promise.all(streams.map((bytes) => decodeBy(library, bytes))))
  const piecewise = await makeMp3Decoder()
  const between = await makeMp3Decoder()
  const parts = []
  for (let at = 0; at < streams[0]!.length; at += 5000) {
    parts.push(...(await piecewise(streams[0]!.subarray(at, at + 5000))).channelData[0]!)
    await between(streams[1]!.subarray(at, at + 5000))
  }
  piecewise.free()
  between.free()
  expect(Float32Array.from(parts)).toEqual(left!.channelData[0]!)
})
