import { floatsAt, kernels, Room } from "./kernels/kernels.ts"
import { cosTurn, sinTurn } from "./trigonometry.ts"

/** Bytes of four complex numbers side by side, and elements that kernels may touch beyond a frame's last bin. */
const ELEMENT = 32
const SLACK = 4

/** The kernels' transform of real frames of one length, four at a time. */
export interface Fft {
  /** Samples in a frame. */
  readonly size: number
  /** The address of its record. */
  readonly at: number
  /** Where what is to be transformed is put. */
  readonly x: number
}

const makeFft = (size: number): Fft => {
  const half = size / 2
  const room = new Room()
  const twiddles = new Float64Array(6 * (half / 4))
  for (let k = 0; k < half / 4; k++) {
    for (let power = 1; power <= 3; power++) {
      twiddles[6 * k + 2 * power - 2] = cosTurn((k * power) / half)
      twiddles[6 * k + 2 * power - 1] = -sinTurn((k * power) / half)
    }
  }
  const joins = Float64Array.from({ length: half + 2 }, (_, i) =>
    i % 2 === 0 ? cosTurn(i / 2 / size) : -sinTurn((i - 1) / 2 / size)
  )
  const x = room.allocate((half + SLACK) * ELEMENT)
  const y = room.allocate((half + SLACK) * ELEMENT)
  return { size, at: room.record([], [half, room.place(twiddles), room.place(joins), x, y]), x }
}

const known = new Map<number, Fft>()

/** The transform of frames of `size` samples, a power of two of at least 16. */
export const fftOf = (size: number): Fft => {
  const fft = known.get(size) ?? makeFft(size)
  known.set(size, fft)
  return fft
}

/** The spectrum of one frame, bins 0 to size / 2: real and imaginary parts. */
export const spectrumOf = (frame: ArrayLike<number>): { readonly re: Float32Array; readonly im: Float32Array } => {
  const { at, x, size } = fftOf(frame.length)
  const elements = floatsAt(x, (size / 2) * 8)
  // The frame stands in the first of the four lanes.
  elements.fill(0)
  for (let i = 0; i < size; i++) elements[4 * i] = frame[i]!
  const bins = floatsAt(kernels.forward(at), (size / 2 + 1) * 8)
  return {
    re: Float32Array.from({ length: size / 2 + 1 }, (_, bin) => bins[8 * bin]!),
    im: Float32Array.from({ length: size / 2 + 1 }, (_, bin) => bins[8 * bin + 4]!)
  }
}
