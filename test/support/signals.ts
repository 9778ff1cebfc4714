/** Seeded noise in [-1, 1) (mulberry32). */
export const noise = (seed: number): (() => number) => {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 31 - 1
  }
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
