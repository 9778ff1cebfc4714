import { Effect } from "effect"
import { augment } from "../augment/augment.ts"
import { type Draw, drawVariants } from "../augment/draw.ts"
import { logMelPatches, PATCH_SIZE } from "../embedder/yamnet/frontend.ts"
import { evenWeights, patchWeights } from "../embedder/yamnet/pooling.ts"
import { SAMPLE_RATE } from "../sound/clip.ts"
import { decodeClip } from "../sound/decode/decode.ts"
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
  /** [patches * 96 * 64] log-mel */
  readonly patches: Float32Array
  /** What each patch counts for in the embedding. */
  readonly weights: Float64Array
  /** The audit copy, or null without one. */
  readonly wav: Uint8Array | null
}

/** A decoded recording with all its variants. */
export interface PreparedRecording {
  readonly silent: boolean
  readonly variants: ReadonlyArray<PreparedVariant>
}

/**
 * Decodes a recording, draws and applies its augmentations, and computes every variant's log-mel patches.
 *
 * @param contentHash hex SHA-256 of the bytes, which seeds the augmentations.
 */
export const prepareRecording = Effect.fn("prepareRecording")(function* (
  bytes: Uint8Array,
  contentHash: string,
  settings: PrepareSettings
) {
  const clip = yield* decodeClip(bytes, { maxSeconds: settings.clipMaxSeconds })
  const variants = augment(clip, drawVariants(contentHash, settings.augmentations)).map(
    ({ draw, clip: variant }): PreparedVariant => {
      const { bytes: wav, peak, clipped } = encodeWav(variant)
      const patches = logMelPatches(variant.samples)
      return {
        draw,
        seconds: variant.samples.length / SAMPLE_RATE,
        peak,
        clipped,
        patches,
        weights: draw.variant === "original" ? patchWeights(patches) : evenWeights(patches.length / PATCH_SIZE),
        wav: settings.audit ? wav : null
      }
    }
  )
  return { silent: variants[0]!.peak === 0, variants } satisfies PreparedRecording
})
