import { scaled } from "../sound/level.ts"
import type { Variant } from "./variant.ts"

/** Every sample times `gain`. Products beyond ±1 stay as they are. */
export const volume = (gain: number): Variant<{ readonly gain: number }> => ({
  draw: () => ({ gain }),
  apply: (samples, parameters) => scaled(samples, parameters.gain)
})

export const VOLUMES = {
  volume_up: volume(1.2),
  volume_down: volume(0.8)
}
