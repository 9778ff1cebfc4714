import { spectrumOf } from "../sound/fft.ts"

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
export const spectrumOfChanges = (samples: Float32Array, size: number): Spectrum => {
  const frame = new Float32Array(size)
  let energy = 0
  for (let i = 1; i < samples.length; i++) {
    frame[i - 1] = samples[i]! - samples[i - 1]!
    energy += frame[i - 1]! ** 2
  }
  return { size, energy, ...spectrumOf(frame) }
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
  // The real and imaginary parts of a real signal's spectrum, one less the other, are its Hartley transform, and that is
  // its own inverse: so a forward transform does.
  const hartley = new Float32Array(a.size)
  for (let k = 0; k < a.re.length; k++) {
    const re = a.re[k]! * b.re[k]! + a.im[k]! * b.im[k]!
    const im = a.im[k]! * b.re[k]! - a.re[k]! * b.im[k]!
    hartley[k] = re - im
    if (k > 0) hartley[a.size - k] = re + im
  }
  const { re, im } = spectrumOf(hartley)
  let peak = 0
  for (let k = 0; k < re.length; k++) peak = Math.max(peak, Math.abs(re[k]! - im[k]!), Math.abs(re[k]! + im[k]!))
  return Math.min(1, peak / a.size / energy)
}
