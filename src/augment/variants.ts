import { COMBINATIONS } from "./combined.ts"
import { NOISES } from "./noise.ts"
import { PITCH_SHIFTS } from "./pitchShift.ts"
import { TIME_SHIFTS } from "./timeShift.ts"
import { TIME_STRETCHES } from "./timeStretch.ts"
import type { Variant } from "./variant.ts"
import { VOLUMES } from "./volume.ts"

/** Every variant that can be drawn, by the name that EcoSight gave it: a family of them is one file and one line here. */
export const VARIANTS = {
  ...TIME_STRETCHES,
  ...PITCH_SHIFTS,
  ...NOISES,
  ...TIME_SHIFTS,
  ...VOLUMES,
  ...COMBINATIONS
} as const satisfies Readonly<Record<string, Variant>>

export type DrawnName = keyof typeof VARIANTS
export const DRAWN_NAMES = Object.keys(VARIANTS) as ReadonlyArray<DrawnName>

/** The recording itself, or one of the variants. */
export type VariantName = "original" | DrawnName

/** Every variant that a recording can have. */
export const VARIANT_NAMES: ReadonlyArray<VariantName> = ["original", ...DRAWN_NAMES]

/** Variants that can be drawn; `original` comes on top. */
export const MAX_AUGMENTATIONS = DRAWN_NAMES.length
