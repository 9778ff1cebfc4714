import { RealFft } from "../audio/fft.ts"
import { cosTurn } from "../audio/trigonometry.ts"

export const FFT_SIZE = 2048
export const HOP = 512
export const BINS = FFT_SIZE / 2 + 1

/** The room's transform and its window (periodic Hann), made when first needed: importing costs nothing. */
export interface Analysis {
  readonly fft: RealFft
  readonly window: Float64Array
}
let analysis: Analysis | undefined
export const getAnalysis = (): Analysis => {
  analysis ??= {
    fft: new RealFft(FFT_SIZE),
    window: Float64Array.from({ length: FFT_SIZE }, (_, i) => 0.5 - 0.5 * cosTurn(i / FFT_SIZE))
  }
  return analysis
}

/**
 * A clip's short-time spectrum as a phase vocoder wants it, so that stretching needs neither angles nor square roots.
 *
 * Row f, bin b is at f * BINS + b. `magnitude` has one row more than there are frames, all zero, and `turn` is
 * what takes a bin's phase from frame f to frame f + 1: the unit phasor of c[f + 1] * conj(c[f]).
 */
export interface Spectrogram {
  readonly frames: number
  readonly magnitude: Float32Array
  readonly turnRe: Float32Array
  readonly turnIm: Float32Array
  /** Unit phasors of the first frame [BINS]. */
  readonly startRe: Float64Array
  readonly startIm: Float64Array
}

/** `array` if it is long enough, else a new one: fresh memory costs more to fault in than to fill. */
const reuse = (array: Float32Array | undefined, length: number): Float32Array =>
  array !== undefined && array.length >= length ? array : new Float32Array(length)

/**
 * Analyses `samples` as librosa.stft(n_fft=2048, hop_length=512) does: centred, zeros beyond both ends.
 *
 * A bin that is exactly zero has phase zero, as numpy.angle says.
 *
 * @param spent a spectrogram that is needed no more, whose memory is used again.
 */
export const analyse = (samples: Float32Array, spent?: Spectrogram): Spectrogram => {
  const { fft, window } = getAnalysis()
  const frames = 1 + Math.floor(samples.length / HOP)
  const magnitude = reuse(spent?.magnitude, (frames + 1) * BINS)
  const turnRe = reuse(spent?.turnRe, frames * BINS)
  const turnIm = reuse(spent?.turnIm, frames * BINS)
  const frame = new Float64Array(FFT_SIZE)
  const re = new Float64Array(BINS)
  const im = new Float64Array(BINS)
  const startRe = new Float64Array(BINS)
  const startIm = new Float64Array(BINS)
  const previousRe = new Float64Array(BINS)
  const previousIm = new Float64Array(BINS)
  for (let f = 0; f <= frames; f++) {
    if (f < frames) {
      const start = f * HOP - FFT_SIZE / 2
      const from = Math.max(0, -start)
      const to = Math.min(FFT_SIZE, samples.length - start)
      frame.fill(0, 0, from)
      for (let i = from; i < to; i++) frame[i] = samples[start + i]! * window[i]!
      frame.fill(0, Math.max(to, from))
      fft.forward(frame, re, im)
    } else {
      re.fill(0)
      im.fill(0)
    }
    const row = f * BINS
    const before = row - BINS
    for (let b = 0; b < BINS; b++) {
      const size = Math.sqrt(re[b]! * re[b]! + im[b]! * im[b]!)
      const inverse = 1 / size
      const unitRe = size > 0 ? re[b]! * inverse : 1
      const unitIm = size > 0 ? im[b]! * inverse : 0
      magnitude[row + b] = size
      if (f > 0) {
        turnRe[before + b] = unitRe * previousRe[b]! + unitIm * previousIm[b]!
        turnIm[before + b] = unitIm * previousRe[b]! - unitRe * previousIm[b]!
      }
      previousRe[b] = unitRe
      previousIm[b] = unitIm
    }
    if (f === 0) {
      startRe.set(previousRe)
      startIm.set(previousIm)
    }
  }
  return { frames, magnitude, turnRe, turnIm, startRe, startIm }
}
