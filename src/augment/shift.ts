export interface ShiftParameters {
  /** How far to move, as a fraction of the clip: positive is later. */
  readonly fraction: number
}

/** Moves a clip in time, circularly: what leaves at one end enters at the other. */
export const apply = (samples: Float32Array, _sampleRate: number, { fraction }: ShiftParameters): Float32Array => {
  const length = samples.length
  const later = ((Math.round(fraction * length) % length) + length) % length
  const out = new Float32Array(length)
  out.set(samples.subarray(length - later))
  out.set(samples.subarray(0, length - later), later)
  return out
}
