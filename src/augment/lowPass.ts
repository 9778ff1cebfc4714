import { resample } from "../sound/resample.ts"

/** Sound without what lies above `cutoff`, in Hz: as a recorder of twice that rate hears it. As many samples. */
export const lowPass = (samples: Float32Array, sampleRate: number, cutoff: number): Float32Array =>
  2 * cutoff >= sampleRate
    ? samples.slice()
    : resample(resample(samples, sampleRate, 2 * cutoff), 2 * cutoff, sampleRate, samples.length)
