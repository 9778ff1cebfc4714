import type { Draw } from "../augment/draw.ts"
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
