import { SAMPLE_RATE } from "../../sound/clip.ts"
import { fftOf } from "../../sound/fft.ts"
import { floatsAt, kernels, Room } from "../../sound/kernels/kernels.ts"
import { cosTurn } from "../../sound/trigonometry.ts"

// YAMNet's published parameters: 25 ms windows every 10 ms, 64 bands from 125 to 7,500 Hz, log(x + 0.001), and
// patches of 0.96 s every 0.48 s.
export const WINDOW = 400
export const HOP = 160
export const FFT_LENGTH = 512
export const BINS = FFT_LENGTH / 2 + 1
export const MEL_BANDS = 64
export const PATCH_FRAMES = 96
export const PATCH_HOP_FRAMES = 48
export const PATCH_SIZE = PATCH_FRAMES * MEL_BANDS
export const LOG_OFFSET = 0.001
/** Samples of the first patch: its frames and what the last window reaches beyond them. */
export const FIRST_PATCH = PATCH_FRAMES * HOP + WINDOW - HOP
/** Samples that each further patch adds. */
export const PATCH_HOP = PATCH_HOP_FRAMES * HOP

/** Enters the recipe: changes whenever a patch would. */
export const FRONTEND_VERSION = "yamnet-logmel-2"

/** Patches that a waveform of so many samples makes once its tail is padded with silence: at least one. */
const patchCount = (samples: number): number => 1 + Math.ceil(Math.max(0, samples - FIRST_PATCH) / PATCH_HOP)

/** A periodic Hann window. */
export const hannWindow = (): Float64Array =>
  Float64Array.from({ length: WINDOW }, (_, n) => 0.5 - 0.5 * cosTurn(n / WINDOW))

const toMel = (hertz: number): number => 1127 * Math.log1p(hertz / 700)

/**
 * The weight of every spectrum bin in every mel band, [257, 64].
 *
 * Triangles on the HTK mel scale, equally spaced from 125 to 7,500 Hz, of height 1; the bin of 0 Hz counts nowhere
 * (as TensorFlow's `linear_to_mel_weight_matrix`).
 */
export const melMatrix = (): Float32Array => {
  const low = toMel(125)
  const spacing = (toMel(7500) - low) / (MEL_BANDS + 1)
  const matrix = new Float32Array(BINS * MEL_BANDS)
  for (let bin = 1; bin < BINS; bin++) {
    const place = (toMel((bin * SAMPLE_RATE) / FFT_LENGTH) - low) / spacing
    for (let band = 0; band < MEL_BANDS; band++) {
      matrix[bin * MEL_BANDS + band] = Math.max(0, 1 - Math.abs(place - (band + 1)))
    }
  }
  return matrix
}

/** The kernel's record: every band as a range of bins and their weights. */
const makeLogMel = (): number => {
  const matrix = melMatrix()
  const ranges: Array<number> = []
  const weights: Array<number> = []
  for (let band = 0; band < MEL_BANDS; band++) {
    const bins = Array.from({ length: BINS }, (_, bin) => bin).filter((bin) => matrix[bin * MEL_BANDS + band]! > 0)
    ranges.push(bins[0]!, bins.length)
    weights.push(...bins.map((bin) => matrix[bin * MEL_BANDS + band]!))
  }
  const room = new Room()
  return room.record(
    [LOG_OFFSET],
    [
      fftOf(FFT_LENGTH).at,
      room.place(hannWindow()),
      WINDOW,
      HOP,
      MEL_BANDS,
      room.record([], ranges),
      room.place(weights)
    ]
  )
}

let logMel: number | undefined

/**
 * Mono samples at 16 kHz to log-mel patches [patches, 96, 64], as YAMNet's own front-end makes them.
 *
 * The tail is padded with silence to a whole number of patches (`pad_waveform`), so nothing is cut off and even one
 * sample gives a patch; 4 s give 8. Each frame is transformed once though patches overlap by half.
 */
export const logMelPatches = (samples: Float32Array): Float32Array => {
  const patches = patchCount(samples.length)
  const frames = PATCH_FRAMES + (patches - 1) * PATCH_HOP_FRAMES
  logMel ??= makeLogMel()
  using room = new Room()
  const placed = room.place(samples, 0, frames * HOP + WINDOW - HOP - samples.length)
  const rows = room.allocate(4 * frames * MEL_BANDS)
  kernels.logMel(logMel, placed, frames, rows)
  const spectrogram = floatsAt(rows, frames * MEL_BANDS)
  const out = new Float32Array(patches * PATCH_SIZE)
  for (let patch = 0; patch < patches; patch++) {
    const start = patch * PATCH_HOP_FRAMES * MEL_BANDS
    out.set(spectrogram.subarray(start, start + PATCH_SIZE), patch * PATCH_SIZE)
  }
  return out
}
