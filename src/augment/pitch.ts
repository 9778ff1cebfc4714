import { resample } from "../sound/resample.ts"
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

/** The rate at which a clip is stretched before it is resampled to its old length. */
export const stretchRate = ({ semitones }: PitchParameters): number => 1 / intervalOf(semitones)

/**
 * Changes pitch without speed: librosa.effects.pitch_shift, a stretch that is then resampled to the old length.
 *
 * @param stretched the samples at `stretchRate(parameters)`, where they are known already.
 */
export const apply = (
  samples: Float32Array,
  sampleRate: number,
  parameters: PitchParameters,
  stretched = stretch(samples, sampleRate, { rate: stretchRate(parameters) })
): Float32Array => resample(stretched, sampleRate * intervalOf(parameters.semitones), sampleRate, samples.length)
