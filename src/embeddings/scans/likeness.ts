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

/** The cosines between a vector and the first one of each window, whose `lengths` are known; 0 for a vector of zeros. */
export const cosinesWith = (
  query: Float32Array,
  { count, codes, ranges }: CodedVectors,
  vectors: number,
  lengths: Float32Array
): Float32Array => {
  const products = new Float32Array(count)
  let [sum, square] = [0, 0]
  for (const [i, value] of query.entries()) {
    if (value === 0) continue
    sum += value
    square += value * value
    const column = codes.subarray(i * count, (i + 1) * count)
    for (let window = 0; window < count; window++) products[window]! += value * column[window]!
  }
  const length = Math.sqrt(square)
  return products.map((product, window) => {
    const low = ranges[2 * window * vectors]!
    const step = ranges[2 * window * vectors + 1]!
    const both = length * lengths[window]!
    return both === 0 ? 0 : (low * sum + step * product) / both
  })
}
