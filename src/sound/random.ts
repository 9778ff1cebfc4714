/**
 * Independent uniform 32-bit integers, signed: equal seeds (32 bits) give equal streams on every machine.
 *
 * sfc32 (Chris Doty-Humphrey, PractRand): 128 bits of state, integer arithmetic only.
 */
const seededIntegers = (seed: number): (() => number) => {
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
  // Its author discards the first numbers, which still show the seed.
  for (let i = 0; i < 15; i++) next()
  return next
}

/** A stream of numbers in [0, 1), the same on every machine. */
export type Random = () => number

/** Seeded numbers in [0, 1), for everything that is drawn but not heard: weights, order, dropout, resampling. */
export const seededRandom = (seed: number): Random => {
  const next = seededIntegers(seed)
  return () => (next() >>> 0) / 2 ** 32
}

/** The integers 0 to `length - 1` in random order (Fisher and Yates). */
export const shuffled = (length: number, random: Random): Uint32Array => {
  const order = Uint32Array.from({ length }, (_, index) => index)
  for (let last = length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1))
    const held = order[last]!
    order[last] = order[other]!
    order[other] = held
  }
  return order
}
