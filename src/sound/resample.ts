import { fftOf, spectrumOf } from "./fft.ts"
import { floatsAt, kernels, Room } from "./kernels/kernels.ts"
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
/** Dense samples beside a block that the interpolation reads, rounded to whole vectors. */
const DENSE_MARGIN = TAPS

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
  /** The address of the kernel's record. */
  readonly at: number
  /** Input samples at either end of a block that only feed the filters. */
  readonly margin: number
  /** Input samples that four blocks, which are computed together, bring. */
  readonly advance: number
}

/** What is kept from call to call, plans and kernels, forgotten together. */
const plans = new Map<string, Plan>()
const interpolations = new Map<number, number>()
const kept = new Room()

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
  const margin = Math.ceil((reach + DENSE_MARGIN / factor) / grid) * grid
  // Small blocks stay in the cache; four margins keep half of each block useful.
  let size = 1024
  while (size < 4 * margin) size *= 2
  const hop = size - 2 * margin
  const lowpass = new Float64Array(size)
  for (let i = -reach; i <= reach; i++) lowpass[(i + size) % size] = cut * sinc(cut * i) * window(i / reach)
  const bins = Math.min(size, size * factor) / 2 + 1
  // An inverse transform is its length too large, and what is thinned or thickened by `factor` grows or shrinks by it.
  const response = spectrumOf(lowpass)
    .re.subarray(0, bins)
    .map((gain) => gain / size)

  const cycle = (to * grid) / greatestCommonDivisor(from * factor * grid, to * grid)
  const phases = Number.isInteger(from) && Number.isInteger(to) ? Math.min(cycle, MAX_PHASES) : MAX_PHASES
  const interpolation = interpolations.get(phases) ?? kept.place(makeKernel(phases))
  interpolations.set(phases, interpolation)
  const at = kept.record(
    [from / to, (from / to) * factor, phases],
    [
      fftOf(size).at,
      fftOf(size * factor).at,
      kept.place(new Float32Array(size).fill(1)),
      kept.place(response),
      bins,
      hop,
      hop * factor,
      Math.floor((margin * factor - DENSE_MARGIN) / 4) * 4,
      DENSE_MARGIN + ((margin * factor) % 4),
      kept.allocate(4 * (4 * hop * factor + 4 * DENSE_MARGIN)),
      interpolation
    ]
  )
  return { at, margin, advance: 4 * hop }
}

const planFor = (from: number, to: number): Plan => {
  const key = `${from}/${to}`
  const known = plans.get(key)
  if (known !== undefined) return known
  if (plans.size === MAX_PLANS) {
    plans.clear()
    interpolations.clear()
    kept[Symbol.dispose]()
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
  const { at, margin, advance } = planFor(from, to)
  using room = new Room()
  // As many blocks as the output needs, silence beyond the input's end.
  const blocks = Math.ceil((length * from) / to / advance)
  const used = samples.subarray(0, blocks * advance + margin)
  const placed = room.place(used, margin, blocks * advance + margin - used.length)
  const out = room.allocate(4 * length)
  kernels.resample(at, placed, 0, out, 0, length)
  return floatsAt(out, length).slice()
}

/** Fewer input samples are not worth a call. */
const LEAST_BATCH = 1 << 15

/**
 * Resamples a signal that comes piece by piece, of any length: one after another, what it gives are the samples that
 * `resample` gives for the whole.
 */
export class Resampler {
  private readonly step: number
  /** Input samples, from a margin before those that come next, all zero at first. */
  private held: Float32Array
  private filled: number
  /** How many input samples have been used, in whole blocks, how many have come, and how many have been given. */
  private used = 0
  private length = 0
  private given = 0

  constructor(
    private readonly from: number,
    private readonly to: number
  ) {
    const { margin, advance } = planFor(from, to)
    this.step = advance * Math.max(1, Math.ceil(LEAST_BATCH / advance))
    this.held = new Float32Array(this.step + 2 * margin)
    this.filled = margin
  }

  push(samples: Float32Array): ReadonlyArray<Float32Array> {
    if (this.from === this.to) return [samples]
    const parts: Array<Float32Array> = []
    for (let at = 0; at < samples.length; ) {
      const part = samples.subarray(at, at + this.held.length - this.filled)
      this.held.set(part, this.filled)
      this.filled += part.length
      this.length += part.length
      at += part.length
      if (this.filled === this.held.length) parts.push(this.compute(this.used + this.step))
    }
    return parts
  }

  /** What is left, as if silence followed. */
  end(): ReadonlyArray<Float32Array> {
    const parts: Array<Float32Array> = []
    while (this.from !== this.to && this.given < Math.ceil((this.length * this.to) / this.from)) {
      this.held.fill(0, this.filled)
      parts.push(this.compute(this.length))
    }
    return parts
  }

  /** The samples out up to that sample in, or to the end of what is held. */
  private compute(until: number): Float32Array {
    const { held, step, from, to, used, given } = this
    const { at } = planFor(from, to)
    const length = Math.ceil((Math.min(until, used + step) * to) / from) - given
    using room = new Room()
    const out = room.allocate(4 * length)
    kernels.resample(at, room.place(held), used, out, given, length)
    const samples = floatsAt(out, length).slice()
    held.copyWithin(0, step)
    this.filled = Math.max(0, this.filled - step)
    this.used += step
    this.given += length
    return samples
  }
}
