import { describe, expect, test } from "bun:test"
import { Effect } from "effect"
import { decodeClip } from "../../../src/sound/decode/decode.ts"
import { Ffmpeg } from "../../../src/sound/decode/ffmpeg.ts"
import {
  ascii,
  flac,
  flacParts,
  id3,
  id3v1,
  join,
  oggPage,
  sealPage,
  silentLayer2,
  silentMp3,
  splitOgg
} from "../../support/codedFiles.ts"
import { readGolden } from "../../support/vectors.ts"

const decode = async (bytes: Uint8Array): Promise<Float32Array> =>
  (await Effect.runPromise(decodeClip(bytes, { maxSeconds: 30 }))).samples

const reasonOf = async (bytes: Uint8Array): Promise<string> =>
  (await Effect.runPromise(Effect.flip(decodeClip(bytes, { maxSeconds: 30 })))).reason

const golden = (name: string): Uint8Array => readGolden("recordings", name)
const sine = (length: number): Array<number> => Array.from({ length }, (_, i) => Math.round(9000 * Math.sin(i / 5)))
const zeros = (length: number): Uint8Array => new Uint8Array(length)
const garbage = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 151 + (i >> 3)) & 255)
const apeTag = (): Uint8Array => join(ascii("APETAGEX"), Uint8Array.of(0xd0, 7, 0, 0, 32, 0, 0, 0), zeros(16))

/** The same with one byte changed. */
const flip = (bytes: Uint8Array, at: number): Uint8Array => {
  const changed = bytes.slice()
  changed[at] = changed[at]! ^ 0x55
  return changed
}

/** The same without some bytes. */
const without = (bytes: Uint8Array, at: number, length: number): Uint8Array =>
  join(bytes.subarray(0, at), bytes.subarray(at + length))

describe("FLAC", () => {
  const samples = sine(16_000)
  const plain = flac(samples)

  test("is the numbers that were encoded", async () => {
    const decoded = await decode(plain)
    expect(decoded.length).toBe(16_000)
    expect(Math.max(...decoded.map((x, i) => Math.abs(x - samples[i]! / 32_767)))).toBeLessThan(1e-6)
  })

  test("is read whole before tags and garbage, behind two tags, and with its length unknown", async () => {
    const expected = await decode(plain)
    const uncounted = flac(samples, { isCounted: false })
    const behind = [id3v1(), join(apeTag(), id3v1()), zeros(700)]
    for (const tail of behind) {
      for (const whole of [plain, uncounted]) expect(await decode(join(whole, tail))).toEqual(expected)
    }
    expect(await decode(join(plain, garbage(3000)))).toEqual(expected)
    expect(await decode(join(id3(300), id3(20), plain))).toEqual(expected)
    expect(await decode(uncounted)).toEqual(expected)
  })

  test("loses no frame wherever its frames lie", async () => {
    // A frame header of eight bytes across every piece that a reader may cut the file into.
    const { head, frames } = flacParts(samples, { padding: 0 })
    const start = head.length + frames[0]!.length + frames[1]!.length
    const expected = await decode(plain)
    for (let shift = 0; shift <= 10; shift++) {
      for (const isCounted of [true, false]) {
        const padding = 262_144 - start - shift
        expect(await decode(flac(samples, { padding, isCounted }))).toEqual(expected)
      }
    }
  })

  test("with a bad sector is damaged, whether or not its length is known", async () => {
    for (const isCounted of [true, false]) {
      const whole = flac(samples, { isCounted })
      const zeroed = whole.slice()
      zeroed.fill(0, 12_000, 16_096)
      expect(await reasonOf(zeroed)).toMatch(/^The file is damaged: the checksum of the FLAC frame at byte [\d,]+ does/)
      expect(await reasonOf(without(whole, 12_000, 4096))).toMatch(/^The file is damaged: /)
      expect(await reasonOf(flip(whole, 20_001))).toMatch(/^The file is damaged: the checksum of the FLAC frame/)
      expect(await reasonOf(whole.subarray(0, 30_000))).toMatch(/^The file is damaged or cut short: /)
    }
  })

  test("of bits that its decoder scales wrongly is named", async () => {
    const alone = (bits: number) =>
      Effect.runPromise(
        decodeClip(flac(samples, { bits }), { maxSeconds: 30 }).pipe(
          Effect.flip,
          Effect.provideService(Ffmpeg, undefined)
        )
      )
    const reason = (bits: number): string =>
      `The file is FLAC of ${bits} bits a sample, which is not read here: convert it to WAV or FLAC, or install ffmpeg.`
    for (const bits of [12, 15, 20]) expect((await alone(bits)).reason).toBe(reason(bits))
  })

  test("of before FLAC 1.2, whose frames differ in length by its head alone, is read whole", async () => {
    const old = await decode(flac(samples, { rate: 44_100, isOldVariable: true }))
    expect(old).toEqual(await decode(flac(samples, { rate: 44_100 })))
  })

  test("whose rate changes midway is refused", async () => {
    const faster = flacParts(samples, { rate: 16_000 }).frames.map((frame) => frame)
    const { head, frames } = flacParts(samples)
    // The rate's code within a frame header: 0 is the stream's, 9 is 44.1 kHz.
    const changed = flac(samples)
    expect(faster.length).toBe(frames.length)
    const at = head.length + frames[0]!.length
    changed[at + 2] = 0x79
    const { crc8, crc16 } = await import("../../../src/sound/decode/checksums.ts")
    changed[at + 7] = crc8(changed, at, at + 7)
    const end = at + frames[1]!.length
    const crc = crc16(changed, at, end - 2)
    changed.set([crc >> 8, crc & 255], end - 2)
    expect(await reasonOf(changed)).toBe("The file changes its sample rate from 16,000 to 44,100 Hz midway.")
  })
})

describe("Ogg", () => {
  for (const name of ["opus.opus", "vorbis_stereo.ogg", "ogg_flac.oga"]) {
    test(`${name} is damaged where a page is changed, lost or moved`, async () => {
      const whole = golden(name)
      const pages = splitOgg(whole)
      const sound = whole.length - pages.at(-1)!.length
      expect(await reasonOf(flip(whole, sound + 60))).toMatch(
        /the checksum of the Ogg page at byte [\d,]+ does not fit/
      )
      expect(await reasonOf(join(...pages.toSpliced(1, 1)))).toMatch(/^The file is damaged: Ogg pages are missing/)
      // What lies between whole pages is no sound; a page whose beginning is damaged is missing.
      const apart = join(...pages.flatMap((page) => [page, garbage(100)]))
      expect(await decode(apart)).toEqual(await decode(whole))
      const unmarked = pages.with(1, Uint8Array.from(pages[1]!).with(0, 0))
      expect(await reasonOf(join(...unmarked))).toMatch(/^The file is damaged: Ogg pages are missing/)
      expect(await reasonOf(whole.subarray(0, whole.length - 20))).toMatch(/cut short within its last Ogg page/)
    })

    test(`${name} without the mark of its end is read: its recorder was killed`, async () => {
      const pages = splitOgg(golden(name))
      const last = pages.at(-1)!
      last[5] = last[5]! & ~4
      const decoded = await decode(join(...pages.slice(0, -1), sealPage(last)))
      expect(decoded.length).toBeGreaterThanOrEqual((await decode(golden(name))).length)
    })

    test(`${name} twice, one stream behind the other, is both`, async () => {
      const once = await decode(golden(name))
      const again = splitOgg(golden(name)).map((page) => {
        new DataView(page.buffer).setUint32(14, 77, true)
        return sealPage(page)
      })
      const twice = await decode(join(golden(name), ...again))
      if (name === "ogg_flac.oga") expect(twice.length).toBeGreaterThanOrEqual(once.length)
      else expect(Math.abs(twice.length - 2 * once.length)).toBeLessThanOrEqual(2)
    })
  }

  test("packets that its decoder makes bursts of are damaged, though their checksums fit", async () => {
    const pages = splitOgg(golden("opus.opus"))
    const last = pages.at(-1)!
    const broken = Array.from({ length: 40 }, (_, i) => sealPage(flip(last, 60 + 37 * i)))
    for (const page of broken) {
      const outcome = await Effect.runPromise(
        decodeClip(join(...pages.slice(0, -1), page), { maxSeconds: 30 }).pipe(
          Effect.match({
            onFailure: ({ reason }) => reason.includes("damaged"),
            onSuccess: ({ samples }) => samples.every((x) => Math.abs(x) <= 2)
          })
        )
      )
      expect(outcome).toBe(true)
    }
  })

  test("of streams that share a number, one behind the other, holds both", async () => {
    const stream = golden("opus.opus")
    expect((await decode(join(stream, stream))).length).toBe(2 * (await decode(stream)).length)
  })

  test("other streams in the file are passed over", async () => {
    const [first, ...rest] = splitOgg(golden("opus.opus"))
    const skeleton = oggPage({ packets: [join(ascii("fishead\0"), zeros(56))], flags: 2, serial: 9 })
    const end = oggPage({ packets: [], flags: 4, serial: 9, sequence: 1 })
    expect(await decode(join(skeleton, first!, end, ...rest))).toEqual(await decode(golden("opus.opus")))
  })
})

describe("MP3", () => {
  const mp3 = golden("mp3_no_tags.mp3")

  test("is read behind tags, zeros and garbage, and before tags", async () => {
    const expected = await decode(mp3)
    const fronts = [join(id3(300), id3(20)), zeros(215), join(id3(100), zeros(999)), join(id3(100), garbage(184))]
    for (const front of fronts) expect(await decode(join(front, mp3))).toEqual(expected)
    for (const tail of [id3v1(), join(apeTag(), id3v1()), zeros(3000), garbage(300)]) {
      expect((await decode(join(mp3, tail))).length).toBe(expected.length)
    }
  })

  test("is read from the middle of a frame on, and with checksums in some frames", async () => {
    const sound = silentMp3(2)
    expect((await decode(sound.subarray(50))).length).toBeGreaterThan(31_000)
    const checked = sound.slice()
    for (let at = 104; at < checked.length; at += 104) checked[at + 1] = 0xfa
    expect((await decode(checked)).length).toBeGreaterThan(31_000)
  })

  test("whose rate changes midway is refused, whichever comes first", async () => {
    const [fast, slow] = [silentMp3(2), silentMp3(2, 22_050)]
    expect(await reasonOf(join(fast, slow))).toBe("The file changes its sample rate from 44,100 to 22,050 Hz midway.")
    expect(await reasonOf(join(slow, fast))).toBe("The file changes its sample rate from 22,050 to 44,100 Hz midway.")
    expect(await reasonOf(join(slow, id3(90), fast))).toMatch(/changes its sample rate/)
  })

  test("whose layer changes midway is refused", async () => {
    expect(await reasonOf(join(silentMp3(2), silentLayer2(2)))).toBe(
      "The file changes from MPEG layer III to MPEG layer II midway."
    )
  })

  test("with tags between its frames goes on behind them", async () => {
    const sound = silentMp3(2)
    expect((await decode(join(sound, id3v1(), id3(50), sound))).length).toBeGreaterThan(63_000)
  })

  test("with bytes missing is damaged", async () => {
    expect(await reasonOf(without(mp3, 800, 61))).toMatch(/^The file is damaged: \d+ bytes at byte [\d,]+ are/)
  })
})

describe("MP3 that cannot be told by its frames alone", () => {
  const frames = silentMp3(2)
  /** The first frame, with a header of Xing's that counts frames. */
  const counted = (count: number): Uint8Array => {
    const first = frames.slice(0, 104)
    first.set(join(ascii("Info"), Uint8Array.of(0, 0, 0, 1, 0, 0, 0, count)), 21)
    return join(first, frames)
  }

  test("has zeros instead of frames, which its count tells", async () => {
    const count = frames.length / 104
    const whole = counted(count)
    const from = 104 * 20
    expect((await decode(join(whole.subarray(0, from), zeros(50), whole.subarray(from)))).length).toBeGreaterThan(0)
    const zeroed = whole.slice().fill(0, from, from + 5 * 104)
    expect(await reasonOf(zeroed)).toBe("The file is damaged: zeros stand where 4 of its MPEG frames should be.")
  })

  test("of free format is named", async () => {
    const free = frames.map((byte, i) => (i % 104 === 2 ? byte & 15 : byte))
    expect(await reasonOf(free)).toMatch(/^The file is an MP3 of free format, .* convert it to WAV or FLAC\.$/)
  })
})

describe("MP4", () => {
  for (const name of ["aac.m4a", "alac.m4a"]) {
    test(`${name} is read with bytes behind it`, async () => {
      const whole = golden(name)
      for (const tail of [id3v1(), zeros(3000), garbage(200)]) {
        expect(await decode(join(whole, tail))).toEqual(await decode(whole))
      }
    })
  }

  test("of a coding that is not read is named", async () => {
    const coded = (name: string): Uint8Array => {
      const bytes = golden("aac.m4a").slice()
      bytes.set(ascii(name), Buffer.from(bytes).indexOf("mp4a"))
      return bytes
    }
    expect(await reasonOf(coded("Qclp"))).toBe(
      "The file is an MP4 file whose sound is coded as “Qclp”, which is not read here."
    )
    expect(await reasonOf(coded("enca"))).toBe("The file is an MP4 file protected by encryption.")
  })

  test("whose packets share bytes is refused before they are decoded", async () => {
    const bytes = golden("alac.m4a").slice()
    const at = Buffer.from(bytes).indexOf("stsz") + 8
    new DataView(bytes.buffer).setUint32(at, 0)
    const sizes = new DataView(bytes.buffer)
    sizes.setUint32(at + 8, 0)
    expect(await reasonOf(bytes)).toBe("The file is an MP4 file whose index contradicts itself.")
  })
})

test("WebM is damaged where bytes are zero", async () => {
  const bytes = golden("opus.webm").slice()
  bytes.fill(0, 1200, 1700)
  expect(await reasonOf(bytes)).toMatch(/^The file is damaged: /)
})

describe("what a decoder throws", () => {
  test("is never the reason", async () => {
    const head = golden("opus.opus")
    const pages = splitOgg(head)
    pages[0]![28 + 18] = 1
    expect(await reasonOf(join(sealPage(pages[0]!), ...pages.slice(1)))).toMatch(
      /^The file is damaged, or a kind of Ogg Opus not/
    )
  })
})

test("hours of silence in a small file take the memory of the seconds that are used", async () => {
  const program = `
    const { Effect } = await import("effect")
    const { decodeClip } = await import("./src/sound/decode/decode.ts")
    const files = await import("./test/support/codedFiles.ts")
    const silence = new Int16Array(6_000_000)
    const made = [
      files.flac(silence, { blockLength: 65_535, channels: 8 }),
      files.silentOpus(7200), files.silentOpus(600, 8), files.silentMp3(3600)
    ]
    Bun.gc(true)
    const before = process.resourceUsage().maxRSS
    for (const bytes of made) await Effect.runPromise(decodeClip(bytes, { maxSeconds: 30 }))
    console.log((process.resourceUsage().maxRSS - before) / 1024)
  `
  const child = Bun.spawn([process.execPath, "-e", program], { cwd: `${import.meta.dir}/../../..`, stderr: "inherit" })
  expect(Number(await new Response(child.stdout).text())).toBeLessThan(200)
  expect(await child.exited).toBe(0)
})
