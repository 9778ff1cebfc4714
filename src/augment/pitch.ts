import { resample } from "../audio/resample.ts"
import type { Spectrogram } from "./spectrogram.ts"
import { apply as stretch } from "./stretch.ts"

export interface PitchParameters {
  /** Whole semitones: positive is higher. */
  readonly semitones: number
}

/** 2^(1/12), and its powers by multiplication because `Math.pow` differs between machines. */
const SEMITONE = 1.0594630943592953
const intervalOf = (semitones: number): number => {
  let interval = 1
  for (let i = 0; i < Math.abs(semitones); i++) interval *= SEMITONE
  return semitones < 0 ? 1 / interval : interval
}

/** Changes pitch without speed: librosa.effects.pitch_shift, a stretch that is then resampled to the old length. */
export const apply = (
  samples: Float32Array,
  sampleRate: number,
  { semitones }: PitchParameters,
  spectrogram?: Spectrogram
): Float32Array => {
  const interval = intervalOf(semitones)
  const stretched = stretch(samples, sampleRate, { rate: 1 / interval }, spectrogram)
  return resample(stretched, sampleRate * interval, sampleRate, samples.length)
}
