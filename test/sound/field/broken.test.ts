import { describe, expect, test } from "bun:test"
import { Feed } from "../../../src/sound/decode/feed.ts"
import { openFeed } from "../../../src/sound/decode/openContainer.ts"
import { FieldDecoder, type Piece } from "../../../src/sound/field/fieldDecoder.ts"
import { concatenate } from "../../../src/sound/floats.ts"
import {
  flac,
  flacParts,
  join,
  oggPage,
  sealPage,
  silentLayer2,
  silentMp3,
  splitOgg
} from "../../support/codedFiles.ts"
import { chunk, riff, wave, waveFormat } from "../../support/pcmFiles.ts"
import { noise } from "../../support/signals.ts"
import { readGolden } from "../../support/vectors.ts"

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

  test("whose floats are no numbers at all, or too large for any: it is refused, as a clip is", async () => {
    const none = Float32Array.from(steps, (_, i) => (i === 7 ? 0.5 : Number.NaN))
    const refusal = {
      reason: expect.stringMatching(/^The file holds samples that are not numbers \([\d,]+ of 320,000\)\.$/)
    }
    await expect(readAll(wave(new Uint8Array(none.buffer), { coding: 3, bits: 32 }))).rejects.toMatchObject(refusal)
    const huge = Float64Array.from(steps, () => 1e300)
    await expect(readAll(wave(new Uint8Array(huge.buffer), { coding: 3, bits: 64 }))).rejects.toMatchObject(refusal)
  })

  test("whose floats are no numbers here and there", async () => {
    const floats = Float32Array.from(steps, (step, i) => (i % 1000 === 500 ? Number.NaN : step / 32_768))
    const found = await readAll(wave(new Uint8Array(floats.buffer), { coding: 3, bits: 32 }))
    expect(found.noted).toEqual(["320 of its samples are not numbers; zeros stand for them."])
    expect([found.samples[500], found.samples[501]]).toEqual([0, floats[501]!])
  })

  test("whose floats are absurd here and there", async () => {
    const floats = Float32Array.from(steps, (step, i) => (i % 40_000 === 500 ? 3e9 : step / 32_768))
    const found = await readAll(wave(new Uint8Array(floats.buffer), { coding: 3, bits: 32 }))
    expect(found.noted).toEqual(["8 of its samples are over 1,000 times as loud as full scale; zeros stand for them."])
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

describe("an MP3", () => {
  const FRAME = 104
  const frames = silentMp3(8)
  const from = 150 * FRAME
  const damaged = (fill: number, count: number) => frames.slice().fill(fill, from + 1, from + 1 + count * FRAME - 2)

  test("with bytes that are none of its own, or zeros, goes on behind them, at its time", async () => {
    const right = await readAll(frames)
    for (const fill of [0x55, 0]) {
      const found = await readAll(damaged(fill, 20))
      expect(Math.abs(found.samples.length - right.samples.length)).toBeLessThanOrEqual(2 * 1152)
      expect(found.noted).toEqual(["It is damaged at 0:03.9; silence stands for the 0:00.5 that are lost."])
    }
  })

  test("behind megabytes of something else", async () => {
    const found = await readAll(join(frames, new Uint8Array(3 << 20).fill(0x55), frames))
    expect(found.noted[0]).toMatch(/^It is damaged at 0:08; silence stands for the 13:1[\d.]+ that are lost\.$/)
  })

  test("cut short, and without a word of how long it was", async () => {
    const found = await readAll(frames.slice(0, (frames.length >> 1) - 50))
    expect(found.samples.length).toBeGreaterThan(3.9 * 44_100)
    expect(found.noted).toEqual([])
  })

  test("whose rate changes midway is read up to there", async () => {
    const found = await readAll(join(frames, silentMp3(2, 22_050)))
    expect(found.noted).toEqual([
      "From 0:08 on it is not read: it changes its sample rate from 44,100 to 22,050 Hz midway."
    ])
  })

  test("whose layer changes midway is read up to there", async () => {
    const found = await readAll(join(frames, silentLayer2(2)))
    expect(found.noted).toEqual([
      "From 0:08 on it is not read: it changes from MPEG layer III to MPEG layer II midway."
    ])
  })
})

test("a WAV file of more bytes than its size of 32 bits can tell has all of them", () => {
  for (const size of [0xffff_ffff, 1000]) {
    const feed = Feed.growing(8e9)
    const head = riff([format, chunk("data", new Uint8Array(70_000), true, size)])
    feed.push(head)
    expect(openFeed(feed)).toMatchObject({ success: { begin: 44, length: 8e9 - 44 } })
  }
})

describe("an Ogg file", () => {
  const headOf = (pages: ReadonlyArray<Uint8Array>) => pages.slice(0, 2)
  const packetsOf = (page: Uint8Array) => {
    const table = page.subarray(27, 27 + page[26]!)
    let at = 27 + table.length
    const packets: Array<Uint8Array> = []
    for (let from = at, i = 0; i < table.length; i++) {
      at += table[i]!
      if (table[i] === 255) continue
      packets.push(page.slice(from, at))
      from = at
    }
    return packets
  }
  /** A recording in pages of two packets each, each with the sample at which it ends; the last ones are silence. */
  const opus = () => {
    const pages = splitOgg(readGolden("recordings", "opus.opus"))
    const packets = [...packetsOf(pages[2]!).slice(0, -1), ...Array(60).fill(Uint8Array.of(0xf8, 0xff, 0xfe))]
    const sound = Array.from({ length: packets.length / 2 }, (_, i) =>
      oggPage({
        packets: packets.slice(2 * i, 2 * i + 2),
        serial: new DataView(pages[0]!.buffer).getUint32(14, true),
        sequence: 2 + i,
        granule: 2 * (i + 1) * 960
      })
    )
    return { head: headOf(pages), sound }
  }
  const { head, sound } = opus()
  const page = 2 * 960

  test("of which a page is damaged or gone goes on behind it, at its time", async () => {
    const whole = await readAll(join(...head, ...sound))
    expect(whole.noted).toEqual([])
    for (const at of [1, 2, 10]) {
      const begin = Math.max(0, at * page - 312)
      const broken = sound.map((it, i) => (i === at ? it.map((byte, place) => (place > 29 ? 0x55 : byte)) : it))
      for (const file of [join(...head, ...broken), join(...head, ...sound.toSpliced(at, 1))]) {
        const found = await readAll(file)
        expect(found.samples.length).toBe(whole.samples.length)
        expect(found.samples.subarray(0, begin)).toEqual(whole.samples.subarray(0, begin))
        expect(found.samples.subarray(begin, begin + page).every((sample) => sample === 0)).toBe(true)
        expect(found.noted).toEqual([
          expect.stringMatching(/^It is damaged at 0:00(\.\d)?; silence stands for the 0:00(\.0)?/)
        ])
      }
    }
  })

  test("of which the beginning of a stream is damaged is refused, or read up to there", async () => {
    const [first, tags] = head
    expect(
      await refusal(
        join(
          first!,
          tags!.map((byte) => byte ^ 1),
          ...sound
        )
      )
    ).toBe("The file is damaged: the beginning of its Ogg stream is not whole.")
    const other = [...head, ...sound].map((it) => {
      const copy = it.slice()
      new DataView(copy.buffer).setUint32(14, 99, true)
      return sealPage(copy)
    })
    const found = await readAll(join(...head, ...sound, ...other.slice(1)))
    expect(found.noted).toEqual([
      expect.stringMatching(/^The beginning of the Ogg stream at byte [\d,]+ is lost, so it is not read\.$/)
    ])
  })

  test("that is cut short within a page, or whose pages jump by years, is read as far as it goes", async () => {
    const file = join(...head, ...sound)
    const cut = await readAll(file.slice(0, -5))
    expect(cut.noted).toEqual([expect.stringMatching(/^Its last \d+ bytes are no whole Ogg page\.$/)])
    expect(cut.samples.length).toBe((sound.length - 1) * page - 312)
    const far = sound.slice(5).map((it) => {
      const copy = it.slice()
      const data = new DataView(copy.buffer)
      data.setBigInt64(6, data.getBigInt64(6, true) + 10n ** 14n, true)
      data.setUint32(18, data.getUint32(18, true) + 10 ** 9, true)
      return sealPage(copy)
    })
    const jumped = await readAll(join(...head, ...sound.slice(0, 5), ...far))
    expect(jumped.samples.length).toBe(sound.length * page - 312)
    expect(jumped.noted).toHaveLength(1)
  })
})

for (const name of ["vorbis_stereo.ogg", "ogg_flac.oga"]) {
  test(`${name} of which a stream in the middle loses pages goes on at its time`, async () => {
    const pages = splitOgg(readGolden("recordings", name))
    const [first, ...rest] = pages
    const last = rest.at(-1)!
    const { length } = (await readAll(join(...pages))).samples
    // The same sound a minute later: what lies between is lost.
    const later = last.slice()
    const data = new DataView(later.buffer)
    const rate = name.endsWith("oga") ? 16_000 : 0
    data.setBigInt64(6, data.getBigInt64(6, true) + BigInt(60 * (rate || 16_000)), true)
    data.setUint32(18, data.getUint32(18, true) + 100, true)
    const open = last.slice()
    open[5] = 0
    const found = await readAll(join(first!, ...rest.slice(0, -1), sealPage(open), sealPage(later)))
    expect(found.noted).toHaveLength(1)
    expect(Math.abs(found.samples.length - length - 60 * 16_000)).toBeLessThan(4096)
  })
}
