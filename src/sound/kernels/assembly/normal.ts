// Standard normal deviates with the same bits on every machine: whole numbers, and IEEE 754's +, -, ×, / and square root
// only. C libraries differ in the last bit of logarithms and powers.

/** sfc32, the generator of `seededIntegers`. */
let a: i32 = 0
let b: i32 = 0
let c: i32 = 0
let counter: i32 = 0

@inline
function next(): i32 {
  const result = a + b + counter++
  a = b ^ ((<u32>b) >>> 9)
  b = c + (c << 3)
  c = ((c << 21) | ((<u32>c) >>> 11)) + result
  return result
}

function start(seed: i32): void {
  a = 0
  b = seed
  c = 0x9e3779b9
  counter = 1
  // Its author discards the first numbers, which still show the seed.
  for (let i = 0; i < 15; i++) next()
}

/** Uniform in (0, 1). */
function uniform(): f64 {
  return (<f64>(<u32>next()) + 0.5) / 4294967296.0
}

/** Natural logarithm of x in (0, 1], to 1e-13: halvings, then 2 artanh((x - 1) / (x + 1)). */
function logarithm(x: f64): f64 {
  let mantissa = x
  let halvings = 0.0
  for (; mantissa < Math.SQRT1_2; mantissa *= 2) halvings += 1
  const z = (mantissa - 1) / (mantissa + 1)
  const s = z * z
  const series =
    1 +
    s *
      (1.0 / 3 + s * (1.0 / 5 + s * (1.0 / 7 + s * (1.0 / 9 + s * (1.0 / 11 + s * (1.0 / 13 + s / 15))))))
  return 2 * z * series - halvings * Math.LN2
}

/** e^x for x in [-8, 0], to 1e-13: the power series of x / 64, squared six times. */
function exponential(x: f64): f64 {
  const z = x / 64
  let power = 1 + z * (1 + (z / 2) * (1 + (z / 3) * (1 + (z / 4) * (1 + (z / 5) * (1 + (z / 6) * (1 + z / 7))))))
  for (let i = 0; i < 6; i++) power *= power
  return power
}

function density(x: f64): f64 {
  return exponential((-x * x) / 2)
}

const LAYERS: i32 = 128
/** Where the tail begins, and the area of each layer (Marsaglia & Tsang, The Ziggurat Method, 2000). */
const TAIL: f64 = 3.442619855899
const AREA: f64 = 9.91256303526217e-3

/**
 * The density exp(-x² / 2) cut into layers of equal area, from the widest to the top. Right edges: layer i is the rectangle
 * from 0 to edge i, and all of it up to edge i + 1 lies below the curve.
 */
const edges = memory.data(8 * 129, 16)
const heights = memory.data(8 * 129, 16)
let isCut = false

@inline
function edge(layer: i32): f64 {
  return load<f64>(edges + 8 * <usize>layer)
}

@inline
function height(layer: i32): f64 {
  return load<f64>(heights + 8 * <usize>layer)
}

function cut(): void {
  store<f64>(edges, AREA / density(TAIL))
  store<f64>(edges, TAIL, 8)
  for (let i = 2; i < LAYERS; i++) {
    const before = edge(i - 1)
    store<f64>(edges + 8 * <usize>i, Math.sqrt(-2 * logarithm(AREA / before + density(before))))
  }
  for (let i = 1; i <= LAYERS; i++) store<f64>(heights + 8 * <usize>i, density(edge(i)))
  isCut = true
}

/** A deviate beyond the tail's beginning. */
function beyondTail(): f64 {
  let excess: f64
  do excess = -logarithm(uniform()) / TAIL
  while (-2 * logarithm(uniform()) < excess * excess)
  return TAIL + excess
}

/**
 * Adds `sigma` times standard normal deviates to singles, by the ziggurat method: in 98 of 100 draws a deviate is one random
 * integer, a comparison and a product.
 */
export function addNormal(samples: usize, length: usize, sigma: f64, seed: i32): void {
  if (!isCut) cut()
  start(seed)
  for (const end = samples + 4 * length; samples < end; ) {
    const bits = next()
    const layer = bits & (LAYERS - 1)
    // The upper 24 bits, with their sign: uniform across the layer, independent of which layer it is.
    let x = <f64>(bits >> 8) * (1.0 / 8388608.0) * edge(layer)
    if (Math.abs(x) >= edge(layer + 1)) {
      if (layer === 0) x = x < 0 ? -beyondTail() : beyondTail()
      else if (height(layer) + uniform() * (height(layer + 1) - height(layer)) >= density(x)) continue
    }
    store<f32>(samples, <f32>(<f64>load<f32>(samples) + sigma * x))
    samples += 4
  }
}
