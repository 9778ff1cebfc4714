import { seededRandom } from "../../../sound/random.ts"

/** Trunks scatter sound: so many echoes a second, of either sign, for so long. */
const ECHOES = 120
const SECONDS = 1.2
/** What is left of an echo's amplitude after a second: -60 dB. */
const PER_SECOND = 0.001
/** Leaves and air swallow high tones: how much of each step reaches an echo (a low-pass of one pole, at 16 kHz near 2 kHz). */
const SHARE = 0.55

/**
 * Sound as it arrives through a forest: what comes straight, and as much energy again in sparse echoes that decay by 60 dB
 * in a second and are duller (velvet noise, after Karjalainen and Järveläinen 2007). As many samples, and what rings on.
 */
export const throughForest = (samples: Float32Array, sampleRate: number, seed: number): Float32Array => {
  const random = seededRandom(seed)
  const echoes = Math.round(ECHOES * SECONDS)
  const spacing = sampleRate / ECHOES
  const decay = PER_SECOND ** (1 / ECHOES)
  const dull = new Float32Array(samples.length)
  let level = 0
  for (let i = 0; i < samples.length; i++) {
    level += SHARE * (samples[i]! - level)
    dull[i] = level
  }
  const out = new Float32Array(samples.length + Math.round(SECONDS * sampleRate))
  let [amplitude, energy] = [1, 0]
  for (let echo = 0; echo < echoes; echo++) {
    const at = Math.round((echo + random()) * spacing)
    const gain = random() < 0.5 ? amplitude : -amplitude
    for (let i = 0; i < dull.length && at + i < out.length; i++) out[at + i]! += gain * dull[i]!
    energy += amplitude * amplitude
    amplitude *= decay
  }
  const share = Math.SQRT1_2 / Math.sqrt(energy)
  for (let i = 0; i < out.length; i++) out[i] = share * out[i]! + (i < samples.length ? Math.SQRT1_2 * samples[i]! : 0)
  return out
}
