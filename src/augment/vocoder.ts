import { fftOf } from "../sound/fft.ts"
import { floatsAt, kernels, Room } from "../sound/kernels/kernels.ts"
import { cosTurn } from "../sound/trigonometry.ts"

// As in assembly/vocoder.ts.
const FFT_SIZE = 2048
const HOP = 512
const ROW = FFT_SIZE / 2 + 1 + 3
const RING = 16
const VOICE_WORDS = 6
/** How much faster the ring's length allows a voice to be. */
const MAX_RATE = 3

const makeVocoder = (): number => {
  const room = new Room()
  const window = Float64Array.from({ length: FFT_SIZE }, (_, i) => 0.5 - 0.5 * cosTurn(i / FFT_SIZE))
  return room.record(
    [],
    [
      fftOf(FFT_SIZE).at,
      room.place(window),
      room.place(window.map((weight) => weight / FFT_SIZE)),
      room.zeros(RING * 3 * ROW),
      room.zeros(2 * ROW),
      room.zeros(FFT_SIZE),
      room.zeros(HOP)
    ]
  )
}

let vocoder: number | undefined

/**
 * A clip at several speeds, its pitch as it was: librosa.effects.time_stretch (a phase vocoder, n_fft 2048, hop 512, Hann,
 * centred), to round(length / rate) samples each.
 *
 * The clip is analysed once for all of them. How far it agrees with librosa: docs/decisions/augmentation.md.
 *
 * @throws RangeError unless rates are above 0 and at most 3.
 */
export const stretchTo = (samples: Float32Array, rates: ReadonlyArray<number>): Array<Float32Array> => {
  if (rates.some((rate) => !(rate > 0 && rate <= MAX_RATE))) {
    throw new RangeError(`a stretch takes rates above 0 and up to ${MAX_RATE}, not ${rates.join(", ")}`)
  }
  if (rates.length === 0) return []
  vocoder ??= makeVocoder()
  using room = new Room()
  const frames = 1 + Math.floor(samples.length / HOP)
  // Half a frame before and after the clip is silence, and frames are read four at a time.
  const placed = room.place(samples, FFT_SIZE / 2, FFT_SIZE / 2 + 4 * HOP)
  const voices = rates.map((rate) => {
    const steps = Math.ceil(frames / rate)
    return { rate, steps, out: room.zeros((steps + 3) * HOP + FFT_SIZE), phase: room.zeros(2 * ROW) }
  })
  const list = room.allocate(4 * VOICE_WORDS * voices.length)
  const fields = new DataView(kernels.memory.buffer, list)
  voices.forEach(({ rate, steps, out, phase }, i) => {
    const at = 4 * VOICE_WORDS * i
    fields.setFloat64(at, rate, true)
    fields.setInt32(at + 8, steps, true)
    fields.setInt32(at + 12, 0, true)
    fields.setUint32(at + 16, out, true)
    fields.setUint32(at + 20, phase, true)
  })
  kernels.stretch(vocoder, placed, frames, list, voices.length)
  return voices.map(({ rate, out }) => floatsAt(out + 4 * (FFT_SIZE / 2), Math.round(samples.length / rate)).slice())
}
