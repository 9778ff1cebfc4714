/** Shorter recordings hold no sound to speak of: 25 ms is one analysis window of YAMNet. */
const MIN_SECONDS = 0.025
/** 60 dB above full scale: a float file this loud holds other numbers than sound. */
export const MAX_PEAK = 1000

/** Decoded sound, mono, at the rate of its file. */
export interface Sound {
  readonly samples: Float32Array
  readonly rate: number
}

/** What makes decoded sound unusable, if anything, as the end of a sentence that begins with "the file ". */
export const fault = ({ samples, rate }: Sound, maxPeak = MAX_PEAK): string | undefined => {
  if (samples.length === 0) return "holds no sound"
  if (!(rate >= 1000 && rate <= 1_000_000)) return `claims a sample rate of ${rate} Hz`
  const milliseconds = (1000 * samples.length) / rate
  if (milliseconds < 1000 * MIN_SECONDS) {
    return `holds ${milliseconds.toPrecision(2)} ms of sound, at least ${1000 * MIN_SECONDS} ms are needed`
  }
  let peak = 0
  let invalid = 0
  for (let i = 0; i < samples.length; i++) {
    const size = Math.abs(samples[i]!)
    if (size > peak) peak = size
    if (!(size < Number.POSITIVE_INFINITY)) invalid++
  }
  const count = (n: number): string => n.toLocaleString("en")
  if (invalid > 0) return `holds samples that are not numbers (${count(invalid)} of ${count(samples.length)})`
  if (peak > maxPeak && maxPeak < MAX_PEAK)
    return `decodes to ${count(Math.round(peak))} times full scale, as damaged sound does`
  if (peak > MAX_PEAK) return `is over ${count(MAX_PEAK)} times as loud as full scale, so it does not hold sound`
  return undefined
}
