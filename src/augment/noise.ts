import { addNormal } from "./normalDeviates.ts"
import type { Variant } from "./variant.ts"

/** White Gaussian noise on top, of deviation `sigma` where full scale is 1. Sums beyond ±1 stay as they are. */
export const noise = (sigma: number): Variant<{ readonly sigma: number }> => ({
  draw: () => ({ sigma }),
  apply: (samples, parameters, { seed }) => {
    const out = samples.slice()
    addNormal(out, parameters.sigma, seed)
    return out
  }
})

export const NOISES = {
  noise_light: noise(0.002),
  noise_medium: noise(0.005)
}
