import { addNormal } from "../../augment/normalDeviates.ts"
import { floatsAt, kernels, Room } from "../../sound/kernels/kernels.ts"
import { seededRandom } from "../../sound/random.ts"

/**
 * What a window lies near to, as numbers that a linear layer can weigh: random Fourier features of a Gaussian kernel (Rahimi
 * and Recht 2007), of a window's place among the directions in which windows differ most. They are drawn several times.
 */
export interface FourierFeatures {
  /** Those directions, [size * DIRECTIONS]. */
  readonly directions: Float32Array
  /** Of each feature of each draw, [DRAWS * DIRECTIONS * FOURIER_FEATURES], in turns. */
  readonly frequencies: Float32Array
  /** [DRAWS * FOURIER_FEATURES], in turns. */
  readonly phases: Float32Array
}

/** Directions, of some hundred numbers a window: in more of them everything is about as far away as everything else. */
export const DIRECTIONS = 32
/** Of each draw. */
export const FOURIER_FEATURES = 512
export const DRAWS = 4
/** The kernel falls to exp(-NEAR) at the distance that half of all pairs of windows have. */
const NEAR = 4
/** The highest value of a feature, for it to vary by half of what a standardised number does. */
const AMPLITUDE = 0.7 * Math.SQRT2
/** About as many windows as directions are measured on, and pairs that say how far windows are apart. */
const [MEASURED, PAIRS] = [2000, 4000]
/** Each brings the directions nearer to the principal ones. */
const ROUNDS = 8
const SEED = 0xf0
/** Rows whose features are computed at once. */
const AT_ONCE = 256
/** The kernels take columns by so many. */
const COLUMNS = 8

/** Draws features for rows [n * size] like these, which are standardised: equal rows give equal features. */
export const drawFourierFeatures = (rows: Float32Array, size: number): FourierFeatures => {
  const random = seededRandom(SEED)
  const directions = principalDirections(rows, size)
  const spread = medianDistance(product(rows, directions), random)
  const frequencies = normal(
    DRAWS * DIRECTIONS * FOURIER_FEATURES,
    Math.sqrt((2 * NEAR) / spread) / (2 * Math.PI),
    SEED + 1
  )
  return { directions, frequencies, phases: Float32Array.from({ length: DRAWS * FOURIER_FEATURES }, random) }
}

/** The same for rows that are not standardised yet. */
export const ofUnscaled = (
  { directions, frequencies, phases }: FourierFeatures,
  { mean, deviation }: { readonly mean: Float64Array; readonly deviation: Float64Array }
): FourierFeatures => {
  const own = directions.map((value, at) => value / deviation[Math.floor(at / DIRECTIONS)]!)
  const centre = new Float64Array(DIRECTIONS)
  for (const [at, value] of own.entries()) centre[at % DIRECTIONS]! += mean[Math.floor(at / DIRECTIONS)]! * value
  const moved = phases.map((phase, at) => {
    const draw = Math.floor(at / FOURIER_FEATURES)
    const first = draw * DIRECTIONS * FOURIER_FEATURES + (at % FOURIER_FEATURES)
    return centre.reduce((sum, value, to) => sum - value * frequencies[first + to * FOURIER_FEATURES]!, phase)
  })
  return { directions: own, frequencies, phases: moved }
}

/** One draw's features of rows [n * size], [n * FOURIER_FEATURES]. */
export const fourierFeaturesOf = (features: FourierFeatures, draw: number, rows: Float32Array): Float32Array => {
  using room = new Room()
  const { size, place, compute } = placeFeatures(room, features)
  const values = new Float32Array((rows.length / size) * FOURIER_FEATURES)
  for (let from = 0; from < rows.length; from += AT_ONCE * size) {
    const count = place(rows.subarray(from, from + AT_ONCE * size))
    values.set(floatsAt(compute(draw, count), count * FOURIER_FEATURES), (from / size) * FOURIER_FEATURES)
  }
  return values
}

/**
 * What a kernel makes of rows [n * size] and all their features, [n * classes]: `kernel` [(size + DRAWS * FOURIER_FEATURES) *
 * classes] has the rows' numbers first, then the features draw by draw.
 */
export const weighNearness = (
  features: FourierFeatures,
  rows: Float32Array,
  kernel: Float32Array,
  classes: number
): Float32Array => {
  using room = new Room()
  const { size, rowsAt, place, compute } = placeFeatures(room, features)
  const columns = Math.ceil(classes / COLUMNS) * COLUMNS
  const own = room.place(padColumns(kernel, classes, columns))
  const sums = room.allocate(4 * AT_ONCE * columns)
  const weighed = new Float32Array((rows.length / size) * classes)
  for (let from = 0; from < rows.length; from += AT_ONCE * size) {
    const count = place(rows.subarray(from, from + AT_ONCE * size))
    floatsAt(sums, count * columns).fill(0)
    kernels.addProduct(rowsAt, count, size, own, columns, sums)
    for (let draw = 0; draw < DRAWS; draw++) {
      const first = own + 4 * columns * (size + draw * FOURIER_FEATURES)
      kernels.addProduct(compute(draw, count), count, FOURIER_FEATURES, first, columns, sums)
    }
    const found = floatsAt(sums, count * columns)
    const at = (from / size) * classes
    for (let row = 0; row < count; row++) {
      weighed.set(found.subarray(row * columns, row * columns + classes), at + row * classes)
    }
  }
  return weighed
}

const padColumns = (matrix: Float32Array, columns: number, wide: number): Float32Array => {
  const padded = new Float32Array((matrix.length / columns) * wide)
  for (let from = 0, to = 0; from < matrix.length; from += columns, to += wide) {
    padded.set(matrix.subarray(from, from + columns), to)
  }
  return padded
}

/** Features' matrices and room for `AT_ONCE` rows, where the kernels find them. */
const placeFeatures = (room: Room, { directions, frequencies, phases }: FourierFeatures) => {
  const size = directions.length / DIRECTIONS
  const [toPlaces, toTurns] = [room.place(directions), room.place(frequencies)]
  const [rowsAt, places, values] = [size, DIRECTIONS, FOURIER_FEATURES].map((wide) => room.allocate(4 * AT_ONCE * wide))
  return {
    size,
    rowsAt: rowsAt!,
    /** Puts rows there, and finds where they lie among the directions; returns how many they are. */
    place: (rows: Float32Array): number => {
      const count = rows.length / size
      floatsAt(rowsAt!, rows.length).set(rows)
      floatsAt(places!, count * DIRECTIONS).fill(0)
      kernels.addProduct(rowsAt!, count, size, toPlaces, DIRECTIONS, places!)
      return count
    },
    /** One draw's features of the rows that lie there; where they are until the next ones. */
    compute: (draw: number, count: number): number => {
      const own = phases.subarray(draw * FOURIER_FEATURES, (draw + 1) * FOURIER_FEATURES)
      const turns = floatsAt(values!, count * FOURIER_FEATURES)
      for (let row = 0; row < count; row++) turns.set(own, row * FOURIER_FEATURES)
      const first = toTurns + 4 * draw * DIRECTIONS * FOURIER_FEATURES
      kernels.addProduct(places!, count, DIRECTIONS, first, FOURIER_FEATURES, values!)
      kernels.cosTurns(values!, turns.length, AMPLITUDE)
      return values!
    }
  }
}

/** Rows [n * inner] times a matrix [inner * DIRECTIONS]: by directions, where rows lie among these. */
const product = (rows: Float32Array, matrix: Float32Array): Float32Array => {
  using room = new Room()
  const inner = matrix.length / DIRECTIONS
  const [left, right] = [room.place(rows), room.place(matrix)]
  const count = rows.length / inner
  const sums = room.zeros(count * DIRECTIONS)
  kernels.addProduct(left, count, inner, right, DIRECTIONS, sums)
  return floatsAt(sums, count * DIRECTIONS).slice()
}

/** The directions of most variance, by orthogonal iteration on rows drawn evenly, whose means are nearly zero. */
const principalDirections = (rows: Float32Array, size: number): Float32Array => {
  const count = rows.length / size
  const step = Math.max(1, Math.floor(count / MEASURED))
  const drawn = rows.filter((_, at) => Math.floor(at / size) % step === 0)
  const across = transposed(drawn, size)
  let directions = orthonormal(normal(size * DIRECTIONS, 1, SEED))
  for (let round = 0; round < ROUNDS; round++) {
    const places = product(drawn, directions).map((value) => value / count)
    directions = orthonormal(product(across, places))
  }
  return directions
}

const transposed = (matrix: Float32Array, columns: number): Float32Array => {
  const rows = matrix.length / columns
  const turned = new Float32Array(matrix.length)
  for (let row = 0, at = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++, at++) turned[column * rows + row] = matrix[at]!
  }
  return turned
}

/** The same space's directions at right angles and of length one (Gram and Schmidt); of one without length nothing is left. */
const orthonormal = (directions: Float32Array): Float32Array => {
  const size = directions.length / DIRECTIONS
  const all = transposed(directions, DIRECTIONS)
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
  return transposed(all, size)
}

/** What is shorter is rounding. */
const SHORTEST = 1e-6

const dot = (a: Float32Array, b: Float32Array): number => {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!
  return sum
}

/** The median of squared distances between windows, by their places. */
const medianDistance = (places: Float32Array, random: () => number): number => {
  const count = places.length / DIRECTIONS
  const draw = () => Math.floor(random() * count) * DIRECTIONS
  const distances = Float64Array.from({ length: PAIRS }, () => {
    const [a, b] = [draw(), draw()]
    let sum = 0
    for (let i = 0; i < DIRECTIONS; i++) sum += (places[a + i]! - places[b + i]!) ** 2
    return sum
  }).sort()
  // Of windows that are all the same nothing is near or far.
  return distances[PAIRS / 2]! || 1
}

const normal = (length: number, deviation: number, seed: number): Float32Array => {
  const values = new Float32Array(length)
  addNormal(values, deviation, seed)
  return values
}
