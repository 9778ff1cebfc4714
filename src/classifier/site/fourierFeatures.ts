import { addNormal } from "../../augment/normalDeviates.ts"
import { seededRandom } from "../../sound/random.ts"
import { cosTurn } from "../../sound/trigonometry.ts"

/**
 * What a window lies near to, as numbers that a linear layer can weigh: random Fourier features of a Gaussian kernel (Rahimi
 * and Recht 2007), of a window's place among the directions in which windows differ most.
 */
export interface FourierFeatures {
  /** Those directions, [DIRECTIONS * size]. */
  readonly directions: Float32Array
  /** Of each feature, [FOURIER_FEATURES * DIRECTIONS], in turns. */
  readonly frequencies: Float32Array
  /** Of each feature, in turns. */
  readonly phases: Float32Array
}

/** Directions, of some hundred numbers a window: in more of them everything is about as far away as everything else. */
export const DIRECTIONS = 32
export const FOURIER_FEATURES = 512
/** The kernel falls to exp(-NEAR) at the distance that half of all pairs of windows have. */
const NEAR = 4
/** The highest value of a feature, for it to vary by half of what a standardised number does. */
const AMPLITUDE = 0.7 * Math.SQRT2
/** About as many windows as directions are measured on, and pairs that say how far windows are apart. */
const [MEASURED, PAIRS] = [2000, 4000]
/** Each brings the directions nearer to the principal ones. */
const ROUNDS = 8
const SEED = 0xf0

/** Draws features for rows [n * size] like these, which are standardised: equal rows give equal features. */
export const drawFourierFeatures = (rows: Float32Array, size: number): FourierFeatures => {
  const random = seededRandom(SEED)
  const directions = principalDirections(rows, size)
  const spread = medianDistance(rows, size, directions, random)
  const frequencies = normal(FOURIER_FEATURES * DIRECTIONS, Math.sqrt((2 * NEAR) / spread) / (2 * Math.PI), SEED + 1)
  return { directions, frequencies, phases: Float32Array.from({ length: FOURIER_FEATURES }, random) }
}

/** The same for rows that are not standardised yet. */
export const ofUnscaled = (
  { directions, frequencies, phases }: FourierFeatures,
  { mean, deviation }: { readonly mean: Float64Array; readonly deviation: Float64Array }
): FourierFeatures => {
  const size = mean.length
  const own = directions.map((value, at) => value / deviation[at % size]!)
  const centre = Float64Array.from({ length: DIRECTIONS }, (_, direction) =>
    mean.reduce((sum, value, at) => sum + value * own[direction * size + at]!, 0)
  )
  const moved = phases.map((phase, feature) =>
    centre.reduce((sum, value, at) => sum - value * frequencies[feature * DIRECTIONS + at]!, phase)
  )
  return { directions: own, frequencies, phases: moved }
}

/** Writes the features of the row that begins at `from` to where `to` is in `target`. */
export const writeFourierFeatures = (
  { directions, frequencies, phases }: FourierFeatures,
  rows: Float32Array,
  from: number,
  target: Float32Array,
  to: number
): void => {
  const size = directions.length / DIRECTIONS
  const place = project(directions, rows, from, size)
  const turns = new Float32Array(FOURIER_FEATURES)
  multiplyRows(frequencies, place, 0, DIRECTIONS, turns)
  for (const [feature, own] of turns.entries()) target[to + feature] = AMPLITUDE * cosTurn(own + phases[feature]!)
}

const project = (directions: Float32Array, rows: Float32Array, from: number, size: number): Float32Array => {
  const place = new Float32Array(DIRECTIONS)
  multiplyRows(directions, rows, from, size, place)
  return place
}

/** Writes what the rows of `matrix` [n, size], n a multiple of four, make of the `size` numbers from `from` on into `sums` [n]. */
const multiplyRows = (
  matrix: Float32Array,
  numbers: Float32Array,
  from: number,
  size: number,
  sums: Float32Array
): void => {
  // Four sums at once, for each of them waits for its own last addition.
  for (let row = 0; row < sums.length; row += 4) {
    let a = 0
    let b = 0
    let c = 0
    let d = 0
    for (let i = from, at = row * size; i < from + size; i++, at++) {
      const number = numbers[i]!
      a += number * matrix[at]!
      b += number * matrix[at + size]!
      c += number * matrix[at + 2 * size]!
      d += number * matrix[at + 3 * size]!
    }
    sums[row] = a
    sums[row + 1] = b
    sums[row + 2] = c
    sums[row + 3] = d
  }
}

/** The directions of most variance, by orthogonal iteration on rows drawn evenly, whose means are nearly zero. */
const principalDirections = (rows: Float32Array, size: number): Float32Array => {
  const count = rows.length / size
  const step = Math.max(1, Math.floor(count / MEASURED))
  let directions = orthonormal(normal(DIRECTIONS * size, 1, SEED), size)
  for (let round = 0; round < ROUNDS; round++) {
    const next = new Float32Array(directions.length)
    for (let row = 0; row < count; row += step) {
      const place = project(directions, rows, row * size, size)
      for (let direction = 0, at = 0; direction < DIRECTIONS; direction++) {
        const own = place[direction]! / count
        for (let i = row * size; i < (row + 1) * size; i++, at++) next[at]! += own * rows[i]!
      }
    }
    directions = orthonormal(next, size)
  }
  return directions
}

/** The same space's directions at right angles and of length one (Gram and Schmidt); of one without length nothing is left. */
const orthonormal = (directions: Float32Array, size: number): Float32Array => {
  const all = directions.slice()
  for (let own = 0; own < all.length; own += size) {
    const one = all.subarray(own, own + size)
    for (let before = 0; before < own; before += size) {
      const other = all.subarray(before, before + size)
      const shared = dot(one, other)
      for (let i = 0; i < size; i++) one[i]! -= shared * other[i]!
    }
    const length = Math.sqrt(dot(one, one))
    for (let i = 0; i < size; i++) one[i] = length > SHORTEST ? one[i]! / length : 0
  }
  return all
}

/** What is shorter is rounding. */
const SHORTEST = 1e-6

const dot = (a: Float32Array, b: Float32Array): number => {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!
  return sum
}

/** The median of squared distances between windows, in these directions. */
const medianDistance = (rows: Float32Array, size: number, directions: Float32Array, random: () => number): number => {
  const count = rows.length / size
  const draw = () => project(directions, rows, Math.floor(random() * count) * size, size)
  const distances = Float64Array.from({ length: PAIRS }, () => {
    const other = draw()
    return draw().reduce((sum, value, at) => sum + (value - other[at]!) ** 2, 0)
  }).sort()
  // Of windows that are all the same nothing is near or far.
  return distances[PAIRS / 2]! || 1
}

const normal = (length: number, deviation: number, seed: number): Float32Array => {
  const values = new Float32Array(length)
  addNormal(values, deviation, seed)
  return values
}
