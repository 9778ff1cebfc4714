import { RealFft } from "../audio/fft.ts"

const transforms = new Map<number, RealFft>()
const transformOf = (size: number): RealFft => {
  const known = transforms.get(size)
  if (known !== undefined) return known
  const made = new RealFft(size)
  transforms.set(size, made)
  return made
}

/** A signal's spectrum, to be correlated with others of its size. */
export interface Spectrum {
  readonly size: number
  readonly re: Float32Array
  readonly im: Float32Array
  readonly energy: number
}

/** The size at which two signals of so many samples can be shifted past each other. */
export const sizeFor = (one: number, other: number): number => Math.max(16, 2 ** Math.ceil(Math.log2(one + other)))

/** The spectrum of the differences between a signal's samples, which lowers what hums and rumbles in every recording. */
export const spectrumOf = (samples: Float32Array, size: number): Spectrum => {
  const frame = new Float64Array(size)
  let energy = 0
  for (let i = 1; i < samples.length; i++) {
    frame[i - 1] = samples[i]! - samples[i - 1]!
    energy += frame[i - 1]! ** 2
  }
  const re = new Float64Array(size / 2 + 1)
  const im = new Float64Array(size / 2 + 1)
  transformOf(size).forward(frame, re, im)
  return { size, re: Float32Array.from(re), im: Float32Array.from(im), energy }
}

/** Less energy than rounding leaves of a constant signal. */
const SILENCE = 1e-9

/**
 * How much two signals at one sample rate are the same sound, 0 to 1: the largest magnitude of their normalised
 * cross-correlation over all shifts.
 *
 * Gain, polarity and shift change nothing; of a part that both share it is the share of its energy. Constant signals,
 * silence among them, are like nothing; two steady tones of one pitch are the same sound.
 *
 * @throws RangeError where the spectra differ in size.
 */
export const correlate = (a: Spectrum, b: Spectrum): number => {
  if (a.size !== b.size) throw new RangeError(`spectra of ${a.size} and of ${b.size} samples cannot be compared`)
  const energy = Math.sqrt(a.energy * b.energy)
  if (energy < SILENCE) return 0
  const re = new Float64Array(a.re.length)
  const im = new Float64Array(a.re.length)
  for (let k = 0; k < re.length; k++) {
    re[k] = a.re[k]! * b.re[k]! + a.im[k]! * b.im[k]!
    im[k] = a.im[k]! * b.re[k]! - a.re[k]! * b.im[k]!
  }
  const product = new Float64Array(a.size)
  transformOf(a.size).inverse(re, im, product)
  let peak = 0
  for (let i = 0; i < product.length; i++) {
    const height = Math.abs(product[i]!)
    if (height > peak) peak = height
  }
  return Math.min(1, peak / energy)
}
