import { resample } from "../sound/resample.ts"
import type { Variant } from "./variant.ts"

/** 2^(1/12), and its powers by multiplication because `Math.pow` differs between machines. */
const SEMITONE = 1.0594630943592953
const ratioOf = (semitones: number): number => {
  let ratio = 1
  for (let i = 0; i < Math.abs(semitones); i++) ratio *= SEMITONE
  return semitones < 0 ? 1 / ratio : ratio
}

/**
 * Changes pitch without speed, by whole semitones (positive is higher): librosa.effects.pitch_shift, a stretch that is
 * then resampled to the old length.
 */
export const pitchShift = (semitones: number): Variant<{ readonly semitones: number }> => ({
  draw: () => ({ semitones }),
  stretchRate: (parameters) => 1 / ratioOf(parameters.semitones),
  apply: (stretched, parameters, { clip: { samples, sampleRate } }) =>
    resample(stretched, sampleRate * ratioOf(parameters.semitones), sampleRate, samples.length)
})

export const PITCH_SHIFTS = {
  pitch_up: pitchShift(2),
  pitch_down: pitchShift(-2)
}
