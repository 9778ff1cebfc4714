export interface VolumeParameters {
  readonly gain: number
}

/** Every sample times `gain`. Products beyond ±1 stay as they are. */
export const apply = (samples: Float32Array, _sampleRate: number, { gain }: VolumeParameters): Float32Array =>
  samples.map((sample) => sample * gain)
