import { createHash } from "node:crypto"
import type { FurtherVariant } from "../config/forms.ts"
import type { Parameters } from "./variant.ts"
import { ALL_VARIANTS, DRAWN_NAMES, MAX_AUGMENTATIONS, type VariantName } from "./variants.ts"

/**
 * Enters the recipe of every embedding: raise it whenever any variant of any recording would sound different, or others
 * would be drawn. A test holds a fingerprint of all variants against it.
 */
export const AUGMENTATION_VERSION = "2"

/** One variant of a recording, whole: the recording and this make the same samples on every machine. */
export interface Draw {
  readonly variant: VariantName
  /** 32 bits; only noise uses it. */
  readonly seed: number
  readonly parameters: Parameters
}

const ORIGINAL: Draw = { variant: "original", seed: 0, parameters: {} }

/**
 * The variants of a recording: the original, then `augmentations` drawn without repeats, then the further ones.
 *
 * Each variant is hashed together with the recording and the version; the lowest hashes are drawn, and the same hash
 * seeds the variant and its parameters. So asking for more keeps those that fewer would give.
 *
 * @param contentHash SHA-256 of the recording's bytes, in hexadecimal.
 * @throws RangeError unless `augmentations` is a whole number from 0 to `MAX_AUGMENTATIONS`.
 */
export const drawVariants = (
  contentHash: string,
  augmentations: number,
  further: ReadonlyArray<FurtherVariant> = []
): ReadonlyArray<Draw> => {
  if (!Number.isInteger(augmentations) || augmentations < 0 || augmentations > MAX_AUGMENTATIONS) {
    throw new RangeError(`augmentations must be a whole number from 0 to ${MAX_AUGMENTATIONS}, not ${augmentations}`)
  }
  const hashed = <Name extends string>(variant: Name) => ({
    variant,
    digest: createHash("sha256").update(`${AUGMENTATION_VERSION}/${contentHash}/${variant}`).digest()
  })
  const ranked = DRAWN_NAMES.map(hashed)
  ranked.sort((a, b) => a.digest.compare(b.digest))
  return [
    ORIGINAL,
    ...[...ranked.slice(0, augmentations), ...further.map(hashed)].map(
      ({ variant, digest }): Draw => ({
        variant,
        seed: digest.readUInt32LE(16),
        parameters: ALL_VARIANTS[variant].draw(numbersOf(digest.subarray(20)))
      })
    )
  ]
}

/** Numbers from 0 to 1, one for each 32 bits. */
const numbersOf = (bits: Buffer): (() => number) => {
  let at = 0
  return () => {
    at += 4
    return bits.readUInt32LE(at - 4) / 0xffff_ffff
  }
}
