import { createHash } from "node:crypto"

/**
 * Enters the recipe of every embedding: raise it whenever any variant of any recording would sound different.
 * A test holds a fingerprint of all variants against it.
 */
export const AUGMENTATION_VERSION = "2"

/** How far `time_shift` moves a clip at most, as a fraction of its length. */
const MAX_SHIFT = 0.15

/** The variants and their parameters, which `augment` reads; `time_shift` draws its own. */
export const VARIANTS = {
  time_stretch_fast: { rate: 1.1 },
  time_stretch_slow: { rate: 0.9 },
  pitch_up: { semitones: 2 },
  pitch_down: { semitones: -2 },
  noise_light: { sigma: 0.002 },
  noise_medium: { sigma: 0.005 },
  time_shift: {},
  volume_up: { gain: 1.2 },
  volume_down: { gain: 0.8 },
  combined_1: { rate: 1.05, sigma: 0.003 },
  combined_2: { semitones: 1, gain: 0.9 }
} as const

export type VariantName = "original" | keyof typeof VARIANTS

/** Every variant that a recording can have. */
export const VARIANT_NAMES: ReadonlyArray<VariantName> = [
  "original",
  ...(Object.keys(VARIANTS) as Array<keyof typeof VARIANTS>)
]

/** Transforms that can be drawn; `original` comes on top. */
export const MAX_AUGMENTATIONS = Object.keys(VARIANTS).length

/** One variant of a recording, whole: the recording and this make the same samples on every machine. */
export interface Draw {
  readonly variant: VariantName
  /** 32 bits; only noise uses it. */
  readonly seed: number
  readonly parameters: Readonly<Record<string, number>>
}

const ORIGINAL: Draw = { variant: "original", seed: 0, parameters: {} }

/**
 * The variants of a recording: the original, then `augmentations` drawn without repeats.
 *
 * Each variant is hashed together with the recording and the version; the lowest hashes are drawn, and the same hash
 * seeds the variant. So asking for more keeps those that fewer would give.
 *
 * @param contentHash SHA-256 of the recording's bytes, in hexadecimal.
 * @throws RangeError unless `augmentations` is a whole number from 0 to 11.
 */
export const planVariants = (contentHash: string, augmentations: number): ReadonlyArray<Draw> => {
  if (!Number.isInteger(augmentations) || augmentations < 0 || augmentations > MAX_AUGMENTATIONS) {
    throw new RangeError(`augmentations must be a whole number from 0 to ${MAX_AUGMENTATIONS}, not ${augmentations}`)
  }
  const ranked = (Object.keys(VARIANTS) as Array<keyof typeof VARIANTS>).map((variant) => ({
    variant,
    digest: createHash("sha256").update(`${AUGMENTATION_VERSION}/${contentHash}/${variant}`).digest()
  }))
  ranked.sort((a, b) => a.digest.compare(b.digest))
  return [
    ORIGINAL,
    ...ranked.slice(0, augmentations).map(({ variant, digest }): Draw => {
      const fraction = MAX_SHIFT * ((2 * digest.readUInt32LE(20)) / 0xffff_ffff - 1)
      return {
        variant,
        seed: digest.readUInt32LE(16),
        parameters: variant === "time_shift" ? { fraction } : VARIANTS[variant]
      }
    })
  ]
}
