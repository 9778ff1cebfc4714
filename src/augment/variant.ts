import type { Clip } from "../sound/clip.ts"

/** What a variant of one recording was made with; stored beside its embedding. */
export type Parameters = Readonly<Record<string, number>>

/** One way to make another recording of a clip. */
export interface Variant<P extends Parameters = Parameters> {
  /**
   * Its parameters for one recording. `random` gives up to three numbers from 0 to 1, which depend on the recording and
   * the variant alone.
   */
  draw(random: () => number): P
  /** The rate at which it has the clip stretched, where it does: the clip is analysed once for all that stretch it. */
  stretchRate?(parameters: P): number
  /**
   * Makes its samples of the clip's, or of the stretched clip's, and leaves those as they are. They may pass ±1, and may
   * be more or fewer.
   */
  apply(samples: Float32Array, parameters: P, context: VariantContext): Float32Array
}

export interface VariantContext {
  /** As it was decoded, at the rate that the embedder asks for: `clip.sampleRate` is that of all samples here. */
  readonly clip: Clip
  /** 32 bits of the variant's own, for noise. */
  readonly seed: number
}
