import { Effect } from "effect"
import { augment } from "../src/augment/augment.ts"
import { drawVariants } from "../src/augment/draw.ts"
import { MAX_AUGMENTATIONS } from "../src/augment/variants.ts"
import { logMelPatches } from "../src/embedder/yamnet/logMel.ts"
import { type Clip, SAMPLE_RATE } from "../src/sound/clip.ts"
import { decodeClip } from "../src/sound/decode/decode.ts"
import { openContainer } from "../src/sound/decode/openContainer.ts"
import { seededRandom } from "../src/sound/random.ts"
import { resample } from "../src/sound/resample.ts"
import { encodeWav } from "../src/sound/wav.ts"
import { Bench, type Sound, summarise, timeCalls } from "./measure.ts"

// What a worker does with one recording, on one core.

const REAL_TIME = { unit: "× real time per core", lowerIsBetter: false }
/** As long as UrbanSound8K's clips, and as what the peers are given. */
const SECONDS = 4
/** Recordings of each format that are decoded. */
const MOST = 12

const maxSeconds = 30

/** The speed of work on so many seconds of sound. */
const speedOf = Effect.fnUntraced(function* <A, E, R>(
  row: string,
  what: string,
  soundSeconds: number,
  work: Effect.Effect<A, E, R>
) {
  const { seconds } = yield* Bench
  const times = yield* timeCalls(seconds, work)
  return summarise(
    row,
    what,
    REAL_TIME,
    times.map((milliseconds) => (1000 * soundSeconds) / milliseconds)
  )
})

const formatOf = ({ bytes }: Sound): string => {
  const opened = openContainer(bytes)
  if (opened._tag === "Failure" || "demuxer" in opened.success) return "unreadable"
  return "begin" in opened.success ? "PCM" : opened.success.format.toUpperCase()
}

/** Decoding to mono at 16 kHz, container by container. */
export const decoding = Effect.gen(function* () {
  const { sounds } = yield* Bench
  const formats = Map.groupBy(sounds, formatOf)
  formats.delete("unreadable")
  return yield* Effect.forEach(formats, ([format, found]) =>
    Effect.gen(function* () {
      const chosen = found.slice(0, MOST)
      const decodeAll = Effect.forEach(chosen, ({ bytes }) => decodeClip(bytes, { maxSeconds }))
      const clips = yield* decodeAll
      const length = clips.reduce((sum, { samples }) => sum + samples.length / SAMPLE_RATE, 0)
      return yield* speedOf("decode", `${format}, ${chosen.length} files`, length, decodeAll)
    })
  )
})

/** The rate alone, from what recorders use to 16 kHz. */
export const resampling = Effect.forEach([8000, 22_050, 44_100, 48_000], (rate) => {
  const random = seededRandom(rate)
  const samples = Float32Array.from({ length: SECONDS * rate }, () => random() - 0.5)
  return speedOf(
    "resample",
    `${rate.toLocaleString("en")} Hz`,
    SECONDS,
    Effect.sync(() => resample(samples, rate, SAMPLE_RATE))
  )
})

/** The first of the sounds that can be decoded, repeated until it is as long as the peers' clip. */
const oneClip: Effect.Effect<Clip, never, Bench> = Effect.gen(function* () {
  const { sounds } = yield* Bench
  const { samples } = yield* Effect.firstSuccessOf(
    sounds.map(({ bytes }) => decodeClip(bytes, { maxSeconds: SECONDS }))
  ).pipe(Effect.orDie)
  const whole = Float32Array.from({ length: SECONDS * SAMPLE_RATE }, (_, i) => samples[i % samples.length]!)
  return { samples: whole, sampleRate: SAMPLE_RATE }
})

/** Every augmentation by itself, though a run analyses a clip once for all that stretch it. */
export const transforms = Effect.gen(function* () {
  const clip = yield* oneClip
  return yield* Effect.forEach(drawVariants("benchmark", MAX_AUGMENTATIONS).slice(1), (draw) =>
    speedOf(
      "transforms",
      draw.variant,
      SECONDS,
      Effect.sync(() => augment(clip, [draw]))
    )
  )
})

/** What every variant goes through after it. */
export const frontEnd = Effect.gen(function* () {
  const clip = yield* oneClip
  return [
    yield* speedOf(
      "front-end",
      "log-mel patches",
      SECONDS,
      Effect.sync(() => logMelPatches(clip.samples))
    ),
    yield* speedOf(
      "front-end",
      "audit copy",
      SECONDS,
      Effect.sync(() => encodeWav(clip))
    )
  ]
})
