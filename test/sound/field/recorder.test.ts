import { describe, expect, test } from "bun:test"
import { Effect } from "effect"
import { readFileName } from "../../../src/sound/field/fileName.ts"
import { readRecorder } from "../../../src/sound/field/recorder.ts"
import { formatClock } from "../../../src/sound/field/wallClock.ts"
import { ascii, join } from "../../support/codedFiles.ts"
import { chunk, riff, u16, u32, waveFormat } from "../../support/pcmFiles.ts"

describe("the name of a recorder's file", () => {
  const cases: ReadonlyArray<readonly [name: string, start: string | undefined, recorder?: string]> = [
    ["20250612_050000.WAV", "2025-06-12T05:00:00"],
    ["20250612_050000T.WAV", "2025-06-12T05:00:00"],
    ["24F3190361DA3578_20250612_050000.WAV", "2025-06-12T05:00:00", "24F3190361DA3578"],
    ["5DFB6DFC.WAV", "2019-12-19T12:33:00+00:00"],
    ["S4A00001_20250612_050000.wav", "2025-06-12T05:00:00", "S4A00001"],
    ["SMM03873_20220719_000000.wav", "2022-07-19T00:00:00", "SMM03873"],
    ["2MM04797_20241127_155140.wav", "2024-11-27T15:51:40", "2MM04797"],
    ["NORTH-3_20250612_050000.wav", "2025-06-12T05:00:00", "NORTH-3"],
    ["SBT-6-76-18_0+1_0_20160621_080000.wav", "2016-06-21T08:00:00", "SBT-6-76-18"],
    ["SM304472_0+1_20181219$100000.wav", "2018-12-19T10:00:00", "SM304472"],
    ["PARIS_-0-_20150410$195550.wav", "2015-04-10T19:55:50", "PARIS"],
    ["20250612T050000+1000_REC.flac", "2025-06-12T05:00:00+10:00"],
    ["S20250612T050000.123456-0330_E_REC.wav", "2025-06-12T05:00:00.123-03:30"],
    ["SwiftOne_20220719_000000_-0400.wav", "2022-07-19T00:00:00-04:00", "SwiftOne"],
    ["55063_2024-11-27_T16-47-33.wav", "2024-11-27T16:47:33", "55063"],
    ["2025-06-12T05:00:00Z.ogg", "2025-06-12T05:00:00+00:00"],
    // No times: a clock shows none of these, and a hash is none.
    ["20251312_050000.wav", undefined],
    ["DEADBEEF.wav", undefined],
    ["20250612.wav", undefined],
    ["dog_bark-004.wav", undefined]
  ]
  for (const [name, start, recorder] of cases) {
    test(name, () => {
      const found = readFileName(name)
      expect(found.start && formatClock(found.start)).toBe(start)
      expect(found.recorder).toBe(recorder)
    })
  }

  test("of Frontier Labs, with the place, however it is written", () => {
    for (const [name, latitude, longitude] of [
      ["20190309T020000+1000_REC [19.2052 152.8719].flac", 19.2052, 152.8719],
      ["20190401T000000+1000_REC [-19.2144-152.8811].flac", -19.2144, -152.8811],
      ["20210617T180000+1000_Rec2_-18.2656+144.5564.flac", -18.2656, 144.5564]
    ] as const) {
      expect(readFileName(name)).toMatchObject({ latitude, longitude })
    }
  })
})

/** What is read of a file, which is only read where it must be. */
const factsOf = (file: Uint8Array, name = "recording.wav") =>
  Effect.runPromise(
    readRecorder((from, to) => Effect.sync(() => file.slice(from, to)), {
      key: `field_audio/creek/${name}`,
      size: file.length
    })
  )

const item = (id: string, value: string): Uint8Array => chunk(id, ascii(`${value}\0`))
const info = (comment: string): Uint8Array =>
  chunk("LIST", join(ascii("INFO"), item("ICMT", comment), item("IART", "AudioMoth 24526B065D325963")))
const format = chunk("fmt ", waveFormat())
const sound = chunk("data", new Uint8Array(200_000))
const shown = (facts: { readonly start?: Parameters<typeof formatClock>[0] }) => facts.start && formatClock(facts.start)

describe("an AudioMoth's comment, of every firmware", () => {
  const cases: ReadonlyArray<readonly [comment: string, start: string, facts: object]> = [
    [
      "Recorded at 10:25:00 04/04/2020 by AudioMoth 24526B065D325963 at gain setting 2 while battery state was 4.7V",
      "2020-04-04T10:25:00+00:00",
      { recorder: "24526B065D325963", gain: "2", battery: 4.7 }
    ],
    [
      "Recorded at 10:25:00 04/04/2020 (UTC) by AudioMoth 24526B065D325963 at gain setting 2 while battery state was < 3.6V",
      "2020-04-04T10:25:00+00:00",
      { recorder: "24526B065D325963", gain: "2" }
    ],
    [
      "Recorded at 19:22:55 14/12/2020 (UTC-5) by AudioMoth 24E144055DDD3203 at medium gain setting while battery state was 4.0V and temperature was -4.5C.",
      "2020-12-14T19:22:55-05:00",
      { recorder: "24E144055DDD3203", gain: "medium", battery: 4, temperature: -4.5 }
    ],
    [
      "Recorded at 10:00:00 15/05/2021 (UTC+5:30) during deployment 41C351E84E9996C2 at medium-high gain while battery was less than 2.5V and temperature was 3.7C. Recording stopped due to switch position change.",
      "2021-05-15T10:00:00+05:30",
      {
        recorder: "41C351E84E9996C2",
        gain: "medium-high",
        temperature: 3.7,
        noted: ["Its recorder says that it stopped early: switch position change."]
      }
    ],
    [
      "Recorded at 10:00:00.250 15/05/2021 (UTC-0:30) by AudioMoth 249BC3055C02FE06 using external microphone at low gain while battery was greater than 4.9V and temperature was 21.1C. Amplitude threshold was 0.5% with 1s minimum trigger duration.",
      "2021-05-15T10:00:00.250-00:30",
      { recorder: "249BC3055C02FE06", gain: "low", temperature: 21.1 }
    ]
  ]
  for (const [comment, start, facts] of cases) {
    test(comment.slice(0, 60), async () => {
      const found = await factsOf(riff([format, info(comment), sound]))
      expect(shown(found)).toBe(start)
      expect(found).toMatchObject({ model: "AudioMoth", ...facts })
      if (comment.includes("than") || comment.includes("<")) expect(found.battery).toBeUndefined()
    })
  }
})

const GUANO = [
  "GUANO|Version: 1.0",
  "Timestamp: 2025-06-12T05:00:00+02:00",
  "Make: Wildlife Acoustics, Inc.",
  "Model: Song Meter Mini Bat",
  "Serial: SMU01234",
  "Firmware Version: 4.3",
  "Temperature Int: 12.75",
  "OAD|Battery Voltage: 4.3",
  "Loc Position: 50.8 -1.25",
  "  "
].join("\n")

describe("GUANO", () => {
  for (const [where, chunks] of [
    ["in front of the sound", [format, chunk("guan", ascii(GUANO)), sound]],
    ["behind it", [format, sound, chunk("guan", ascii(GUANO))]],
    [
      "behind it, and not padded",
      [format, chunk("data", new Uint8Array(200_001)).slice(0, -1), chunk("guan", ascii(GUANO))]
    ]
  ] as const) {
    test(where, async () => {
      const found = await factsOf(riff([...chunks]))
      expect(shown(found)).toBe("2025-06-12T05:00:00+02:00")
      expect(found).toMatchObject({
        recorder: "SMU01234",
        model: "Wildlife Acoustics, Inc. Song Meter Mini Bat",
        firmware: "4.3",
        temperature: 12.75,
        battery: 4.3,
        latitude: 50.8,
        longitude: -1.25
      })
    })
  }
})

test("WAMD, Wildlife Acoustics' chunk", async () => {
  const entry = (id: number, value: string) => join(u16(id), u32(value.length), ascii(value))
  const wamd = join(
    join(u16(0), u32(2), u16(1)),
    entry(1, "SM4"),
    entry(2, "S4A00001"),
    entry(3, "2.2.1\0\0"),
    entry(5, "2025-06-12 05:00:00-05:00"),
    entry(6, "WGS84,50.80000,N,1.25000,W"),
    entry(0x15, "12.25C"),
    entry(0x99, "of later firmware")
  )
  const found = await factsOf(riff([format, sound, chunk("wamd", wamd)]))
  expect(shown(found)).toBe("2025-06-12T05:00:00-05:00")
  expect(found).toMatchObject({
    recorder: "S4A00001",
    model: "SM4",
    firmware: "2.2.1",
    temperature: 12.25,
    latitude: 50.8,
    longitude: -1.25
  })
})

const comments = (...lines: ReadonlyArray<string>): Uint8Array =>
  join(u32(13), ascii("Frontier Labs"), u32(lines.length), ...lines.flatMap((line) => [u32(line.length), ascii(line)]))

test("Frontier Labs' comments in FLAC", async () => {
  const content = comments(
    "RecordingStart=2020-07-24T10:00:00+1000",
    "SensorUid=0000123",
    "SensorFirmwareVersion=Firmware: V3.20      ",
    "BatteryLevel= 80% 12.10V",
    "SensorLocation=-27.3866 +152.8761",
    "ChannelGain=40dB"
  )
  const block = join(Uint8Array.of(0x84, 0, content.length >> 8, content.length & 255), content)
  const file = join(ascii("fLaC"), Uint8Array.of(0, 0, 0, 34), new Uint8Array(34), block)
  const found = await factsOf(file, "20200724T100000+1000_REC.flac")
  expect(shown(found)).toBe("2020-07-24T10:00:00+10:00")
  expect(found).toMatchObject({
    recorder: "0000123",
    model: "Frontier Labs",
    firmware: "3.20",
    battery: 12.1,
    batteryPercent: 80,
    latitude: -27.3866,
    longitude: 152.8761,
    gain: "40dB",
    noted: []
  })
})

test("an MP3's tag", async () => {
  const frame = (id: string, value: string) =>
    join(ascii(id), u32(value.length + 1, false), u16(0), Uint8Array.of(3), ascii(value))
  const frames = join(frame("TDRC", "2025-06-12T05:00:00"), frame("TXXX", "SensorUid\0BUGG-7"))
  const tag = join(ascii("ID3\x03\0\0"), Uint8Array.of(0, 0, frames.length >> 7, frames.length & 127), frames)
  const found = await factsOf(join(tag, Uint8Array.of(0xff, 0xfb, 0x90, 0x64)), "x.mp3")
  expect(shown(found)).toBe("2025-06-12T05:00:00")
  expect(found.recorder).toBe("BUGG-7")
})

describe("a name and a header", () => {
  const of = (name: string, comment: string) => factsOf(riff([format, info(comment), sound]), name)
  const comment =
    "Recorded at 07:00:00 12/06/2025 (UTC+2) by AudioMoth 249BC3055C02FE06 at low gain while battery was 4.5V and temperature was 2.1C."

  test("that show the same time go together, be it local or UTC", async () => {
    for (const name of ["20250612_070000.WAV", "20250612_050000.WAV", "20250612T070000+0200_REC.wav"]) {
      const found = await of(name, comment)
      expect([shown(found), found.noted]).toEqual(["2025-06-12T07:00:00+02:00", []])
    }
  })

  test("that show different ones: the header is believed, and that is said", async () => {
    const found = await of("20250613_090000.WAV", comment)
    expect(shown(found)).toBe("2025-06-12T07:00:00+02:00")
    expect(found.noted).toEqual([
      "Its name says that it began at 2025-06-13T09:00:00, its header at 2025-06-12T07:00:00+02:00, which is believed."
    ])
  })

  test("of which the header knows no offset from UTC: the name's is taken", async () => {
    const guano = chunk("guan", ascii("GUANO|Version: 1.0\nTimestamp: 2025-06-12T05:00:00\n"))
    const found = await factsOf(riff([format, guano, sound]), "SwiftOne_20250612_050000_-0400.wav")
    expect(shown(found)).toBe("2025-06-12T05:00:00-04:00")
  })
})

test("damaged headers say nothing, and stop nothing", async () => {
  for (const content of [new Uint8Array(0), new Uint8Array(7).fill(255), new Uint8Array(600).fill(255)]) {
    for (const id of ["LIST", "guan", "wamd", "bext"]) {
      const found = await factsOf(riff([format, chunk(id, content), sound]), "20250612_050000.WAV")
      expect(shown(found)).toBe("2025-06-12T05:00:00")
    }
    await factsOf(join(ascii("fLaC"), Uint8Array.of(0x84, 0, 2, 88), content), "x.flac")
    await factsOf(join(ascii("ID3\x03\0\0\0\0\x04\x58"), content), "x.mp3")
  }
})
