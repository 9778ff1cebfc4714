import type { CodedVectors } from "./coding.ts"

// Cosines of coded vectors without decoding them: codes of all windows lie together for each number of a vector.

/** The lengths of the first vector of each window, of `size` numbers of `vectors` in a row. */
export const lengthsOf = ({ count, codes, ranges }: CodedVectors, size: number, vectors: number): Float32Array => {
  const sums = new Int32Array(count)
  const squares = new Int32Array(count)
  for (let i = 0; i < size; i++) {
    const column = codes.subarray(i * count, (i + 1) * count)
    for (let window = 0; window < count; window++) {
      const code = column[window]!
      sums[window]! += code
      squares[window]! += code * code
    }
  }
  return Float32Array.from(sums, (sum, window) => {
    const low = ranges[2 * window * vectors]!
    const step = ranges[2 * window * vectors + 1]!
    return Math.sqrt(size * low * low + 2 * low * step * sum + step * step * squares[window]!)
  })
}

/** Columns that are multiplied at once: sums are read and written once for all of them. */
const AT_ONCE = 8

/**
 * The cosines between a vector and the first one of each window, whose `lengths` are known; 0 for a vector of zeros.
 *
 * Sums are of whole numbers, which is three times as fast: the vector is rounded to as many bits as they can hold, which
 * moves a cosine by about a millionth.
 */
export const cosinesWith = (
  query: Float32Array,
  { count, codes, ranges }: CodedVectors,
  vectors: number,
  lengths: Float32Array
): Float32Array => {
  const [sum, size, square] = query.reduce(
    ([all, sizes, squares], value) => [all + value, sizes + Math.abs(value), squares + value * value],
    [0, 0, 0]
  )
  // Rounding adds up to a half a column.
  const scale = size === 0 ? 0 : ((2 ** 31 - 1) / 255 - query.length) / size
  const whole = query.map((value) => Math.round(scale * value))
  // Most of what YAMNet hears in a second is zero: of such numbers nothing is read.
  const columns = Array.from(whole.keys()).filter((column) => whole[column] !== 0)
  const products = new Int32Array(count)
  // Behind the last column it is read again, times zero.
  const factor = (i: number) => (i < columns.length ? whole[columns[i]!]! : 0)
  const at = (i: number) => columns[Math.min(i, columns.length - 1)]! * count
  for (let i = 0; i < columns.length; i += AT_ONCE) {
    const [a, b, c, d] = [factor(i), factor(i + 1), factor(i + 2), factor(i + 3)]
    const [e, f, g, h] = [factor(i + 4), factor(i + 5), factor(i + 6), factor(i + 7)]
    const [atA, atB, atC, atD] = [at(i), at(i + 1), at(i + 2), at(i + 3)]
    const [atE, atF, atG, atH] = [at(i + 4), at(i + 5), at(i + 6), at(i + 7)]
    for (let window = 0; window < count; window++) {
      products[window]! +=
        Math.imul(a, codes[atA + window]!) +
        Math.imul(b, codes[atB + window]!) +
        Math.imul(c, codes[atC + window]!) +
        Math.imul(d, codes[atD + window]!) +
        Math.imul(e, codes[atE + window]!) +
        Math.imul(f, codes[atF + window]!) +
        Math.imul(g, codes[atG + window]!) +
        Math.imul(h, codes[atH + window]!)
    }
  }
  const length = Math.sqrt(square)
  const cosines = new Float32Array(count)
  for (let window = 0; window < count; window++) {
    const low = ranges[2 * window * vectors]!
    const step = ranges[2 * window * vectors + 1]!
    const both = length * lengths[window]!
    if (both > 0) cosines[window] = (low * sum + (step * products[window]!) / scale) / both
  }
  return cosines
}
