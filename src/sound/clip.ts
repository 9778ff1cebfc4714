/** Sample rate of a clip, in Hz, unless an embedder asks for another: the one YAMNet was trained at. */
export const SAMPLE_RATE = 16_000

/** Mono audio. Full scale is ±1; codecs, resampling and augmentation may pass a little beyond it. */
export interface Clip {
  readonly samples: Float32Array
  readonly sampleRate: number
}
