import { seededRandom } from "../../src/sound/random.ts"

/** Seeded noise in [-1, 1). */
export const noise = (seed: number): (() => number) => {
  const random = seededRandom(seed)
  return () => 2 * random() - 1
}

/** A chirp from 200 Hz to 6 kHz that fades in bursts over faint noise: every band and level gets its turn. */
export const chirp = (samples: number): Float32Array => {
  const random = noise(samples)
  return Float32Array.from({ length: samples }, (_, n) => {
    const t = n / 16_000
    const seconds = samples / 16_000
    const phase = 2 * Math.PI * (200 * t + ((6000 - 200) / (2 * seconds)) * t * t)
    return 0.5 * Math.abs(Math.sin(5 * t)) ** 3 * Math.sin(phase) + 0.01 * random()
  })
}
