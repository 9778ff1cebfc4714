import { addNormal } from "./normal.ts"

export interface NoiseParameters {
  /** Standard deviation, where full scale is 1. */
  readonly sigma: number
  readonly seed: number
}

/** White Gaussian noise on top. Sums beyond ±1 stay as they are. */
export const apply = (samples: Float32Array, _sampleRate: number, { sigma, seed }: NoiseParameters): Float32Array => {
  const out = samples.slice()
  addNormal(out, sigma, seed)
  return out
}
