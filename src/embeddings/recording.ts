import type { Draw } from "../augment/draw.ts"
import type { StoredRecipe } from "./recipe.ts"
import type { Sighting } from "./sighting.ts"

/** One variant of a recording and its embedding: the mean over its patches, by energy in an original. */
export interface EmbeddedVariant {
  readonly draw: Draw
  readonly seconds: number
  readonly patches: number
  /** Largest absolute sample before the audit copy's rounding. */
  readonly peak: number
  /** Samples beyond full scale, limited in the audit copy. */
  readonly clipped: number
  /** All vectors of its recipe, side by side. */
  readonly vector: Float32Array
}

/** A recording's vectors and where it lay when it was embedded, with all its variants; `variants[0]` is the original. */
export interface EmbeddedRecording extends Sighting {
  /** Silence: kept, since it is audio, but worth a look. */
  readonly silent: boolean
  /** What reading it took that is not usual, a sentence each: known where it is embedded, and not kept with vectors. */
  readonly notes?: ReadonlyArray<string>
  readonly variants: ReadonlyArray<EmbeddedVariant>
}

/** What stands in an original that is all of a recording, which may be longer than clips are at most. */
export const wholeParameters: Draw["parameters"] = { whole: 1 }

/** Whether a recording lasts as long as a limit, by which it may have been cut. */
export const isAsLongAs = (seconds: number, limit: number): boolean => Math.abs(seconds - limit) < 0.001

/**
 * Whether no more than the beginning of a recording may be in its vector, as was done before all of a long one was heard: it
 * is embedded again.
 */
export const mayBeCut = (
  { parts }: Pick<StoredRecipe, "parts">,
  { draw, seconds }: Pick<EmbeddedVariant, "draw" | "seconds">
): boolean =>
  typeof parts.clipMaxSeconds === "number" &&
  isAsLongAs(seconds, parts.clipMaxSeconds) &&
  draw.parameters.whole === undefined
