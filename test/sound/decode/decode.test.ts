import { describe, expect, test } from "bun:test"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { Effect, Result } from "effect"
import fc from "fast-check"
import { decodeClip } from "../../../src/sound/decode/decode.ts"
import { openContainer } from "../../../src/sound/decode/openContainer.ts"
import { needsRecordings, recordingsFolder } from "../../support/fixtures.ts"
import { readGolden, readVector, signalToNoise } from "../../support/vectors.ts"

const decode = async (bytes: Uint8Array, maxSeconds = 30): Promise<Float32Array> =>
  (await Effect.runPromise(decodeClip(bytes, { maxSeconds }))).samples

const reasonOf = async (bytes: Uint8Array): Promise<string> =>
  (await Effect.runPromise(Effect.flip(decodeClip(bytes, { maxSeconds: 30 })))).reason

const ascii = (text: string): Uint8Array => Uint8Array.from(text, (letter) => letter.charCodeAt(0))

const concatenate = (...parts: ReadonlyArray<Uint8Array>): Uint8Array => Uint8Array.from(Buffer.concat(parts))

const chunk = (id: string, content: Uint8Array, size = content.length): Uint8Array => {
  const header = new Uint8Array(8)
  header.set(ascii(id))
  new DataView(header.buffer).setUint32(4, size, true)
  return concatenate(header, content, new Uint8Array(content.length % 2))
}

const format = (coding: number, channels: number, rate: number, bits: number): Uint8Array => {
  const fields = new DataView(new ArrayBuffer(16))
  fields.setUint16(0, coding, true)
  fields.setUint16(2, channels, true)
  fields.setUint32(4, rate, true)
  fields.setUint32(8, (rate * channels * bits) / 8, true)
  fields.setUint16(12, (channels * bits) / 8, true)
  fields.setUint16(14, bits, true)
  return chunk("fmt ", new Uint8Array(fields.buffer))
}

const riff = (...chunks: ReadonlyArray<Uint8Array>): Uint8Array =>
  concatenate(chunk("RIFF", concatenate(ascii("WAVE"), ...chunks)))

const pcm = (samples: ArrayLike<number>): Uint8Array => new Uint8Array(Int16Array.from(samples).buffer)
const floats = (samples: ArrayLike<number>): Uint8Array => new Uint8Array(Float32Array.from(samples).buffer)
const sine = (length: number): Array<number> => Array.from({ length }, (_, i) => Math.round(9000 * Math.sin(i / 5)))

const recordings = join(import.meta.dir, "../../golden/recordings")
const names = readdirSync(recordings).filter((name) => !name.endsWith(".f32"))

describe("every format becomes what libsndfile or ffmpeg makes of it", () => {
  for (const name of names) {
    test(name, async () => {
      const samples = await decode(readGolden("recordings", name))
      const expected = readVector("recordings", `${name}.f32`)
      // ffmpeg keeps the padding at the end of an AAC stream that the file itself says to drop; the two decoders
      // also fill empty bands with noise of their own.
      const isAac = name === "aac.m4a"
      expect(Math.abs(samples.length - expected.length)).toBeLessThanOrEqual(isAac ? 700 : 1)
      const shared = Math.min(samples.length, expected.length)
      expect(signalToNoise(samples.subarray(0, shared), expected.subarray(0, shared))).toBeGreaterThan(isAac ? 25 : 60)
    })
  }
})

describe("a file cut short is refused", () => {
  // Without a tag in front, an MP3 does not say how long it is.
  for (const name of names.filter((name) => name !== "mp3_no_tags.mp3")) {
    test(name, async () => {
      const whole = readGolden("recordings", name)
      for (const part of [0.3, 0.6, 0.95]) {
        const reason = await reasonOf(whole.slice(0, Math.floor(part * whole.length)))
        expect(reason).toMatch(/cut short|without an index|could be decoded/)
      }
    })
  }
})

describe("what is not a recording is refused in one sentence", () => {
  const sound = sine(1000)
  const zip = (flags: number): Uint8Array => concatenate(ascii("PK\x03\x04\x14\0"), Uint8Array.of(flags, 0, 8, 0))
  const broken = floats(
    sound.map((x, i) => (i === 500 ? Number.NaN : i === 501 ? Number.POSITIVE_INFINITY : x / 32_768))
  )
  const cases: ReadonlyArray<readonly [string, Uint8Array, string]> = [
    ["nothing", new Uint8Array(0), "The file is empty."],
    ["text", ascii("TAG of a recording that was here"), "The file is text, not audio."],
    ["UTF-16 text", Uint8Array.of(0xff, 0xfe, 72, 0, 105, 0), "The file is text, not audio."],
    ["a web page", ascii("\n<!doctype html><html>404"), "The file is a web page or XML, not audio."],
    ["a ZIP archive", zip(0), "The file is a ZIP archive, not audio: extract the recordings first."],
    ["a locked ZIP", zip(1), "The file is a ZIP archive protected by a password, not audio."],
    ["0xFF", new Uint8Array(5000).fill(255), "The file is in no audio format that is read here."],
    [
      "a WAV header",
      riff(format(1, 1, 16_000, 16)),
      "The file is a WAV file without a data chunk, or cut short before it."
    ],
    [
      "an empty data chunk",
      riff(format(1, 1, 16_000, 16), chunk("data", new Uint8Array(0)), chunk("LIST", new Uint8Array(4000).fill(65))),
      "The file is a WAV file without sound: its data chunk is empty."
    ],
    [
      "one sample",
      riff(format(1, 1, 16_000, 16), chunk("data", pcm([5]))),
      "The file holds 0.063 ms of sound, at least 25 ms are needed."
    ],
    ["half a sample", riff(format(1, 1, 16_000, 16), chunk("data", Uint8Array.of(7))), "The file holds no sound."],
    [
      "a missing half",
      riff(format(1, 1, 16_000, 16), chunk("data", pcm(sound), 4000)),
      "The file is cut short: its header promises 4,000 bytes of sound, 2,000 are there."
    ],
    [
      "numbers that are none",
      riff(format(3, 1, 16_000, 32), chunk("data", broken)),
      "The file holds samples that are not numbers (2 of 1,000)."
    ],
    [
      "integers called floats",
      riff(format(3, 1, 16_000, 32), chunk("data", floats(sound))),
      "The file is over 1,000 times as loud as full scale, so it does not hold sound."
    ],
    [
      "no channels",
      riff(format(1, 0, 16_000, 16), chunk("data", pcm(sound))),
      "The file is a WAV file whose header contradicts itself."
    ],
    [
      "floats of 16 bits",
      riff(format(3, 1, 16_000, 16), chunk("data", pcm(sound))),
      "The file is a WAV file whose header contradicts itself."
    ],
    ["a rate of zero", riff(format(1, 1, 0, 16), chunk("data", pcm(sound))), "The file claims a sample rate of 0 Hz."]
  ]
  for (const [name, bytes, reason] of cases) {
    test(name, async () => {
      expect(await reasonOf(bytes)).toBe(reason)
    })
  }
})

describe("counts that are not true are refused before a decoder believes them", () => {
  for (const table of ["stco", "stsc", "stsz", "stts"]) {
    test(`four billion entries in an MP4's ${table}`, async () => {
      const bytes = readGolden("recordings", "alac.m4a").slice()
      const at = Buffer.from(bytes).lastIndexOf(table) + (table === "stsz" ? 12 : 8)
      bytes[at] = 0xff
      expect(await reasonOf(bytes)).toBe("The file is an MP4 file whose index contradicts itself.")
    })
  }

  test("65,535 channels of A-law, 65,535 samples in a block of ADPCM", async () => {
    const alaw = readGolden("recordings", "wav_alaw.wav").slice()
    alaw.fill(255, 22, 24)
    const adpcm = readGolden("recordings", "wav_ms_adpcm.wav").slice()
    adpcm.fill(255, 38, 40)
    for (const bytes of [alaw, adpcm]) {
      expect(await reasonOf(bytes)).toBe("The file is a WAV file whose header contradicts itself.")
    }
  })
})

describe("damage", () => {
  test("to headers never throws, whatever the bytes after a format's mark", () => {
    const marks = [
      "RIFF\0\0\0\0WAVEfmt ",
      "FORM\0\0\0\0AIFFCOMM",
      "caff\0\x01\0\0desc",
      "fLaC",
      "OggS\0",
      "\0\0\0\x08ftyp"
    ]
    const names = fc.constantFrom(
      "fmt ",
      "data",
      "COMM",
      "SSND",
      "moov",
      "trak",
      "stbl",
      "stco",
      "co64",
      "mdat",
      "OpusHead",
      "ID3"
    )
    const piece = fc.oneof(fc.uint8Array({ maxLength: 24 }), names.map(ascii), fc.constant(new Uint8Array(4)))
    fc.assert(
      fc.property(
        fc.constantFrom(...marks, "\x1a\x45\xdf\xa3", "\xff\xfb\x90\x64", "\xff\xf1\x50", "ID3\x04\0\0\0\0\0\0", "PK"),
        fc.array(piece, { maxLength: 20 }),
        (mark, pieces) => {
          const opened = openContainer(concatenate(ascii(mark), ...pieces))
          if (Result.isFailure(opened)) expect(opened.failure).toMatch(/^(is|holds) /)
        }
      ),
      { seed: 1, numRuns: 2000 }
    )
  })

  test("of any kind ends in a clip of finite samples or in a reason, and writes nothing to the console", async () => {
    const written: Array<unknown> = []
    const { error } = console
    console.error = (...line: ReadonlyArray<unknown>) => written.push(line)
    try {
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom(...names),
          fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 20 }),
          async (name, changes) => {
            const bytes = readGolden("recordings", name).slice()
            for (const [place, value] of changes) bytes[place % bytes.length] = value
            const outcome = await Effect.runPromise(
              decodeClip(bytes, { maxSeconds: 1 }).pipe(
                Effect.match({
                  onFailure: ({ reason }) => /^The file .+\.$/s.test(reason),
                  onSuccess: ({ samples }) => samples.length > 0 && samples.every(Number.isFinite)
                })
              )
            )
            expect(outcome).toBe(true)
          }
        ),
        { seed: 1, numRuns: 60 }
      )
    } finally {
      console.error = error
    }
    expect(written).toEqual([])
  })

  test("in a FLAC file is noticed by the samples that are missing", async () => {
    const bytes = readGolden("recordings", "flac_24.flac").slice()
    bytes.fill(0, bytes.length >> 1, (bytes.length >> 1) + 200)
    expect(await reasonOf(bytes)).toMatch(/damaged/)
  })
})

describe("oddities that are right", () => {
  const data = chunk("data", pcm(sine(1000)))
  const fmt = format(1, 1, 16_000, 16)

  test("a 16-bit WAV at 16 kHz keeps its values, n / 32768", async () => {
    const samples = await decode(riff(fmt, data))
    const expected = Float32Array.from(sine(1000), (x) => x / 32_768)
    expect(Math.max(...samples.map((x, i) => Math.abs(x - expected[i]!)))).toBeLessThan(1e-7)
  })

  test("chunks of odd length, and chunks behind the sound, change nothing", async () => {
    const plain = await decode(riff(fmt, data))
    const odd = chunk("junk", ascii("abcde"))
    expect(await decode(riff(odd, fmt, odd, data, chunk("LIST", ascii("more of it"))))).toEqual(plain)
  })

  test("a stream of unknown length is read to its end", async () => {
    const plain = await decode(riff(fmt, data))
    expect(await decode(riff(fmt, chunk("data", pcm(sine(1000)), 0xffff_ffff)))).toEqual(plain)
  })

  test("ID3 tags in front of MP3 and FLAC are passed over", async () => {
    for (const name of ["mp3_stereo.mp3", "flac_24.flac"]) {
      const bytes = readGolden("recordings", name)
      const tag = concatenate(ascii("ID3\x04\0\0\0\0\x01\x00"), new Uint8Array(128))
      expect(await decode(concatenate(tag, bytes))).toEqual(await decode(bytes))
    }
  })

  test("bytes in the middle of a larger buffer are read alone", async () => {
    for (const name of names) {
      const bytes = readGolden("recordings", name)
      const around = concatenate(ascii("RIFFxxxxWAVE!"), bytes, ascii("tail"))
      expect(await decode(around.subarray(13, 13 + bytes.length))).toEqual(await decode(bytes))
    }
  })

  test("silence is a clip of zeros", async () => {
    const samples = await decode(riff(format(1, 2, 44_100, 16), chunk("data", new Uint8Array(44_100))))
    expect(samples.length).toBe(4000)
    expect(samples.every((x) => x === 0)).toBe(true)
  })

  test("the index of an MP4 file may stand before or behind the sound", async () => {
    const bytes = readGolden("recordings", "alac.m4a")
    const text = Buffer.from(bytes).toString("latin1")
    expect(text.indexOf("moov")).toBeGreaterThan(text.indexOf("mdat"))
    expect((await decode(bytes)).length).toBe(2400)
  })
})

describe("the limit", () => {
  test("cuts at the second asked for, in every format", async () => {
    for (const name of names) {
      expect((await decode(readGolden("recordings", name), 0.1)).length).toBe(1600)
    }
  })

  test("is where decoding stops: damage behind it is never seen", async () => {
    const noise = Float32Array.from({ length: 400_000 }, (_, i) => Math.sin(i * i))
    noise[399_999] = Number.NaN
    const bytes = riff(format(3, 1, 16_000, 32), chunk("data", floats(noise)))
    expect((await decode(bytes, 2)).length).toBe(32_000)
    expect(await reasonOf(bytes)).toBe("The file holds samples that are not numbers (1 of 400,000).")
  })
})

test.skipIf(recordingsFolder === undefined)(`field recordings decode whole${needsRecordings}`, async () => {
  const folder = join(recordingsFolder!, "extracted_audio/dog_bark")
  const files = readdirSync(folder).slice(0, 12)
  expect(new Set(files.map((file) => file.slice(-4)))).toEqual(new Set([".mp3", ".wav"]))
  for (const file of files) {
    const samples = await decode(new Uint8Array(readFileSync(join(folder, file))))
    expect(samples.length).toBeGreaterThan(1600)
    expect(samples.length).toBeLessThanOrEqual(64_000)
  }
})
