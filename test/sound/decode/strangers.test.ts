import { describe, expect, test } from "bun:test"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect } from "effect"
import { decodeClip } from "../../../src/sound/decode/decode.ts"
import { Ffmpeg } from "../../../src/sound/decode/ffmpeg.ts"
import { ascii, chunk, concatenate, encode, riff, swell, wave, waveFormat } from "../../support/pcmFiles.ts"
import { readGolden } from "../../support/vectors.ts"

const outcome = (bytes: Uint8Array, program?: string, maxSeconds = 30) =>
  Effect.runPromise(
    decodeClip(bytes, { maxSeconds }).pipe(
      Effect.match({ onSuccess: (clip) => clip, onFailure: ({ reason }) => reason }),
      Effect.provideService(Ffmpeg, program)
    )
  )

const filler = new Uint8Array(3000).fill(7)
const file = (mark: string): Uint8Array => concatenate(ascii(mark), filler)
const waveOf = (coding: number) => riff([chunk("fmt ", waveFormat({ coding, bits: 0 })), chunk("data", filler)])

describe("what is not read here is called by its name, with what would make it readable", () => {
  const convert = "which is not read here: convert it to WAV or FLAC, or install ffmpeg"
  const cases: ReadonlyArray<readonly [Uint8Array, string]> = [
    [file("\x30\x26\xb2\x75\x8e\x66\xcf\x11"), `is Windows Media audio (WMA, ASF), ${convert}`],
    [file("#!AMR\n"), `is AMR, the speech coding of mobile telephones, ${convert}`],
    [file("wvpk"), `is WavPack, ${convert}`],
    [file("MAC "), `is Monkey's Audio (APE), ${convert}`],
    [file("TTA1"), `is TTA (True Audio), ${convert}`],
    [file("DSD "), `is DSD (DSF), ${convert}`],
    [file("\x0b\x77"), `is AC-3, ${convert}`],
    [file("MPCK"), `is Musepack, ${convert}`],
    [file("RIFF\0\0\0\0AVI LIST"), `is an AVI video, ${convert}`],
    [file(`OggS${"\0".repeat(22)}\x01\x50Speex   1.2`), `is an Ogg file compressed by Speex, ${convert}`],
    [waveOf(0x31), `is a WAV file compressed by GSM 6.10, ${convert}`],
    [waveOf(0x161), `is a WAV file compressed by Windows Media Audio 2, ${convert}`],
    [waveOf(0x1234), `is a WAV file in a coding that is not known here (0x1234), ${convert}`],
    [file("MThd"), "is a MIDI file, which holds notes and no sound"],
    [file("WAac"), "is a compressed recording of Wildlife Acoustics (WAC): convert it to WAV with Kaleidoscope"],
    [file("\x1f\x8b"), "is compressed by gzip: decompress it first"],
    [file("GIF89a"), "is a picture, not audio"],
    [ascii('{"recordings": []}'), "is JSON, not audio"],
    [new TextEncoder().encode("Ein Rotkehlchen für Zoë"), "is text, not audio"],
    [
      ascii("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 96044\n"),
      "is a Git LFS pointer, not the recording itself: run git lfs pull"
    ],
    [
      new Uint8Array(5000),
      "holds zeros only, as a card or a transfer that failed leaves them: copy it again from where it was recorded"
    ],
    [file("\x01\x02\xff\xfe"), "is in no audio format that is read here"]
  ]
  for (const [bytes, ending] of cases) {
    test(ending, async () => {
      expect(await outcome(bytes)).toBe(`The file ${ending}.`)
    })
  }
})

test("MP3 in a WAV file is read by the decoder of MP3", async () => {
  const mp3 = readGolden("recordings", "mp3_no_tags.mp3")
  const wav = riff([chunk("fmt ", waveFormat({ coding: 0x55, bits: 0 })), chunk("data", mp3)])
  expect(await outcome(wav)).toEqual(await outcome(mp3))
})

describe("an ffmpeg program is asked for what is not read here", () => {
  const folder = mkdtempSync(join(tmpdir(), "ffmpeg-"))
  const program = (name: string, script: string): string => {
    const path = join(folder, name)
    writeFileSync(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 })
    return path
  }
  const wma = file("\x30\x26\xb2\x75\x8e\x66\xcf\x11")
  const refusal =
    "The file is Windows Media audio (WMA, ASF), which is not read here: convert it to WAV or FLAC; ffmpeg makes nothing of it either, it may be damaged."
  const sound = wave(encode(swell(2000), { kind: "float", bits: 32, bytes: 4 }), { coding: 3, bits: 32 })
  const answer = join(folder, "answer.wav")
  writeFileSync(answer, sound)

  test("what it answers is the recording, and the record says so", async () => {
    const direct = await outcome(sound)
    const asked = await outcome(wma, program("good", `cat ${answer}`))
    if (typeof asked === "string" || typeof direct === "string") throw new Error(String(asked))
    expect(asked.samples).toEqual(direct.samples)
    expect(asked.notes).toEqual(["It is Windows Media audio (WMA, ASF), decoded by ffmpeg."])
  })

  test("it gets the recording's bytes, one format, no address, and a limit", async () => {
    const said = join(folder, "said")
    await outcome(
      wma,
      program(
        "spy",
        `echo "$@" > ${said}; for last; do case $last in file:*) cat "\${last#file:}" > ${said}.bytes;; esac; done`
      ),
      7
    )
    const words = await Bun.file(said).text()
    expect(words).toContain("-protocol_whitelist file -f asf -t 7 -i file:")
    expect(words).toContain("-nostdin")
    expect(Buffer.compare(await Bun.file(`${said}.bytes`).bytes(), wma)).toBe(0)
    const [, path] = /-i file:(\S+)/.exec(words)!
    expect(await Bun.file(path!).exists()).toBe(false)
  })

  test("what fails, answers nothing, writes without end or cannot be started is a refusal", async () => {
    const programs = [
      program("failing", `cat ${answer}; exit 1`),
      program("mute", "exit 0"),
      program("endless", "yes"),
      program("other", "echo no WAV file"),
      join(folder, "missing")
    ]
    for (const path of programs) expect(await outcome(wma, path, 0.1)).toBe(refusal)
    rmSync(folder, { recursive: true })
  })

  const installed = Bun.which("ffmpeg")
  test.skipIf(installed === null)(
    `the installed one reads AU of G.721${installed ? "" : " (skipped: none)"}`,
    async () => {
      const au = concatenate(
        ascii(".snd"),
        Uint8Array.from([24, 4000, 23, 8000, 1].flatMap((x) => [x >> 24, x >> 16, x >> 8, x])),
        Uint8Array.from({ length: 4000 }, (_, i) => (i * 37) % 251)
      )
      const clip = await outcome(au, installed!)
      if (typeof clip === "string") throw new Error(clip)
      expect(clip.samples.length).toBe(16_000)
      expect(clip.notes).toEqual(["It is an AU file in coding 23, decoded by ffmpeg."])
    }
  )
})
