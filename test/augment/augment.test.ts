import { describe, expect, test } from "bun:test"
import { createHash } from "node:crypto"
import { augment } from "../../src/augment/augment.ts"
import { AUGMENTATION_VERSION, drawVariants } from "../../src/augment/draw.ts"
import { noise } from "../../src/augment/noise.ts"
import { pitchShift } from "../../src/augment/pitchShift.ts"
import { timeStretch } from "../../src/augment/timeStretch.ts"
import { MAX_AUGMENTATIONS } from "../../src/augment/variants.ts"
import { volume } from "../../src/augment/volume.ts"
import { encodeWav } from "../../src/sound/wav.ts"
import { made } from "../support/variants.ts"
import { readVector } from "../support/vectors.ts"

const clip = { samples: readVector("augment", "signal.f32"), sampleRate: 16_000 }
const draws = drawVariants(createHash("sha256").update("a recording").digest("hex"), MAX_AUGMENTATIONS)
const variants = Object.fromEntries(augment(clip, draws).map((variant) => [variant.draw.variant, variant]))
const samplesOf = (name: string): Float32Array => variants[name]!.clip.samples

test("variants come in the order of the draws and leave the clip as it was", () => {
  const before = clip.samples.slice()
  expect(augment(clip, draws).map(({ draw }) => draw)).toEqual([...draws])
  expect(clip.samples).toEqual(before)
  expect(samplesOf("original")).toEqual(before)
})

test("what variants share does not depend on which are drawn", () => {
  for (const draw of draws) {
    const [alone] = augment(clip, [draw])
    expect(alone!.clip.samples).toEqual(samplesOf(draw.variant))
  }
})

test("combined_1 is a stretch of 1.05, then noise of 0.003", () => {
  const { seed } = variants.combined_1!.draw
  const stretched = made(timeStretch(1.05), clip.samples)
  expect(samplesOf("combined_1")).toEqual(made(noise(0.003), stretched, { seed }))
})

test("combined_2 is a semitone up, then 0.9 of the volume", () => {
  const shifted = made(pitchShift(1), clip.samples)
  expect(samplesOf("combined_2")).toEqual(made(volume(0.9), shifted))
})

test("a loud clip's variants pass ±1, and the audit copy counts every sample that it cuts", () => {
  const loud = { samples: clip.samples.map((x) => 1.6 * x), sampleRate: 16_000 }
  const volumeUp = draws.find(({ variant }) => variant === "volume_up")!
  const [louder] = augment(loud, [volumeUp])
  const beyond = louder!.clip.samples.filter((x) => Math.round(x * 32_768) > 32_767 || Math.round(x * 32_768) < -32_768)
  const audit = encodeWav(louder!.clip)
  expect(beyond.length).toBeGreaterThan(0)
  expect(audit.clipped).toBe(beyond.length)
  expect(audit.peak).toBeGreaterThan(1)
})

describe("the same bytes on every machine", () => {
  /** SHA-256, first 16 digits, of the audit copies of one clip, made on x86-64 under Linux. */
  const FINGERPRINTS = {
    version: "2",
    combined_1: "ba4d250706d9ed45",
    combined_2: "169143e8d6613820",
    noise_light: "b6d3acca37b5ee37",
    noise_medium: "da40180b07c05a03",
    original: "bcb8bcde2c8670dc",
    pitch_down: "83493bdd62b2f2b4",
    pitch_up: "de680e81a945cae3",
    time_shift: "998429e8973ba109",
    time_stretch_fast: "31b8b4926feed4d7",
    time_stretch_slow: "cc4861482552ea74",
    volume_down: "dc388f9cfb852e38",
    volume_up: "780f107f61ea942a"
  }

  test("audit copies have the fingerprints of this version; new ones need a new AUGMENTATION_VERSION", () => {
    const fingerprints = Object.fromEntries(
      Object.entries(variants)
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, variant]) => [
          name,
          createHash("sha256").update(encodeWav(variant.clip).bytes).digest("hex").slice(0, 16)
        ])
    )
    expect<Record<string, string>>({ version: AUGMENTATION_VERSION, ...fingerprints }).toEqual(FINGERPRINTS)
  })
})
