import { describe, expect, test } from "bun:test"
import { Effect } from "effect"
import { decodeClip } from "../../../src/sound/decode/decode.ts"
import {
  ascii,
  chunk,
  concatenate,
  encode,
  f64,
  riff,
  type Samples,
  swell,
  u16,
  u32,
  u64,
  type WaveFormat,
  wave,
  waveFormat
} from "../../support/pcmFiles.ts"

const decode = (bytes: Uint8Array, maxSeconds = 30) => Effect.runPromise(decodeClip(bytes, { maxSeconds }))
const reasonOf = async (bytes: Uint8Array): Promise<string> =>
  (await Effect.runPromise(Effect.flip(decodeClip(bytes, { maxSeconds: 30 })))).reason

const sound = swell(2000)
const pcm16 = encode(sound, { kind: "integer", bits: 16, bytes: 2 })

const farthest = (samples: ArrayLike<number>): number =>
  Array.from(sound).reduce((most, sample, i) => Math.max(most, Math.abs(sample - samples[i]!)), 0)

/** Expects the swell, within so many steps of so many bits. */
const expectSwell = async (bytes: Uint8Array, bits = 16, steps = 0.6) => {
  const { samples } = await decode(bytes)
  expect(samples.length).toBe(sound.length)
  expect(farthest(samples)).toBeLessThan(steps * 2 ** (1 - Math.min(bits, 22)))
}

const integers = (bits: number, bytes = Math.ceil(bits / 8), little = true): Samples => ({
  kind: "integer",
  bits,
  bytes,
  little
})
const floats = (bytes: number, little = true): Samples => ({ kind: "float", bits: 8 * bytes, bytes, little })

describe("WAV samples of every kind are read", () => {
  const kinds: ReadonlyArray<readonly [string, Samples, WaveFormat]> = [
    ["8 bits, which have no sign", { ...integers(8), offset: 128 }, { bits: 8 }],
    ["12 bits in two bytes", integers(12), { bits: 12 }],
    ["16 bits", integers(16), {}],
    ["20 bits in three bytes", integers(20), { bits: 20 }],
    ["20 bits in four bytes", integers(20, 4), { bits: 20, blockSize: 4 }],
    ["24 bits", integers(24), { bits: 24 }],
    ["24 bits in four bytes", integers(24, 4), { bits: 24, blockSize: 4 }],
    ["24 valid bits of 32", integers(24, 4), { bits: 32, validBits: 24 }],
    ["24 valid bits of 24 in four bytes", integers(24, 4), { bits: 24, validBits: 24, blockSize: 4 }],
    ["12 valid bits of 16", integers(12, 2), { bits: 16, validBits: 12 }],
    ["32 bits", integers(32), { bits: 32 }],
    ["64 bits", integers(32, 8), { bits: 64 }],
    ["floats of 32 bits", floats(4), { coding: 3, bits: 32 }],
    ["floats of 64 bits", floats(8), { coding: 3, bits: 64 }],
    ["floats of an extensible header", floats(4), { coding: 3, bits: 32, validBits: 32 }]
  ]
  for (const [name, samples, format] of kinds) {
    test(name, () => expectSwell(wave(encode(sound, samples), format), samples.bits))
  }

  for (const blockSize of [0, 1, 4, 8]) {
    test(`16 bits whose block size is given as ${blockSize}`, () => expectSwell(wave(pcm16, { blockSize })))
  }

  test("two channels whose block size is given as twice what it is", async () => {
    const both = encode(
      Array.from(sound).flatMap((x) => [x, x / 2]),
      integers(16)
    )
    const { samples } = await decode(wave(both, { channels: 2, blockSize: 8 }))
    expect(farthest(samples.map((x) => x / 0.75))).toBeLessThan(1e-4)
  })

  test("a big-endian file (RIFX)", () =>
    expectSwell(
      riff(
        [chunk("fmt ", waveFormat({}, false), false), chunk("data", encode(sound, integers(16, 2, false)), false)],
        "RIFX"
      )
    ))

  test("files of more than 4 GB (RF64 and BW64), and those that only might have become so", async () => {
    const format = chunk("fmt ", waveFormat())
    const sizes = (data: number) => chunk("ds64", concatenate(u64(0), u64(data), u64(0), u32(0)))
    for (const mark of ["RF64", "BW64"]) {
      const data = (size: number) => chunk("data", pcm16, true, size)
      await expectSwell(riff([sizes(pcm16.length), format, data(0xffff_ffff)], mark, 0xffff_ffff))
      await expectSwell(riff([sizes(0), format, data(0xffff_ffff)], mark, 0xffff_ffff))
      await expectSwell(riff([sizes(0), format, data(pcm16.length)], mark, 0xffff_ffff))
      expect(await reasonOf(riff([sizes(5000), format, data(0xffff_ffff)], mark, 0xffff_ffff))).toBe(
        "The file is cut short: its header promises 5,000 bytes of sound, 4,000 are there."
      )
    }
  })

  test("Sony's W64", async () => {
    const name = (id: string) => concatenate(ascii(id), ascii("\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a"))
    const mark = "\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00"
    const head = concatenate(ascii(`riff${mark}`), u64(0), name("wave"))
    const block = (id: string, content: Uint8Array, size = content.length) =>
      concatenate(name(id), u64(24 + size), content, new Uint8Array((8 - (content.length % 8)) % 8))
    const format = block("fmt ", waveFormat())
    await expectSwell(concatenate(head, format, block("junk", ascii("abc")), block("data", pcm16)))
    await expectSwell(concatenate(head, format, name("data"), u64(0), pcm16))
    expect(await reasonOf(concatenate(head, format, block("data", pcm16, 5000)))).toMatch(/promises 5,000 bytes of/)
  })
})

describe("a WAV header that is wrong about the size of its sound", () => {
  const format = chunk("fmt ", waveFormat())
  const file = (size: number, whole: number, ...front: ReadonlyArray<Uint8Array>) =>
    riff([...front, format, chunk("data", pcm16, true, size)], "RIFF", whole)
  const length = 36 + pcm16.length

  test("counts the header as sound: all of it is there", async () => {
    for (const [excess, whole] of [
      [44, length + 8],
      [44, length],
      [44, length + 44],
      [36, length],
      [8, length],
      [8, length + 8],
      [20, length]
    ] as const) {
      await expectSwell(file(pcm16.length + excess, whole))
    }
    const list = chunk("LIST", ascii("INFOISFT of a recorder"))
    await expectSwell(file(pcm16.length + 44 + list.length, length + list.length, list))
  })

  test("is right where the file was cut, be it by little", async () => {
    for (const lost of [2, 20, 100, 2000]) {
      const whole = file(pcm16.length, length)
      expect(await reasonOf(whole.slice(0, whole.length - lost))).toBe(
        `The file is cut short: its header promises 4,000 bytes of sound, ${(4000 - lost).toLocaleString("en")} are there.`
      )
    }
    expect(await reasonOf(file(pcm16.length + 100, length))).toMatch(/is cut short/)
  })

  test("was never finished: the sound is behind it", async () => {
    await expectSwell(file(0, 36))
    await expectSwell(file(0, 0))
    await expectSwell(file(0, 4088, chunk("JUNK", new Uint8Array(28)), chunk("FLLR", new Uint8Array(4008))))
  })

  test("says that there is none, and what follows is no sound", async () => {
    const empty = "The file is a WAV file without sound: its data chunk is empty."
    const none = chunk("data", new Uint8Array(0))
    expect(await reasonOf(riff([format, none, chunk("LIST", ascii("INFO of nothing"))]))).toBe(empty)
    expect(await reasonOf(riff([format, none]))).toBe(empty)
  })

  test("says that there is next to none, and much follows", async () => {
    expect(await reasonOf(file(44, 44))).toBe(
      "The file claims 44 bytes of sound, and 3,956 bytes follow: its recorder never finished the header, which a sound editor can repair."
    )
    const short = chunk("data", pcm16.slice(0, 44))
    expect(await reasonOf(riff([format, short, chunk("LIST", new Uint8Array(4000))]))).toMatch(/holds 1.4 ms of sound/)
  })

  test("chunks of odd length count with or without the byte that pads them", async () => {
    const odd = chunk("junk", ascii("abcde"))
    const data = chunk("data", pcm16)
    await expectSwell(riff([odd, format, odd, data]))
    await expectSwell(riff([odd.slice(0, -1), format, odd.slice(0, -1), data]))
  })
})

describe("AIFF samples of every kind are read", () => {
  /** 16 kHz as an IEEE 754 number of 80 bits. */
  const rate = concatenate(u16(0x400c, false), u32(0xfa00_0000, false), u32(0))
  const common = (bits: number, frames: number, coding?: string, channels = 1) =>
    chunk(
      "COMM",
      concatenate(
        u16(channels, false),
        u32(frames, false),
        u16(bits, false),
        rate,
        ...(coding === undefined ? [] : [ascii(coding), ascii("\0\0")])
      ),
      false
    )
  const ssnd = (samples: Uint8Array, offset = 0) =>
    chunk("SSND", concatenate(u32(offset, false), u32(0), new Uint8Array(offset), samples), false)
  const aiff = (...chunks: ReadonlyArray<Uint8Array>) => chunk("FORM", concatenate(ascii("AIFF"), ...chunks), false)
  const aifc = (...chunks: ReadonlyArray<Uint8Array>) => chunk("FORM", concatenate(ascii("AIFC"), ...chunks), false)
  const big = (bits: number) => integers(bits, Math.ceil(bits / 8), false)
  const frames = sound.length

  for (const bits of [8, 12, 16, 20, 24, 32]) {
    test(`${bits} bits`, () => expectSwell(aiff(common(bits, frames), ssnd(encode(sound, big(bits)))), bits))
  }

  const codings: ReadonlyArray<readonly [string, Samples]> = [
    ["NONE", big(16)],
    ["twos", big(16)],
    ["sowt", integers(16)],
    ["in24", big(24)],
    ["in32", big(32)],
    ["42n1", integers(24)],
    ["23ni", integers(32)],
    ["raw ", { ...integers(8), offset: 128 }],
    ["fl32", floats(4, false)],
    ["FL32", floats(4, false)],
    ["fl64", floats(8, false)]
  ]
  for (const [coding, samples] of codings) {
    test(coding, () =>
      expectSwell(aifc(common(samples.bits, frames, coding), ssnd(encode(sound, samples))), samples.bits)
    )
  }

  test("the sound first, at an offset, with other chunks of odd length", () => {
    const name = chunk("NAME", ascii("abc"), false)
    return expectSwell(aiff(name, ssnd(encode(sound, big(16)), 6), name, common(16, frames)))
  })

  test("an unfinished header, and one of a stream", async () => {
    const samples = encode(sound, big(16))
    const head = concatenate(ascii("FORM"), u32(0), ascii("AIFF"), common(16, 0))
    for (const size of [0, 0xffff_ffff]) {
      await expectSwell(concatenate(head, ascii("SSND"), u32(size, false), u32(0), u32(0), samples))
    }
  })

  test("what is not there is missed", async () => {
    const whole = aiff(common(16, frames), ssnd(encode(sound, big(16))))
    expect(await reasonOf(whole.slice(0, 2000))).toMatch(/is cut short/)
    const packets = aifc(common(16, 5_000_000, "ima4"), ssnd(new Uint8Array(340)))
    expect(await reasonOf(packets)).toBe(
      "The file is cut short: its header promises 5,000,000 packets of sound, 10 are there."
    )
  })
})

describe("A-law, µ-law and IMA ADPCM sound the same from every container", () => {
  const bytes = Uint8Array.from({ length: 4080 }, (_, i) => (i * i * 7 + i) % 256)
  const containers = (laws: { wav: number; aifc: string; caf: string; au: number }) => [
    wave(bytes, { coding: laws.wav, bits: 8 }),
    aifcOf(laws.aifc, bytes, bytes.length),
    caf(bytes, { coding: laws.caf, bits: 8, packetBytes: 1 }),
    concatenate(ascii(".snd"), ...[28, bytes.length, laws.au, 16_000, 1, 0].map((x) => u32(x, false)), bytes)
  ]
  // ITU-T G.711, tables 1a and 2a: the sizes at the ends of the scale and nearest to zero.
  const laws = [
    {
      name: "A-law",
      codes: [0xd5, 0x55, 0xaa, 0x2a],
      values: [8, -8, 32_256, -32_256],
      wav: 6,
      aifc: "alaw",
      caf: "alaw",
      au: 27
    },
    {
      name: "µ-law",
      codes: [0xff, 0x7f, 0x80, 0x00],
      values: [0, 0, 32_124, -32_124],
      wav: 7,
      aifc: "ulaw",
      caf: "ulaw",
      au: 1
    }
  ]
  for (const { name, codes, values, ...places } of laws) {
    test(name, async () => {
      bytes.set(codes)
      const [first, ...others] = await Promise.all(containers(places).map((file) => decode(file)))
      expect(Array.from(first!.samples.subarray(0, 4), (x) => x * 32_768)).toEqual(values)
      for (const other of others) expect(other.samples).toEqual(first!.samples)
    })
  }

  test("IMA ADPCM in AIFF-C and CAF: the lower half of a byte first", async () => {
    const packets = bytes.map((byte, i) => (i % 34 < 2 ? 0 : byte))
    const count = packets.length / 34
    const fromCaf = await decode(caf(packets, { coding: "ima4", packetBytes: 34, packetSamples: 64 }))
    const fromAiff = await decode(aifcOf("ima4", packets, count))
    expect(fromAiff.samples.length).toBe(64 * count)
    expect(fromAiff.samples).toEqual(fromCaf.samples)
    // Code 4 at the smallest step of 7 adds 7 + 7 / 8, cut to 7; code 0 adds an eighth of the step.
    const rise = await decode(
      aifcOf(
        "ima4",
        Uint8Array.from({ length: 340 }, (_, i) => (i === 2 ? 0x04 : 0)),
        10
      )
    )
    expect(Math.round(rise.samples[0]! * 32_768)).toBe(7)
  })

  test("of CAF, what cannot be is refused before anyone makes room for it", async () => {
    const ima4 = { coding: "ima4", packetBytes: 34, packetSamples: 64 }
    expect(await reasonOf(caf(bytes, { ...ima4, channels: 0 }))).toBe("The file is a CAF file that claims 0 channels.")
    expect(await reasonOf(caf(bytes, { ...ima4, packetSamples: 250_000 }))).toBe(
      "The file is a CAF file that claims packets of 250,000 samples in 34 bytes, which its coding (IMA4) does not have."
    )
    expect(await reasonOf(caf(bytes, { ...ima4, packetBytes: 0 }))).toMatch(/claims packets of 64 samples in 0 bytes/)
    for (const rate of [Number.NaN, Number.POSITIVE_INFINITY, 0, -1]) {
      expect(await reasonOf(caf(bytes, { ...ima4, rate }))).toBe(`The file claims a sample rate of ${rate} Hz.`)
    }
  })
})

describe("CAF samples of every kind are read", () => {
  for (const little of [true, false]) {
    for (const samples of [
      ...[8, 12, 16, 24, 32].map((bits) => integers(bits)),
      integers(24, 4),
      floats(4),
      floats(8)
    ]) {
      const { kind, bits, bytes } = samples
      test(`${kind}, ${bits} bits in ${bytes} bytes, ${little ? "little" : "big"}-endian`, async () => {
        const encoded = encode(sound, { ...samples, little })
        const description = { flags: (kind === "float" ? 1 : 0) + (little ? 2 : 0), bits, packetBytes: bytes }
        await expectSwell(caf(encoded, description), bits)
        await expectSwell(caf(encoded, { ...description, size: -1 }), bits)
      })
    }
  }

  test("edits are not sound, nor is what lies behind", () => {
    const packets = concatenate(ascii("pakt"), u64(24, false), new Uint8Array(24))
    return expectSwell(concatenate(caf(pcm16, { flags: 2, bits: 16, packetBytes: 2, edits: 3 }), packets))
  })
})

describe("AU samples of every kind are read", () => {
  const au = (coding: number, samples: Uint8Array, size = samples.length) =>
    concatenate(ascii(".snd"), ...[24, size, coding, 16_000, 1].map((x) => u32(x, false)), samples)
  const codings: ReadonlyArray<readonly [number, Samples]> = [
    [2, integers(8)],
    [3, integers(16, 2, false)],
    [4, integers(24, 3, false)],
    [5, integers(32, 4, false)],
    [6, floats(4, false)],
    [7, floats(8, false)]
  ]
  for (const [coding, samples] of codings) {
    test(`coding ${coding}`, async () => {
      await expectSwell(au(coding, encode(sound, samples)), samples.bits)
      await expectSwell(au(coding, encode(sound, samples), 0xffff_ffff), samples.bits)
    })
  }

  test("cut short", async () => {
    expect(await reasonOf(au(3, pcm16, 5000))).toMatch(/promises 5,000 bytes of sound, 4,000 are there/)
  })
})

test("samples of 16 bits keep every bit that stored vectors were made of", async () => {
  // As read at first: positive steps over 32,767, scaled back as they are mixed.
  const steps = Int16Array.from({ length: 4000 }, (_, i) => (i * i * 31) % 65_536)
  const { samples } = await decode(wave(new Uint8Array(steps.buffer), { channels: 2 }))
  const half = (step: number) => (step < 0 ? step / 65_536 : Math.fround(step / 32_767) * 0.5 * (1 - 2 ** -15))
  const expected = Float32Array.from({ length: 2000 }, (_, i) =>
    Math.fround(Math.fround(half(steps[2 * i]!)) + half(steps[2 * i + 1]!))
  )
  expect(samples).toEqual(expected)
})

interface Description {
  readonly coding?: string
  readonly flags?: number
  readonly packetBytes: number
  readonly packetSamples?: number
  readonly channels?: number
  readonly bits?: number
  readonly rate?: number
  readonly size?: number
  readonly edits?: number
}

const caf = (samples: Uint8Array, description: Description): Uint8Array => {
  const {
    coding = "lpcm",
    flags = 0,
    packetBytes,
    packetSamples = 1,
    channels = 1,
    bits = 0,
    rate = 16_000
  } = description
  const { size = samples.length + 4, edits = 0 } = description
  const numbers = [flags, packetBytes, packetSamples, channels, bits].map((x) => u32(x, false))
  return concatenate(
    ascii("caff\0\x01\0\0desc"),
    u64(32, false),
    f64(rate),
    ascii(coding),
    ...numbers,
    ascii("data"),
    u64(size, false),
    u32(edits, false),
    samples
  )
}

const aifcOf = (coding: string, samples: Uint8Array, frames: number): Uint8Array => {
  const rate = concatenate(u16(0x400c, false), u32(0xfa00_0000, false), u32(0))
  const common = concatenate(u16(1, false), u32(frames, false), u16(8, false), rate, ascii(coding), ascii("\0\0"))
  const sound = concatenate(u32(0), u32(0), samples)
  return chunk("FORM", concatenate(ascii("AIFC"), chunk("COMM", common, false), chunk("SSND", sound, false)), false)
}
