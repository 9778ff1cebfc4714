import { Fft, forward } from "./fft"
import { ELEMENT, pack, splat, storeColumns } from "./lanes"

/** YAMNet's front-end, as src/yamnet/logMel.ts lays it out. */
@unmanaged
export class LogMel {
  /** What is added before the logarithm. */
  offset: f64
  fft: Fft
  window: usize
  /** Samples in a window (a multiple of four), and from one to the next. */
  length: usize
  hop: usize
  bands: usize
  /** For each band its first bin, how many bins it has, both 32 bits; then their weights one after the other. */
  ranges: usize
  weights: usize
}

/** The natural logarithm of normal positive numbers, to an ulp (Moshier's Cephes, logf). */
@inline
function logarithm(x: v128): v128 {
  // A mantissa from √½ to √2, and the exponent that belongs to it.
  const shifted = i32x4.sub(x, i32x4.splat(0x3f3504f3))
  const exponent = f32x4.convert_i32x4_s(i32x4.shr_s(shifted, 23))
  const mantissa = i32x4.add(v128.and(shifted, i32x4.splat(0x007fffff)), i32x4.splat(0x3f3504f3))
  const z = f32x4.sub(mantissa, f32x4.splat(1))
  const square = f32x4.mul(z, z)
  let series = f32x4.splat(7.0376836292e-2)
  series = f32x4.add(f32x4.mul(series, z), f32x4.splat(-1.151461031e-1))
  series = f32x4.add(f32x4.mul(series, z), f32x4.splat(1.1676998740e-1))
  series = f32x4.add(f32x4.mul(series, z), f32x4.splat(-1.2420140846e-1))
  series = f32x4.add(f32x4.mul(series, z), f32x4.splat(1.4249322787e-1))
  series = f32x4.add(f32x4.mul(series, z), f32x4.splat(-1.6668057665e-1))
  series = f32x4.add(f32x4.mul(series, z), f32x4.splat(2.0000714765e-1))
  series = f32x4.add(f32x4.mul(series, z), f32x4.splat(-2.4999993993e-1))
  series = f32x4.add(f32x4.mul(series, z), f32x4.splat(3.3333331174e-1))
  // ln 2 in two parts, the first exact in few bits.
  const tail = f32x4.add(f32x4.mul(f32x4.mul(series, z), square), f32x4.mul(exponent, f32x4.splat(-2.12194440e-4)))
  const small = f32x4.sub(tail, f32x4.mul(f32x4.splat(0.5), square))
  return f32x4.add(f32x4.add(z, small), f32x4.mul(exponent, f32x4.splat(0.693359375)))
}

/** Four frames' logarithms in one band. */
function band(mel: LogMel, bins: usize, range: usize, weights: usize): v128 {
  let sum = f32x4.splat(<f32>mel.offset)
  let bin = bins + ELEMENT * load<u32>(range)
  for (const end = bin + ELEMENT * load<u32>(range, 4); bin < end; bin += ELEMENT, weights += 4) {
    sum = f32x4.add(sum, f32x4.mul(v128.load(bin), splat(weights)))
  }
  return logarithm(sum)
}

/** Rows of `bands` for frames 0 to `frames` - 1, a multiple of four, at `out`. */
export function logMel(mel: LogMel, samples: usize, frames: usize, out: usize): void {
  const fft = mel.fft
  const hop = mel.hop * 4
  const row = mel.bands * 4
  for (let frame: usize = 0; frame < frames; frame += 4) {
    pack(samples, samples + hop, samples + 2 * hop, samples + 3 * hop, mel.window, mel.length, fft.x)
    memory.fill(fft.x + (mel.length / 2) * ELEMENT, 0, (fft.half - mel.length / 2) * ELEMENT)
    const bins = forward(fft)
    for (let bin = bins, end = bins + fft.half * ELEMENT; bin <= end; bin += ELEMENT) {
      const re = v128.load(bin)
      const im = v128.load(bin, 16)
      v128.store(bin, f32x4.sqrt(f32x4.add(f32x4.mul(re, re), f32x4.mul(im, im))))
    }
    let range = mel.ranges
    let weights = mel.weights
    for (const end = out + row; out < end; out += 16) {
      const a = band(mel, bins, range, weights)
      weights += 4 * load<u32>(range, 4)
      const b = band(mel, bins, range + 8, weights)
      weights += 4 * load<u32>(range, 12)
      const c = band(mel, bins, range + 16, weights)
      weights += 4 * load<u32>(range, 20)
      const d = band(mel, bins, range + 24, weights)
      weights += 4 * load<u32>(range, 28)
      range += 32
      storeColumns(out, out + row, out + 2 * row, out + 3 * row, a, b, c, d)
    }
    out += 3 * row
    samples += 4 * hop
  }
}
