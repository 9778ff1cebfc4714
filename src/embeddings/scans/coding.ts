/** Windows' vectors at a byte a number. */
export interface CodedVectors {
  /** Windows. */
  readonly count: number
  /** [size of a row * count]: all windows' first numbers, then all their second ones, which compresses better. */
  readonly codes: Uint8Array
  /** [count * vectors of a row * 2]: the least value of each window's vector, and what a step of its codes is worth. */
  readonly ranges: Float32Array
}

/** Vectors of each window. */
export const vectorsIn = ({ count, ranges }: CodedVectors): number => ranges.length / (2 * count)

/** Enters the recipe of a scan: changes whenever the same vectors would be coded otherwise. */
export const CODING = "uint8-1"

const STEPS = 255

/**
 * Codes rows [n * size], each of vectors of these sizes side by side. Every vector of every window has a scale of its own,
 * so that quiet windows are as exact as loud ones; a zero that is its vector's least value stays exactly zero.
 */
export const codeVectors = (rows: Float32Array, sizes: ReadonlyArray<number>): CodedVectors => {
  const size = sizes.reduce((sum, own) => sum + own, 0)
  const count = rows.length / size
  const codes = new Uint8Array(rows.length)
  const ranges = new Float32Array(count * sizes.length * 2)
  for (let window = 0; window < count; window++) {
    let column = 0
    for (const [vector, own] of sizes.entries()) {
      const at = window * size + column
      let [low, high] = [rows[at]!, rows[at]!]
      for (let i = at + 1; i < at + own; i++) {
        const value = rows[i]!
        if (value < low) low = value
        else if (value > high) high = value
      }
      const step = Math.fround((high - low) / STEPS)
      const place = (window * sizes.length + vector) * 2
      ranges[place] = low
      ranges[place + 1] = step
      if (step > 0) {
        for (let i = 0; i < own; i++) {
          const value = rows[at + i]!
          if (value !== low) codes[(column + i) * count + window] = Math.min(STEPS, Math.round((value - low) / step))
        }
      }
      column += own
    }
  }
  return { count, codes, ranges }
}

/** Copies windows, `from` to `to`, exclusive, of rows of these sizes to where the window `at` of others is. */
export const copyWindows = (
  source: CodedVectors,
  sizes: ReadonlyArray<number>,
  from: number,
  to: number,
  target: CodedVectors,
  at: number
): void => {
  const size = sizes.reduce((sum, own) => sum + own, 0)
  const wide = 2 * sizes.length
  target.ranges.set(source.ranges.subarray(from * wide, to * wide), at * wide)
  const { buffer, byteOffset, byteLength } = source.codes
  const theirs = Buffer.from(buffer, byteOffset, byteLength)
  for (let column = 0; column < size; column++) {
    theirs.copy(target.codes, column * target.count + at, column * source.count + from, column * source.count + to)
  }
}

/** Windows and numbers that are decoded together: what is read and written of them stays in the nearest cache. */
const TILE = 32

/** Decodes windows `from` to `to`, exclusive, into `rows` [(to - from) * size]. The same codes give the same bits everywhere. */
export const decodeVectors = (
  { count, codes, ranges }: CodedVectors,
  sizes: ReadonlyArray<number>,
  from: number,
  to: number,
  rows: Float32Array
): void => {
  const size = sizes.reduce((sum, own) => sum + own, 0)
  let end = 0
  for (const [vector, own] of sizes.entries()) {
    const begin = end
    end += own
    for (let first = from; first < to; first += TILE) {
      for (let left = begin; left < end; left += TILE) {
        const right = Math.min(end, left + TILE)
        for (let window = first; window < Math.min(to, first + TILE); window++) {
          const place = (window * sizes.length + vector) * 2
          const low = ranges[place]!
          const step = ranges[place + 1]!
          const row = (window - from) * size
          for (let column = left, at = left * count + window; column < right; column++, at += count) {
            rows[row + column] = low + codes[at]! * step
          }
        }
      }
    }
  }
}
