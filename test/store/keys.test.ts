import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import { VARIANT_NAMES } from "../../src/augment/variants.ts"
import {
  classOf,
  groupOf,
  isRecording,
  isUnlabelled,
  recordingKey,
  siteOf,
  stemOf,
  variantKey
} from "../../src/store/keys.ts"

/** Names that have gone wrong somewhere: several endings, variants' names, signs, other scripts. */
const name = fc.oneof(
  fc.string({ unit: "grapheme", minLength: 1 }).map((text) => text.replaceAll("/", "-")),
  fc
    .array(
      fc.constantFrom(
        "a",
        "1-2-3-4",
        ".wav",
        ".WAV",
        ".mp3",
        ".audio",
        "_original",
        "_pitch_up",
        ".",
        " ",
        "+",
        "%2F",
        "é",
        "😀"
      ),
      { minLength: 1, maxLength: 5 }
    )
    .map((parts) => parts.join(""))
)
const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join("/"))
const recording = fc.tuple(name, path).map(([className, below]) => recordingKey(className, below))
const variant = fc.constantFrom(...VARIANT_NAMES)

describe("audit copies", () => {
  test("distinct variants of distinct recordings have distinct keys", () => {
    fc.assert(
      fc.property(fc.uniqueArray(recording, { minLength: 2 }), (recordings) => {
        const keys = recordings.flatMap((key) => VARIANT_NAMES.map((variant) => variantKey(key, variant)))
        expect(new Set(keys).size).toBe(recordings.length * VARIANT_NAMES.length)
      }),
      { numRuns: 1000 }
    )
  })

  test("lie as the recordings lie, and end in the variant", () => {
    fc.assert(
      fc.property(name, path, variant, (className, below, variant) => {
        const key = variantKey(recordingKey(className, below), variant)
        expect(key).toStartWith(`augmented_audio/${className}/`)
        expect(key).toEndWith(`_${variant}.wav`)
      })
    )
  })

  test("are named as EcoSight names them, and told apart where it would overwrite them", () => {
    const copies = Object.entries({
      "dog/100-1-0-0.wav": "dog/100-1-0-0_pitch_up.wav",
      "dog/2024.05.01 rex.wav": "dog/2024.05.01 rex_pitch_up.wav",
      "dog/a.mp3": "dog/a.mp3_pitch_up.wav",
      "dog/a.WAV": "dog/a.WAV_pitch_up.wav",
      "dog/a.mp3.wav": "dog/a.mp3.wav_pitch_up.wav",
      "dog/a": "dog/a.audio_pitch_up.wav",
      "dog/a.audio": "dog/a.audio.audio_pitch_up.wav",
      "dog/rex/a.wav": "dog/rex/a_pitch_up.wav"
    })
    for (const [recording, copy] of copies) {
      expect(variantKey(`extracted_audio/${recording}`, "pitch_up")).toBe(`augmented_audio/${copy}`)
    }
  })
})

describe("recordings", () => {
  test("a recording's class is the first folder, whatever lies below", () => {
    fc.assert(
      fc.property(name, path, (className, below) => {
        expect(classOf(recordingKey(className, below))).toBe(className)
      })
    )
    expect(classOf("extracted_audio/loose.wav")).toBeUndefined()
    expect(classOf("extracted_audio//a.wav")).toBeUndefined()
    expect(classOf("augmented_audio/dog/a.wav")).toBeUndefined()
  })

  test("what file managers and archivers leave behind is none; everything else is", () => {
    const clutter = [
      "dog/.DS_Store",
      "dog/._a.wav",
      ".hidden/a.wav",
      "dog/Thumbs.db",
      "dog/desktop.ini",
      "__MACOSX/dog/a.wav",
      "dog/__MACOSX/a.wav",
      "dog/",
      "",
      "dog_$folder$"
    ]
    for (const path of clutter) expect(isRecording({ key: `extracted_audio/${path}` })).toBe(false)
    const recordings = ["dog/a.wav", "dog/A.WAV", "dog/x/y/a", "dog/a..wav", "a.wav", "dog/not__MACOSX/a"]
    for (const path of recordings) expect(isRecording({ key: `extracted_audio/${path}` })).toBe(true)
    expect(isRecording({ key: "augmented_audio/dog/a.wav" })).toBe(false)
  })

  test("companions are none, in letters of any size; archives and what no one knows are looked into", () => {
    for (const name of [
      "CONFIG.TXT",
      "a.wav.txt",
      "Raven.selections.csv",
      "a.json",
      "x.XML",
      "site.pdf",
      "photo.JPG",
      "a.sha256"
    ]) {
      expect(isRecording({ key: `extracted_audio/dog/${name}` })).toBe(false)
      expect(isUnlabelled({ key: `unlabelled_audio/${name}` })).toBe(false)
    }
    for (const name of ["a.zip", "a.data", "a", "txt", "a.txt.wav", "a.mp4", "a.bak"]) {
      expect(isRecording({ key: `extracted_audio/dog/${name}` })).toBe(true)
    }
  })

  test("the site is the first folder below field_audio/", () => {
    expect(siteOf("field_audio/creek/2025/06/20250612_050000.WAV")).toBe("creek")
    expect(siteOf("field_audio/20250612_050000.WAV")).toBe("")
  })

  test("a stem is the name without its ending", () => {
    expect(stemOf("extracted_audio/dog/2024/rex 1.2.wav")).toBe("rex 1.2")
    expect(stemOf("a")).toBe("a")
    expect(stemOf("x/.wav")).toBe(".wav")
  })
})

describe("groups", () => {
  const group = (path: string, pattern?: RegExp) => groupOf(`extracted_audio/${path}`, pattern)

  test("all that UrbanSound8K cut from one source is one group, whatever its class", () => {
    expect(group("gun_shot/135526-6-13-0.wav")).toBe("135526")
    expect(group("dog/135526-3-0-1.mp3")).toBe("135526")
    expect(group("dog/135526-3-0-1_time_stretch_fast.wav")).toBe("135526")
  })

  test("numbers that only look like it are no source", () => {
    expect(group("dog/2024-05-01.wav")).toBe("2024-05-01")
    expect(group("dog/2024-05-01-12-30-00.wav")).toBe("2024-05-01-12-30-00")
    expect(group("dog/1-100032-A-0.wav")).toBe("1-100032-A-0")
  })

  test("every variant of a recording is in its group", () => {
    const plain = fc.stringMatching(/^[a-z][a-z0-9 -]{0,12}$/)
    fc.assert(
      fc.property(plain, fc.array(variant, { maxLength: 3 }), (stem, variants) => {
        expect(group(`dog/${[stem, ...variants].join("_")}.wav`)).toBe(stem)
      })
    )
    expect(group("dog/_original.wav")).toBe("_original")
  })

  test("a pattern names the group: its first capture, else its match, else the default", () => {
    expect(group("dog/site7_2024.wav", /^(site\d+)_/)).toBe("site7")
    expect(group("dog/site7_2024.wav", /^site\d+/)).toBe("site7")
    expect(group("dog/other.wav", /^(site\d+)_/)).toBe("other")
  })

  test("a pattern with a slash sees the folders too", () => {
    expect(group("dog/site7/a.wav", /^[^/]+\/([^/]+)\//)).toBe("site7")
    expect(group("dog/site7/a.wav", /^(dog)$/)).toBe("a")
  })
})
