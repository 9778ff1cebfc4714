import { expect, test } from "bun:test"
import { featureScale, standardiseFeatures } from "../../../src/classifier/featureScale.ts"
import {
  DIRECTIONS,
  DRAWS,
  drawFourierFeatures,
  FOURIER_FEATURES,
  type FourierFeatures,
  fourierFeaturesOf,
  ofUnscaled,
  weighNearness
} from "../../../src/classifier/site/fourierFeatures.ts"
import { seededRandom } from "../../../src/sound/random.ts"
import { gaussian } from "../../support/problems.ts"

const SIZE = 40
const COUNT = 300

/** Rows whose first numbers differ most. */
const rowsOf = (seed: number): Float32Array => {
  const random = seededRandom(seed)
  return Float32Array.from({ length: COUNT * SIZE }, (_, at) => 5 + gaussian(random) * (1 + 9 / (1 + (at % SIZE))))
}

const featuresOf = (features: FourierFeatures, rows: Float32Array, row: number, draw = 0): Float32Array =>
  fourierFeaturesOf(features, draw, rows.subarray(row * SIZE, (row + 1) * SIZE))

const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, at) => sum + value * b[at]!, 0)

const RAW = rowsOf(1)
const SCALE = featureScale(RAW, SIZE, 0.001)
const ROWS = RAW.slice()
standardiseFeatures(ROWS, SCALE)
const FEATURES = drawFourierFeatures(ROWS, SIZE)

const directionOf = (at: number) => FEATURES.directions.filter((_, i) => i % DIRECTIONS === at)

test("directions are at right angles and of length one", () => {
  const all = Array.from({ length: DIRECTIONS }, (_, at) => directionOf(at))
  for (const [at, one] of all.entries()) {
    for (const [other, its] of all.entries()) expect(dot(one, its)).toBeCloseTo(at === other ? 1 : 0, 3)
  }
})

test("their products are a Gaussian kernel of how far rows are apart in those directions", () => {
  const near = (a: number, b: number) => {
    let distance = 0
    for (let at = 0; at < DIRECTIONS; at++) {
      const direction = directionOf(at)
      const place = (row: number) => dot(ROWS.subarray(row * SIZE, (row + 1) * SIZE), direction)
      distance += (place(a) - place(b)) ** 2
    }
    return distance
  }
  const scaled = (a: number, b: number) => dot(featuresOf(FEATURES, ROWS, a), featuresOf(FEATURES, ROWS, b))
  const whole = scaled(0, 0)
  const pairs = Array.from({ length: 200 }, (_, at) => [at, at + 100] as const)
  const median = pairs.map(([a, b]) => near(a, b)).sort((a, b) => a - b)[100]!
  for (const [a, b] of pairs) {
    const kernel = Math.exp((-4 * near(a, b)) / median)
    // By 512 features it is known to a few hundredths.
    expect(Math.abs(scaled(a, b) / whole - kernel)).toBeLessThan(0.2)
  }
  const mean = (values: ReadonlyArray<number>) => values.reduce((sum, value) => sum + value, 0) / values.length
  const apart = pairs.map(([a, b]) => scaled(a, b) / whole - Math.exp((-4 * near(a, b)) / median))
  expect(Math.abs(mean(apart))).toBeLessThan(0.02)
})

test("of rows that are not standardised they are the same", () => {
  const unscaled = ofUnscaled(FEATURES, SCALE)
  for (const row of [0, 7, 299]) {
    const expected = featuresOf(FEATURES, ROWS, row)
    for (const [at, value] of featuresOf(unscaled, RAW, row).entries()) expect(value).toBeCloseTo(expected[at]!, 3)
  }
})

test("rows that are all the same, and fewer numbers than directions, have some", () => {
  for (const size of [1, 6]) {
    for (const value of fourierFeaturesOf(
      drawFourierFeatures(new Float32Array(5 * size), size),
      0,
      new Float32Array(size)
    )) {
      expect(Number.isFinite(value)).toBe(true)
    }
  }
})

test("draws differ, and each is the cosine of its own turns", () => {
  const { directions, frequencies, phases } = FEATURES
  const row = ROWS.subarray(0, SIZE)
  const place = Array.from({ length: DIRECTIONS }, (_, at) => dot(row, directionOf(at)))
  expect(directions).toHaveLength(SIZE * DIRECTIONS)
  for (let draw = 0; draw < DRAWS; draw++) {
    const values = featuresOf(FEATURES, ROWS, 0, draw)
    for (const [at, value] of values.entries()) {
      const first = draw * DIRECTIONS * FOURIER_FEATURES + at
      const turns = place.reduce(
        (sum, own, to) => sum + own * frequencies[first + to * FOURIER_FEATURES]!,
        phases[draw * FOURIER_FEATURES + at]!
      )
      expect(value).toBeCloseTo(0.7 * Math.SQRT2 * Math.cos(2 * Math.PI * turns), 4)
    }
    expect(values).not.toEqual(featuresOf(FEATURES, ROWS, 0, (draw + 1) % DRAWS))
  }
})

test("a kernel weighs numbers and the features of all draws, of any number of rows and classes", () => {
  const random = seededRandom(5)
  for (const [count, classes] of [
    [1, 3],
    [6, 9],
    [260, 2]
  ] as const) {
    const kernel = Float32Array.from(
      { length: (SIZE + DRAWS * FOURIER_FEATURES) * classes },
      () => gaussian(random) / 50
    )
    const rows = ROWS.subarray(0, count * SIZE)
    const weighed = weighNearness(FEATURES, rows, kernel, classes)
    expect(weighed).toHaveLength(count * classes)
    for (const row of [0, count - 1]) {
      const own = rows.subarray(row * SIZE, (row + 1) * SIZE)
      const features = Array.from({ length: DRAWS }, (_, draw) => [...featuresOf(FEATURES, rows, row, draw)]).flat()
      const numbers = Float32Array.from([...own, ...features])
      for (let label = 0; label < classes; label++) {
        const expected = numbers.reduce((sum, value, at) => sum + value * kernel[at * classes + label]!, 0)
        expect(weighed[row * classes + label]!).toBeCloseTo(expected, 3)
      }
    }
  }
})
