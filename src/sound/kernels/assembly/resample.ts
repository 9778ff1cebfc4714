import { Fft, forward, inverse } from "./fft"
import { ELEMENT, pack, splat, storeColumns } from "./lanes"

const TAPS: usize = 16

/** What depends on the two rates alone, as src/audio/resample.ts lays it out. */
@unmanaged
export class Resampler {
  /** Samples in to samples out. */
  ratio: f64
  /** Dense samples to one sample out. */
  step: f64
  /** Rows of the kernel, but for the last. */
  phases: f64
  forward: Fft
  inverse: Fft
  /** Ones, as many as a block has samples. */
  window: usize
  /** The lowpass's gain (real) in each bin that is kept, and how many are. */
  response: usize
  kept: usize
  /** Samples that a block brings, of the input and of the dense signal. */
  hop: usize
  denseHop: usize
  /** Where the dense samples of a block begin that are written, and how many of them come before its own. */
  denseFrom: usize
  denseMargin: usize
  /** Four blocks of the dense signal. */
  dense: usize
  /** `phases` + 1 rows of TAPS weights: row p reads the instant p / phases after the sample under tap TAPS / 2 - 1. */
  kernel: usize
}

/** The dense signal of four blocks: cut at the lower Nyquist frequency, its rate changed by a power of two. */
function makeDense(r: Resampler, samples: usize): void {
  const hop = r.hop * 4
  const length = r.forward.half * 2
  pack(samples, samples + hop, samples + 2 * hop, samples + 3 * hop, r.window, length, r.forward.x)
  const bins = forward(r.forward)
  const x = r.inverse.x
  for (let b: usize = 0; b < r.kept; b++) {
    const gain = splat(r.response + 4 * b)
    v128.store(x + b * ELEMENT, f32x4.mul(v128.load(bins + b * ELEMENT), gain))
    v128.store(x + b * ELEMENT, f32x4.mul(v128.load(bins + b * ELEMENT, 16), gain), 16)
  }
  memory.fill(x + r.kept * ELEMENT, 0, (r.inverse.half + 1 - r.kept) * ELEMENT)
  const denseHop = r.denseHop * 4
  const end = r.denseFrom + r.denseHop + 2 * r.denseMargin
  let at = inverse(r.inverse) + 16 * r.denseFrom
  let out = r.dense
  for (let i = r.denseFrom; i < end; i += 4) {
    storeColumns(
      out,
      out + denseHop,
      out + 2 * denseHop,
      out + 3 * denseHop,
      v128.load(at, 16),
      v128.load(at),
      v128.load(at, 48),
      v128.load(at, 32)
    )
    at += 64
    out += 16
  }
}

/** Reads the dense signal at one instant. */
@inline
function read(dense: usize, kernel: usize): f32 {
  const sum = f32x4.add(
    f32x4.add(
      f32x4.mul(v128.load(dense), v128.load(kernel)),
      f32x4.mul(v128.load(dense, 16), v128.load(kernel, 16))
    ),
    f32x4.add(
      f32x4.mul(v128.load(dense, 32), v128.load(kernel, 32)),
      f32x4.mul(v128.load(dense, 48), v128.load(kernel, 48))
    )
  )
  return (
    f32x4.extract_lane(sum, 0) +
    f32x4.extract_lane(sum, 1) +
    (f32x4.extract_lane(sum, 2) + f32x4.extract_lane(sum, 3))
  )
}

/**
 * Resamples to `length` samples at `out`, of which the first is the `first` of the whole signal. `samples` begin a margin
 * before sample `begin` of the whole, which a block begins with, and go on in silence.
 */
export function resample(r: Resampler, samples: usize, begin: f64, out: usize, first: f64, length: usize): void {
  const lead = r.denseMargin - (TAPS / 2 - 1)
  let m: usize = 0
  for (let start: usize = 0; m < length; start += 4 * r.hop) {
    makeDense(r, samples + 4 * start)
    const origin = (begin + <f64>start) / <f64>r.hop * <f64>r.denseHop
    const limit = <usize>Math.min(<f64>length, Math.ceil((begin + <f64>(start + 4 * r.hop)) / r.ratio) - first)
    if (r.phases == 1) {
      // Samples of the dense signal themselves: the kernel is a one among zeros.
      const own = r.dense + 4 * (lead + TAPS / 2 - 1)
      let place = <usize>((first + <f64>m) * r.step - origin)
      const step = <usize>r.step
      for (; m < limit; m++, place += step) store<f32>(out + 4 * m, load<f32>(own + 4 * place) + <f32>0)
      continue
    }
    for (; m < limit; m++) {
      const position = (first + <f64>m) * r.step - origin
      const whole = Math.floor(position)
      const phase = <usize>Math.floor((position - whole) * r.phases + 0.5)
      const value = read(r.dense + 4 * (<usize>whole + lead), r.kernel + 4 * TAPS * phase)
      store<f32>(out + 4 * m, value)
    }
  }
}
