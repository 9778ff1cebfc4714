import type { Variant } from "./variant.ts"

/** How far a clip is moved at most, as a fraction of its length. */
const MOST = 0.15

/**
 * Moves a clip in time, circularly: what leaves at one end enters at the other. How far is drawn, evenly: a positive
 * `fraction` of the clip's length is later.
 */
export const timeShift: Variant<{ readonly fraction: number }> = {
  draw: (random) => ({ fraction: MOST * (2 * random() - 1) }),
  apply: (samples, { fraction }) => {
    const length = samples.length
    const later = ((Math.round(fraction * length) % length) + length) % length
    const out = new Float32Array(length)
    out.set(samples.subarray(length - later))
    out.set(samples.subarray(0, length - later), later)
    return out
  }
}

export const TIME_SHIFTS = { time_shift: timeShift }
