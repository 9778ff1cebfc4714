import { RealFft } from "./fft.ts"
import { sinTurn } from "./trigonometry.ts"

/** The response in numbers, as fractions of the lower Nyquist frequency and in decibels. */
const PASSBAND_END = 0.913
const REJECTION = 132

const TAPS = 16
/** For 16 taps and a transition as wide as half the band: -115 dB. */
const INTERPOLATION_BETA = 11.8
/** Where no exact grid of instants exists: rounding to 1/4096 of a sample leaves an error of -84 dB. */
const MAX_PHASES = 4096
const MAX_PLANS = 16

/** Modified Bessel function of the first kind, order zero, by its power series. */
const besselI0 = (x: number): number => {
  let term = 1
  let sum = 1
  for (let k = 1; term > sum * 1e-17; k++) {
    term *= (x * x) / (4 * k * k)
    sum += term
  }
  return sum
}

/** Kaiser's window over x in [-1, 1]. */
const kaiser = (beta: number): ((x: number) => number) => {
  const peak = besselI0(beta)
  return (x) => (Math.abs(x) > 1 ? 0 : besselI0(beta * Math.sqrt(1 - x * x)) / peak)
}

/** sin(πx) / πx */
const sinc = (x: number): number => (x === 0 ? 1 : sinTurn(x / 2) / (Math.PI * x))

const greatestCommonDivisor = (a: number, b: number): number => (b === 0 ? a : greatestCommonDivisor(b, a % b))

/** `phases` + 1 rows of TAPS weights: row p reads the instant p / phases after the sample under tap TAPS / 2 - 1. */
const makeKernel = (phases: number): Float64Array => {
  const window = kaiser(INTERPOLATION_BETA)
  return Float64Array.from({ length: (phases + 1) * TAPS }, (_, i) => {
    const x = (i % TAPS) - (TAPS / 2 - 1) - Math.floor(i / TAPS) / phases
    return sinc(x) * window(x / (TAPS / 2))
  })
}

/** What depends on the two rates alone. */
interface Plan {
  readonly forward: RealFft
  readonly inverse: RealFft
  /** Samples of the dense signal per input sample: a power of two, possibly below one. */
  readonly factor: number
  /** Input samples at either end of a block that only feed the filters. */
  readonly margin: number
  /** Response of the zero-phase lowpass (real) for every bin that is kept. */
  readonly response: Float64Array
  readonly phases: number
  readonly kernel: Float64Array
}

const kernels = new Map<number, Float64Array>()
const plans = new Map<string, Plan>()

const makePlan = (from: number, to: number): Plan => {
  const lower = Math.min(from, to)
  let factor = 1
  while (from * factor < 2 * lower) factor *= 2
  while (from * factor >= 4 * lower) factor /= 2

  // Kaiser's design: cut in the middle of the transition band, as many taps as its width demands.
  const cut = ((1 + PASSBAND_END) / 2) * (lower / from)
  const transition = Math.PI * (1 - PASSBAND_END) * (lower / from)
  const reach = Math.ceil((REJECTION - 8) / (2.285 * transition) / 2)
  const window = kaiser(0.1102 * (REJECTION - 8.7))
  // A block begins on a sample of both signals.
  const grid = Math.max(1, 1 / factor)
  const margin = Math.ceil((reach + TAPS / factor) / grid) * grid
  // Small blocks stay in the first-level cache; four margins keep half of each block useful.
  let size = 1024
  while (size < 4 * margin) size *= 2
  const forward = new RealFft(size)
  const lowpass = new Float64Array(size)
  for (let i = -reach; i <= reach; i++) lowpass[(i + size) % size] = factor * cut * sinc(cut * i) * window(i / reach)
  const response = new Float64Array(size / 2 + 1)
  forward.forward(lowpass, response, new Float64Array(response.length))

  const cycle = (to * grid) / greatestCommonDivisor(from * factor * grid, to * grid)
  const phases = Number.isInteger(from) && Number.isInteger(to) ? Math.min(cycle, MAX_PHASES) : MAX_PHASES
  const kernel = kernels.get(phases) ?? makeKernel(phases)
  kernels.set(phases, kernel)
  return {
    forward,
    inverse: factor === 1 ? forward : new RealFft(size * factor),
    factor,
    margin,
    response: response.subarray(0, Math.min(response.length, (size * factor) / 2 + 1)),
    phases,
    kernel
  }
}

const planFor = (from: number, to: number): Plan => {
  const key = `${from}/${to}`
  const known = plans.get(key)
  if (known !== undefined) return known
  if (plans.size === MAX_PLANS) {
    plans.clear()
    kernels.clear()
  }
  const plan = makePlan(from, to)
  plans.set(key, plan)
  return plan
}

/**
 * Resamples mono `samples` from one rate to another, in Hz (any positive ratio), to ceil(samples * to / from) of them or
 * to the `length` asked for.
 *
 * Two steps, as in SoX's resampler (libsoxr). First overlap-save FFT blocks cut the band at the lower Nyquist frequency
 * and, by the lengths of their transforms, change the rate by a power of two so that the signal fills at most half
 * of its band; the steep filter costs a multiplication per bin, whatever its length. In a band half empty, 16
 * taps of a windowed sinc then read any instant between samples. A direct filter of the same steepness needs 250.
 *
 * The response is that of libsoxr's HQ recipe, which librosa uses by default: flat to 0.913 of the lower Nyquist
 * frequency, -6 dB at 0.9565, below -120 dB from Nyquist on; linear phase, no delay, zeros beyond both ends.
 */
export const resample = (
  samples: Float32Array,
  from: number,
  to: number,
  length = Math.ceil((samples.length * to) / from)
): Float32Array => {
  if (from === to && length === samples.length) return samples.slice()
  const { forward, inverse, factor, margin, response, phases, kernel } = planFor(from, to)
  const out = new Float32Array(length)
  const frame = new Float64Array(forward.size)
  const dense = new Float64Array(inverse.size)
  const re = new Float64Array(Math.max(frame.length, dense.length) / 2 + 1)
  const im = new Float64Array(re.length)
  const hop = forward.size - 2 * margin
  const step = (from / to) * factor
  let m = 0
  for (let block = 0; m < out.length; block += hop) {
    const start = block - margin
    const first = Math.max(0, -start)
    const end = Math.max(first, Math.min(frame.length, samples.length - start))
    frame.fill(0, 0, first)
    for (let i = first; i < end; i++) frame[i] = samples[start + i]!
    frame.fill(0, end)
    forward.forward(frame, re, im)
    for (let b = 0; b < response.length; b++) {
      re[b] = re[b]! * response[b]!
      im[b] = im[b]! * response[b]!
    }
    re.fill(0, response.length)
    im.fill(0, response.length)
    inverse.inverse(re, im, dense)
    const origin = -start * factor
    const limit = Math.min(out.length, Math.ceil(((block + hop) * to) / from))
    for (; m < limit; m++) {
      const position = m * step + origin
      const whole = Math.floor(position)
      let w = Math.round((position - whole) * phases) * TAPS
      let i = whole - (TAPS / 2 - 1)
      let a = 0
      let b = 0
      let c = 0
      let d = 0
      // Four sums, because each addition waits for the one before it: 1.3 times faster than one.
      for (const rowEnd = w + TAPS; w < rowEnd; w += 4, i += 4) {
        a += dense[i]! * kernel[w]!
        b += dense[i + 1]! * kernel[w + 1]!
        c += dense[i + 2]! * kernel[w + 2]!
        d += dense[i + 3]! * kernel[w + 3]!
      }
      out[m] = a + b + (c + d)
    }
  }
  return out
}
