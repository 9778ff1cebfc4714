import { describe, expect, test } from "bun:test"
import { FieldDecoder, type Piece } from "../../../src/sound/field/fieldDecoder.ts"
import { concatenate } from "../../../src/sound/floats.ts"
import { flac, flacParts, join } from "../../support/codedFiles.ts"
import { chunk, riff, wave, waveFormat } from "../../support/pcmFiles.ts"
import { noise } from "../../support/signals.ts"

const RATE = 16_000
const SECONDS = 20
const steps = Int16Array.from({ length: SECONDS * RATE }, (_, i) => 9000 * Math.sin(i / 7) * Math.sin(i / 10_007) + 3)
const bytesOf = (samples: Int16Array): Uint8Array => new Uint8Array(samples.slice().buffer)
const pcm = bytesOf(steps)
const format = chunk("fmt ", waveFormat())

/** Reads a file in parts, as it would come from a disk that holds `size` bytes of it by its listing. */
const readAll = async (bytes: Uint8Array, size = bytes.length) => {
  const decoder = new FieldDecoder(size)
  const pieces: Array<Piece> = []
  for (let at = 0; at < bytes.length; at += 50_001) {
    for await (const piece of decoder.push(bytes.slice(at, at + 50_001))) pieces.push(piece)
  }
  for await (const piece of decoder.end()) pieces.push(piece)
  return { pieces, samples: concatenate(pieces.map(({ samples }) => samples)), noted: decoder.noted }
}
const refusal = (bytes: Uint8Array): Promise<string> =>
  readAll(bytes).then(
    () => "read",
    ({ reason }) => reason
  )

/** Whether samples are those of the sound, from one on to another. */
const expectSound = (samples: Float32Array, from: number, to: number) => {
  let most = 0
  for (let i = from; i < to; i++) most = Math.max(most, Math.abs(samples[i]! - steps[i]! / 32_768))
  expect(most).toBeLessThan(1e-4)
}

describe("a WAV file that is not whole is read as far as it goes, and that is said", () => {
  const half = pcm.length / 2
  const cases: ReadonlyArray<readonly [name: string, file: Uint8Array, samples: number, noted: ReadonlyArray<string>]> =
    [
      [
        "cut short",
        wave(pcm).slice(0, 44 + half),
        half / 2,
        ["It is cut short: its header promises 640,000 bytes of sound, 320,000 are there."]
      ],
      [
        "cut within a sample",
        wave(pcm).slice(0, 44 + half + 1),
        half / 2,
        [
          "It is cut short: its header promises 640,000 bytes of sound, 320,001 are there.",
          "Its last sample is not whole, and left out."
        ]
      ],
      [
        "never finished: no size",
        riff([format, chunk("data", pcm, true, 0)], "RIFF", 0),
        pcm.length / 2,
        ["Its header was never finished: it says nothing of 640,000 bytes of sound."]
      ],
      [
        "never finished: the size of a stub",
        riff([format, chunk("data", pcm, true, 44)], "RIFF", 80),
        pcm.length / 2,
        ["It claims 44 bytes of sound, and 639,956 bytes follow: its recorder never finished the header."]
      ],
      [
        "a size that counts the header",
        riff([format, chunk("data", pcm, true, pcm.length + 44)], "RIFF", pcm.length + 36),
        pcm.length / 2,
        ["Its header promises 44 bytes of sound too many, as it counts itself."]
      ],
      ["of a program that streamed", riff([format, chunk("data", pcm, true, 0xffff_ffff)]), pcm.length / 2, []]
    ]
  for (const [name, file, samples, noted] of cases) {
    test(name, async () => {
      const found = await readAll(file)
      expect(found.noted).toEqual(noted)
      expect(found.samples.length).toBe(samples)
      expectSound(found.samples, 0, samples)
    })
  }

  test("space set aside and never written, which is marked as empty", async () => {
    const found = await readAll(wave(join(pcm, new Uint8Array(2 * 15 * RATE))))
    expect(found.noted).toEqual([
      "From 0:20 on it holds nothing but zeros, as it does where a recorder that had set the space aside was cut off."
    ])
    expect(found.samples.length).toBe((SECONDS + 15) * RATE)
    expect(found.pieces.at(-1)!.isEmpty).toBe(true)
    expect(found.pieces[0]!.isEmpty).toBe(false)
  })

  test("that ends before its listed size", async () => {
    const file = wave(pcm)
    const found = await readAll(file.slice(0, 44 + half), file.length)
    expect(found.noted).toEqual(["Its header promises 0:20 of sound, 0:10 are there."])
    expect(found.samples.length).toBe(half / 2)
  })

  test("whose floats are no numbers here and there", async () => {
    const floats = Float32Array.from(steps, (step, i) => (i % 1000 === 500 ? Number.NaN : step / 32_768))
    const found = await readAll(wave(new Uint8Array(floats.buffer), { coding: 3, bits: 32 }))
    expect(found.noted).toEqual(["320 of its samples are not numbers; zeros stand for them."])
    expect([found.samples[500], found.samples[501]]).toEqual([0, floats[501]!])
  })
})

describe("a file without any sound is refused, and why", () => {
  const cases: ReadonlyArray<readonly [string, Uint8Array, string]> = [
    ["nothing", new Uint8Array(0), "The file is empty."],
    [
      "a stub",
      riff([format, chunk("data", new Uint8Array(0))]),
      "It is a WAV file without sound: its data chunk is empty."
    ],
    ["a header", riff([format]), "The file is a WAV file without a data chunk, or cut short before it."],
    [
      "zeros",
      new Uint8Array(200_000),
      "The file holds zeros only, as a card or a transfer that failed leaves them: copy it again from where it was recorded."
    ],
    [
      "WMA",
      join(Uint8Array.of(0x30, 0x26, 0xb2, 0x75, 0x8e, 0x66, 0xcf, 0x11), new Uint8Array(100)),
      "The file is Windows Media audio (WMA, ASF), which is not read here: convert it to WAV or FLAC."
    ]
  ]
  for (const [name, file, reason] of cases) test(name, async () => expect(await refusal(file)).toBe(reason))
})

describe("a FLAC file", () => {
  const { head, frames } = flacParts(steps)
  const damaged = (frame: Uint8Array) => frame.map((byte, i) => (i > 100 && i < 200 ? 0x55 : byte))

  test("with a damaged sector goes on behind it, at its time", async () => {
    const file = join(head, ...frames.slice(0, 50), damaged(frames[50]!), ...frames.slice(51))
    const found = await readAll(file)
    expect(found.samples.length).toBe(steps.length)
    expectSound(found.samples, 0, 50 * 1600)
    expectSound(found.samples, 51 * 1600, steps.length)
    expect(found.samples.subarray(50 * 1600, 51 * 1600).every((sample) => sample === 0)).toBe(true)
    expect(found.noted).toEqual(["It is damaged at 0:05; silence stands for the 0:00.1 that are lost."])
  })

  test("of which bytes are gone at two places", async () => {
    const file = join(
      head,
      ...frames.slice(0, 50),
      ...frames.slice(60, 100).map((it, i) => (i === 20 ? it.slice(0, 500) : it)),
      ...frames.slice(100)
    )
    const found = await readAll(file)
    expect(found.samples.length).toBe(steps.length)
    expectSound(found.samples, 0, 50 * 1600)
    expectSound(found.samples, 60 * 1600, 80 * 1600)
    expectSound(found.samples, 81 * 1600, steps.length)
    expect(found.noted).toEqual([
      "It is damaged at 2 places, the first at 0:05; silence stands for the 0:01.1 that are lost."
    ])
  })

  test("cut short", async () => {
    const whole = flac(steps)
    const found = await readAll(whole.slice(0, Math.floor(whole.length * 0.498)))
    expect(found.samples.length).toBe(99 * 1600)
    expectSound(found.samples, 0, found.samples.length)
    expect(found.noted).toEqual([
      "From 0:09.9 on it is not read: it is damaged or cut short: a FLAC frame is not whole."
    ])
  })

  test("that promises twice what it holds", async () => {
    const found = await readAll(join(flacParts(new Int16Array(2 * steps.length), {}).head, ...frames))
    expect(found.samples.length).toBe(steps.length)
    expect(found.noted).toEqual(["Its header promises 0:40 of sound, 0:20 are there."])
  })
})

describe("channels that cancel each other out", () => {
  const LENGTH = 70 * RATE
  const hiss = Float32Array.from({ length: LENGTH }, noise(1))
  /** Stereo: a voice of both signs in the channels from a second on, and the same hiss in both before. */
  const stereo = (from: number) => {
    const both = new Int16Array(2 * LENGTH)
    for (let i = 0; i < LENGTH; i++) {
      const sample = 9000 * hiss[i]!
      both[2 * i] = sample
      both[2 * i + 1] = i < from * RATE ? sample : -sample
    }
    return wave(bytesOf(both), { channels: 2 })
  }

  test("are told 30 s at a time: from then on one of them is used", async () => {
    const found = await readAll(stereo(31))
    expect(found.noted).toEqual(["Its channels cancel each other out from 0:30.7 on, so channel 1 is used alone."])
    expect(found.samples.length).toBe(LENGTH)
    expect(found.samples[65 * RATE]).toBeCloseTo((9000 * hiss[65 * RATE]!) / 32_768, 3)
  })

  test("from the start", async () => {
    const found = await readAll(stereo(0))
    expect(found.noted).toEqual(["Its channels cancel each other out, so channel 1 is used alone."])
    expect(found.samples[RATE]).toBeCloseTo((9000 * hiss[RATE]!) / 32_768, 3)
  })
})
