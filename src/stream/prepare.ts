import { Effect } from "effect"
import { augment } from "../augment/augment.ts"
import { type Draw, drawVariants } from "../augment/draw.ts"
import { evenWeights, type FrontEnd } from "../embedder/frontEnd.ts"
import { decodeClip } from "../sound/decode/decode.ts"
import { SILENT_PEAK } from "../sound/silence.ts"
import { encodeWav } from "../sound/wav.ts"

/** What turns a recording's bytes into variants; part of the recipe, but for `audit`. */
export interface PrepareSettings {
  readonly clipMaxSeconds: number
  readonly augmentations: number
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

/**
 * Decodes a recording, draws and applies its augmentations, and makes every variant's patches for this front-end.
 *
 * @param contentHash hex SHA-256 of the bytes, which seeds the augmentations.
 */
export const prepareRecording = Effect.fn("prepareRecording")(function* (
  bytes: Uint8Array,
  contentHash: string,
  { sampleRate, patchSize, prepare, weigh }: FrontEnd,
  settings: PrepareSettings
) {
  const clip = yield* decodeClip(bytes, { maxSeconds: settings.clipMaxSeconds, sampleRate })
  const variants = augment(clip, drawVariants(contentHash, settings.augmentations)).map(
    ({ draw, clip: variant }): PreparedVariant => {
      const { bytes: wav, peak, clipped } = encodeWav(variant)
      const patches = prepare(variant.samples)
      return {
        draw,
        seconds: variant.samples.length / sampleRate,
        peak,
        clipped,
        patches,
        weights: draw.variant === "original" ? weigh(patches) : evenWeights(patches.length / patchSize),
        wav: settings.audit ? wav : null
      }
    }
  )
  return {
    silent: clip.isFlat || variants[0]!.peak < SILENT_PEAK,
    notes: clip.notes,
    variants
  } satisfies PreparedRecording
})
