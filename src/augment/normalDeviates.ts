import { seededIntegers } from "../sound/random.ts"

/**
 * Seeded random numbers with the same bits on every machine: whole numbers, and IEEE 754's +, -, ×, / and square
 * root only. `Math.log` and `Math.exp` are the engine's C library's, which differ in the last bit.
 */

/** Natural logarithm of x in (0, 1], to 1e-13: halvings, then 2 artanh((x - 1) / (x + 1)). */
const logarithm = (x: number): number => {
  let mantissa = x
  let halvings = 0
  for (; mantissa < Math.SQRT1_2; mantissa *= 2) halvings++
  const z = (mantissa - 1) / (mantissa + 1)
  const s = z * z
  const series = 1 + s * (1 / 3 + s * (1 / 5 + s * (1 / 7 + s * (1 / 9 + s * (1 / 11 + s * (1 / 13 + s / 15))))))
  return 2 * z * series - halvings * Math.LN2
}

/** e^x for x in [-8, 0], to 1e-13: the power series of x / 64, squared six times. */
const exponential = (x: number): number => {
  const z = x / 64
  let power = 1 + z * (1 + (z / 2) * (1 + (z / 3) * (1 + (z / 4) * (1 + (z / 5) * (1 + (z / 6) * (1 + z / 7))))))
  for (let i = 0; i < 6; i++) power *= power
  return power
}

const LAYERS = 128
/** Where the tail begins, and the area of each layer (Marsaglia & Tsang, The Ziggurat Method, 2000). */
const TAIL = 3.442619855899
const AREA = 9.91256303526217e-3

/** The density exp(-x² / 2) cut into layers of equal area, from the widest to the top. */
interface Ziggurat {
  /** Right edges: layer i is the rectangle from 0 to edge[i], and all of it up to edge[i + 1] lies below the curve. */
  readonly edge: Float64Array
  readonly height: Float64Array
}

const density = (x: number): number => exponential((-x * x) / 2)

const makeZiggurat = (): Ziggurat => {
  const edge = new Float64Array(LAYERS + 1)
  edge[0] = AREA / density(TAIL)
  edge[1] = TAIL
  for (let i = 2; i < LAYERS; i++) {
    edge[i] = Math.sqrt(-2 * logarithm(AREA / edge[i - 1]! + density(edge[i - 1]!)))
  }
  return { edge, height: edge.map((x, i) => (i === 0 ? 0 : density(x))) }
}

let ziggurat: Ziggurat | undefined

/**
 * Adds `sigma` times standard normal deviates to `samples`, by the ziggurat method: in 98 of 100 draws a deviate is
 * one random integer, a comparison and a product.
 */
export const addNormal = (samples: Float32Array, sigma: number, seed: number): void => {
  ziggurat ??= makeZiggurat()
  const { edge, height } = ziggurat
  const random = seededIntegers(seed)
  /** Uniform in (0, 1). */
  const uniform = (): number => ((random() >>> 0) + 0.5) * 2 ** -32
  /** A deviate beyond the tail's beginning. */
  const beyondTail = (): number => {
    for (;;) {
      const excess = -logarithm(uniform()) / TAIL
      if (-2 * logarithm(uniform()) >= excess * excess) return TAIL + excess
    }
  }
  for (let i = 0; i < samples.length; ) {
    const bits = random()
    const layer = bits & (LAYERS - 1)
    // The upper 24 bits, with their sign: uniform across the layer, independent of which layer it is.
    let x = (bits >> 8) * 2 ** -23 * edge[layer]!
    if (Math.abs(x) >= edge[layer + 1]!) {
      if (layer === 0) x = x < 0 ? -beyondTail() : beyondTail()
      else if (height[layer]! + uniform() * (height[layer + 1]! - height[layer]!) >= density(x)) continue
    }
    samples[i] = samples[i]! + sigma * x
    i++
  }
}
