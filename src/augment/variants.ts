import { FURTHER_NAMES, type FurtherVariant } from "../config/forms.ts"
import { COMBINATIONS } from "./combined.ts"
import { LOW_PASSES } from "./lowPass.ts"
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

/**
 * Variants that are made of every recording where the setting VARIANTS asks for them, beside those that are drawn: a
 * recording as it is heard elsewhere, so that its patches count as an original's do.
 */
const FURTHER_VARIANTS = { ...LOW_PASSES } as const satisfies Record<FurtherVariant, Variant>

/** Of either kind. */
export const ALL_VARIANTS = { ...VARIANTS, ...FURTHER_VARIANTS }

/** The recording itself, or one of the variants. */
export type VariantName = "original" | DrawnName | FurtherVariant

/** Every variant that a recording can have. */
export const VARIANT_NAMES: ReadonlyArray<VariantName> = ["original", ...DRAWN_NAMES, ...FURTHER_NAMES]

/** Whether a variant is one that VARIANTS asks for. */
export const isFurther = (name: VariantName): name is FurtherVariant => FURTHER_NAMES.some((one) => one === name)

/** Variants that can be drawn; `original` comes on top. */
export const MAX_AUGMENTATIONS = DRAWN_NAMES.length
