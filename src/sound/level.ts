/** What sound is brought to: about what quiet places have in most recordings of AudioSet. */
const NOMINAL = 0.011
/** Recorders differ in gain by less; what is quieter is no sound but the recorder's own noise. */
const MOST_GAIN = 100
/** Seconds of a frame: short beside a call, long beside a wave. */
const FRAME_SECONDS = 0.1
/** Differences between neighbouring samples hear no rumble of wind and handling, which says little of how loud a place is. */
const PRE_EMPHASIS = 0.95

/**
 * Sound at a nominal level, whatever the recorder's gain: the same samples, times one number that brings the median of their
 * frames' levels there. Calls that last less than half of it do not change what they are heard beside. Pure silence stays.
 */
export const levelled = (samples: Float32Array, sampleRate: number): Float32Array => {
  const level = medianLevel(samples, Math.round(FRAME_SECONDS * sampleRate))
  if (level === 0) return samples
  return scaled(samples, Math.min(MOST_GAIN, Math.max(1 / MOST_GAIN, NOMINAL / level)))
}

/** The same samples, each times `gain`. */
export const scaled = (samples: Float32Array, gain: number): Float32Array => {
  const out = new Float32Array(samples.length)
  for (let i = 0; i < samples.length; i++) out[i] = gain * samples[i]!
  return out
}

/** The median of the root mean squares of frames, with high frequencies emphasised. */
const medianLevel = (samples: Float32Array, frame: number): number => {
  const frames = Math.max(1, Math.floor(samples.length / frame))
  const powers = new Float64Array(frames)
  for (let at = 0; at < frames; at++) {
    const end = Math.min(samples.length, (at + 1) * frame)
    let sum = 0
    let before = samples[at * frame]!
    for (let i = at * frame + 1; i < end; i++) {
      const sample = samples[i]!
      const difference = sample - PRE_EMPHASIS * before
      before = sample
      sum += difference * difference
    }
    powers[at] = sum / frame
  }
  return Math.sqrt(powers.sort()[frames >> 1]!)
}

/** How loud labelled clips are: of UrbanSound8K's a quarter is below -30 dB of full scale, half below -25, a quarter above -20. */
const CLIPS = { middle: -25, reach: 12 } as const

/**
 * A piece of a field recording as loud as labelled clips are, which one of them says `share` (0 to 1). So neither a recorder's
 * gain nor how far a call is above what is around it tells what it is. Nothing goes beyond full scale; silence stays.
 */
export const asLoudAsClips = (samples: Float32Array, share: number): Float32Array => {
  let [power, peak] = [0, 0]
  for (let i = 0; i < samples.length; i++) {
    const sample = samples[i]!
    power += sample * sample
    peak = Math.max(peak, Math.abs(sample))
  }
  if (power === 0) return samples
  const loudness = 10 ** ((CLIPS.middle + CLIPS.reach * (2 * share - 1)) / 20)
  return scaled(samples, Math.min(loudness / Math.sqrt(power / samples.length), 1 / peak))
}
