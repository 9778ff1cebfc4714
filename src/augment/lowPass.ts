import { resample } from "../sound/resample.ts"
import type { Variant } from "./variant.ts"

/** Sound without what lies above `cutoff`, in Hz: as a recorder of twice that rate hears it. As many samples. */
export const lowPass = (samples: Float32Array, sampleRate: number, cutoff: number): Float32Array =>
  2 * cutoff >= sampleRate
    ? samples.slice()
    : resample(resample(samples, sampleRate, 2 * cutoff), 2 * cutoff, sampleRate, samples.length)

/** Cutoffs are drawn between 1 and 4 kHz, in steps of so many Hz, the lower ones as often as the higher ones by their ratio. */
const STEP = 100
const LOWEST = 1000

/** As from afar, or by a recorder of less bandwidth: what lies above a drawn `cutoff`, in Hz, is gone. */
export const distantSound: Variant<{ readonly cutoff: number }> = {
  // The square of 1 to 2 is as good as 4 to a power of 0 to 1, and has the same bits everywhere.
  draw: (random) => ({ cutoff: STEP * Math.round((LOWEST * (1 + random()) ** 2) / STEP) }),
  apply: (samples, { cutoff }, { clip }) => lowPass(samples, clip.sampleRate, cutoff)
}

export const LOW_PASSES = { low_pass: distantSound }
