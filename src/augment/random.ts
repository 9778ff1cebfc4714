/**
 * Seeded random numbers with the same bits on every machine: integer and IEEE 754 arithmetic only, no `Math.log`.
 */

/** Independent uniform 32-bit integers: sfc32 (Chris Doty-Humphrey, PractRand). */
export const makeRandom = (seed: number): (() => number) => {
  let a = 0
  let b = seed | 0
  let c = 0x9e3779b9 | 0
  let counter = 1
  const next = (): number => {
    const result = (a + b + counter++) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (((c << 21) | (c >>> 11)) + result) | 0
    return result
  }
  // What its author prescribes before the first number is used.
  for (let i = 0; i < 15; i++) next()
  return next
}

/** Natural logarithm of x in (0, 1], to 1e-13: 2 artanh((x - 1) / (x + 1)) near 1, and halvings. */
const logarithm = (x: number): number => {
  let mantissa = x
  let halvings = 0
  for (; mantissa < Math.SQRT1_2; mantissa *= 2) halvings++
  const z = (mantissa - 1) / (mantissa + 1)
  const s = z * z
  const series = 1 + s * (1 / 3 + s * (1 / 5 + s * (1 / 7 + s * (1 / 9 + s * (1 / 11 + s * (1 / 13 + s / 15))))))
  return 2 * z * series - halvings * Math.LN2
}

/** Adds `sigma` times standard normal deviates to `samples`: Marsaglia's polar method, two deviates at a time. */
export const addNormal = (samples: Float32Array, sigma: number, seed: number): void => {
  const random = makeRandom(seed)
  for (let i = 0; i < samples.length; ) {
    const u = random() * 2 ** -31
    const v = random() * 2 ** -31
    const s = u * u + v * v
    if (s >= 1 || s === 0) continue
    const scale = sigma * Math.sqrt((-2 * logarithm(s)) / s)
    samples[i] = samples[i]! + u * scale
    i++
    if (i < samples.length) samples[i] = samples[i]! + v * scale
    i++
  }
}
