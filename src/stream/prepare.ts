import { Effect } from "effect"
import { augment } from "../augment/augment.ts"
import { type Draw, drawVariants } from "../augment/draw.ts"
import { isFurther } from "../augment/variants.ts"
import type { FurtherVariant } from "../config/forms.ts"
import { evenWeights, type FrontEnd } from "../embedder/frontEnd.ts"
import { isAsLongAs, wholeParameters } from "../embeddings/recording.ts"
import type { Clip } from "../sound/clip.ts"
import { DecodeError, decodeClip } from "../sound/decode/decode.ts"
import { SILENT_PEAK } from "../sound/silence.ts"
import { encodeWav } from "../sound/wav.ts"
import { hearLongClip, type LongClip } from "./longClip.ts"

/** What turns a recording's bytes into variants; part of the recipe, but for `audit`. */
export interface PrepareSettings {
  readonly clipMaxSeconds: number
  readonly augmentations: number
  /** What each recording gives beside; nothing unless said. */
  readonly variants?: ReadonlyArray<FurtherVariant>
  /** Whether to make the audit copies. */
  readonly audit: boolean
}

/** One variant, ready for the network. */
export interface PreparedVariant {
  readonly draw: Draw
  readonly seconds: number
  readonly peak: number
  readonly clipped: number
  /** [patches * patchSize] */
  readonly patches: Float32Array
  /** What each patch counts for in the embedding. */
  readonly weights: Float64Array
  /** The audit copy, or null without one. */
  readonly wav: Uint8Array | null
}

/** A decoded recording with all its variants. */
export interface PreparedRecording {
  /** No sound, or next to none, in the recording or in what is left of it at the front-end's rate. */
  readonly silent: boolean
  /** What reading it took that is not usual, a sentence each. */
  readonly notes: ReadonlyArray<string>
  readonly variants: ReadonlyArray<PreparedVariant>
}

/** What is decoded beyond the limit, to tell whether there is more. */
export const BEYOND_SECONDS = 0.1

/**
 * Decodes a recording, draws and applies its augmentations, and makes every variant's patches for this front-end.
 *
 * Of one that is longer than `clipMaxSeconds` the original is all of it, its variants and audit copies the loudest stretch of
 * so many seconds.
 *
 * @param contentHash hex SHA-256 of the bytes, which seeds the augmentations.
 */
export const prepareRecording = Effect.fn("prepareRecording")(function* (
  bytes: Uint8Array,
  contentHash: string,
  frontEnd: FrontEnd,
  settings: PrepareSettings
) {
  const { sampleRate } = frontEnd
  const { clipMaxSeconds } = settings
  const decoded = yield* decodeClip(bytes, { maxSeconds: clipMaxSeconds + BEYOND_SECONDS, sampleRate })
  const isLong = decoded.samples.length > clipMaxSeconds * sampleRate
  const long = isLong ? yield* hearLong(bytes, frontEnd, clipMaxSeconds) : undefined
  if (long !== undefined) return prepareLong(long, contentHash, frontEnd, settings)
  const clip = { sampleRate, samples: decoded.samples.subarray(0, clipMaxSeconds * sampleRate) }
  const variants = makeVariants(clip, contentHash, frontEnd, settings)
  return {
    silent: decoded.isFlat || variants[0]!.peak < SILENT_PEAK,
    notes: [...decoded.notes, ...(isLong ? [`Only its first ${clipMaxSeconds} s are used.`] : [])],
    variants
  } satisfies PreparedRecording
})

/** Prepares a recording that was heard as a long one. */
export const prepareLong = (
  long: LongClip,
  contentHash: string,
  frontEnd: FrontEnd,
  settings: PrepareSettings
): PreparedRecording => {
  const variants = makeVariants(long.loudest, contentHash, frontEnd, settings, long)
  return { silent: long.isFlat || variants[0]!.peak < SILENT_PEAK, notes: long.notes, variants }
}

/** The variants of a clip, and its original, or in its place all of the long one that it was cut from. */
const makeVariants = (
  clip: Clip,
  contentHash: string,
  { sampleRate, patchSize, prepare, weigh }: FrontEnd,
  { clipMaxSeconds, augmentations, variants, audit }: PrepareSettings,
  long?: LongClip
): ReadonlyArray<PreparedVariant> =>
  augment(clip, drawVariants(contentHash, augmentations, variants)).map(({ draw, clip: variant }): PreparedVariant => {
    const { bytes: wav, peak, clipped } = encodeWav(variant)
    const isOriginal = draw.variant === "original"
    const patches = isOriginal && long !== undefined ? long.patches : prepare(variant.samples)
    const seconds = isOriginal && long !== undefined ? long.seconds : variant.samples.length / sampleRate
    const isWhole = isOriginal && (long !== undefined || isAsLongAs(seconds, clipMaxSeconds))
    return {
      draw: isWhole ? { ...draw, parameters: wholeParameters } : draw,
      seconds,
      peak,
      clipped,
      patches,
      weights: isOriginal || isFurther(draw.variant) ? weigh(patches) : evenWeights(patches.length / patchSize),
      wav: audit ? wav : null
    }
  })

/** All of a long recording; undefined where it is of a kind that ffmpeg alone reads, and of that no more than a beginning. */
const hearLong = (bytes: Uint8Array, frontEnd: FrontEnd, stretch: number) =>
  Effect.tryPromise({ try: () => hearLongClip(bytes, frontEnd, stretch), catch: (cause) => cause }).pipe(
    Effect.catchIf(
      (cause) => cause instanceof DecodeError,
      () => Effect.undefined
    ),
    Effect.orDie
  )
