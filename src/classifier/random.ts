/** A stream of numbers in [0, 1), the same on every machine. */
export type Random = () => number

/**
 * Seeded random numbers for everything that training draws: first weights, order of samples, dropout.
 *
 * sfc32 (Doty-Humphrey, PractRand): 128 bits of state, integer arithmetic only, so equal seeds give equal streams.
 */
export const seededRandom = (seed: number): Random => {
  let [a, b, c, counter] = [0, Math.floor(seed / 2 ** 32) | 0, seed | 0, 1]
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (((c << 21) | (c >>> 11)) + sum) | 0
    return (sum >>> 0) / 2 ** 32
  }
  // The author's seeding: neighbouring seeds give unrelated streams only after some rounds.
  for (let round = 0; round < 12; round++) next()
  return next
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
