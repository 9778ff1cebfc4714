import { resample } from "../sound/resample.ts"
import type { Variant } from "./variant.ts"

/** Sound without what lies above `cutoff`, in Hz: as a recorder of twice that rate hears it. As many samples. */
export const lowPass = (samples: Float32Array, sampleRate: number, cutoff: number): Float32Array =>
  2 * cutoff >= sampleRate
    ? samples.slice()
    : resample(resample(samples, sampleRate, 2 * cutoff), 2 * cutoff, sampleRate, samples.length)

/** Cutoffs are drawn from so many Hz to four times that, in steps. */
const LOWEST = 1000
const STEP = 100

/** As from afar, or by a recorder of less bandwidth: what lies above a drawn `cutoff`, in Hz, is gone. */
export const distantSound: Variant<{ readonly cutoff: number }> = {
  draw: (random) => {
    // Its square leans to low cutoffs, of which each step changes more.
    const root = 1 + random()
    return { cutoff: STEP * Math.round((LOWEST * root * root) / STEP) }
  },
  apply: (samples, { cutoff }, { clip }) => lowPass(samples, clip.sampleRate, cutoff)
}

export const LOW_PASSES = { low_pass: distantSound }
