export interface VolumeParameters {
  readonly gain: number
}

/** Every sample times `gain`. Products beyond ±1 stay as they are. */
export const apply = (samples: Float32Array, _sampleRate: number, { gain }: VolumeParameters): Float32Array => {
  const out = new Float32Array(samples.length)
  for (let i = 0; i < out.length; i++) out[i] = samples[i]! * gain
  return out
}
