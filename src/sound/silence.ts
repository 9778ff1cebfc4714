/** A peak below this, 80 dB below full scale, is no sound that anything could be learnt from. */
export const SILENT_PEAK = 1e-4

/** Whether samples stay where they are, within a silent peak: a constant offset is as silent as zeros. */
export const isFlat = (samples: Float32Array): boolean => {
  let low = Number.POSITIVE_INFINITY
  let high = Number.NEGATIVE_INFINITY
  for (let i = 0; i < samples.length; i++) {
    const sample = samples[i]!
    if (sample < low) low = sample
    if (sample > high) high = sample
    if (high - low >= 2 * SILENT_PEAK) return false
  }
  return true
}
