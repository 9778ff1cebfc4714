import { ELEMENT, splat } from "./lanes"

/*
 * Fourier transforms of four real frames of one length at once, through complex transforms of half of it.
 *
 * The Stockham transform in passes of radix 4: a pass takes `stride` interleaved transforms of length n and leaves
 * 4 * stride of length n / 4, so nothing is ever bit-reversed.
 */

/** The tables and the working space of one length of frame, as src/audio/fft.ts lays them out. */
@unmanaged
export class Fft {
  /** Half of the length: complex elements of a frame. */
  half: usize
  /** For each k below a quarter of `half`: e^(-2πik/half), its square and its cube. */
  twiddles: usize
  /** e^(-2πik/2half), which joins the transforms of even and of odd samples. */
  joins: usize
  /** What is transformed, and room for as much: `half` + 4 elements each. */
  x: usize
  y: usize
}

function pass(n: usize, stride: usize, x: usize, y: usize, twiddles: usize): void {
  const step = stride * ELEMENT
  const quarter = (n >> 2) * step
  for (let start: usize = 0; start < quarter; start += step) {
    const w = twiddles + (start / ELEMENT) * 24
    const w1Re = splat(w)
    const w1Im = splat(w + 4)
    const w2Re = splat(w + 8)
    const w2Im = splat(w + 12)
    const w3Re = splat(w + 16)
    const w3Im = splat(w + 20)
    let i = x + start
    let o = y + 4 * start
    for (const end = i + step; i < end; i += ELEMENT, o += ELEMENT) {
      const j = i + quarter
      const k = j + quarter
      const l = k + quarter
      const evenRe = f32x4.add(v128.load(i), v128.load(k))
      const evenIm = f32x4.add(v128.load(i, 16), v128.load(k, 16))
      const evenDiffRe = f32x4.sub(v128.load(i), v128.load(k))
      const evenDiffIm = f32x4.sub(v128.load(i, 16), v128.load(k, 16))
      const oddRe = f32x4.add(v128.load(j), v128.load(l))
      const oddIm = f32x4.add(v128.load(j, 16), v128.load(l, 16))
      const oddDiffRe = f32x4.sub(v128.load(j), v128.load(l))
      const oddDiffIm = f32x4.sub(v128.load(j, 16), v128.load(l, 16))
      v128.store(o, f32x4.add(evenRe, oddRe))
      v128.store(o, f32x4.add(evenIm, oddIm), 16)
      turn(o + step, f32x4.add(evenDiffRe, oddDiffIm), f32x4.sub(evenDiffIm, oddDiffRe), w1Re, w1Im)
      turn(o + 2 * step, f32x4.sub(evenRe, oddRe), f32x4.sub(evenIm, oddIm), w2Re, w2Im)
      turn(o + 3 * step, f32x4.sub(evenDiffRe, oddDiffIm), f32x4.add(evenDiffIm, oddDiffRe), w3Re, w3Im)
    }
  }
}

/** Stores a complex product. */
@inline
function turn(at: usize, re: v128, im: v128, byRe: v128, byIm: v128): void {
  v128.store(at, f32x4.sub(f32x4.mul(re, byRe), f32x4.mul(im, byIm)))
  v128.store(at, f32x4.add(f32x4.mul(re, byIm), f32x4.mul(im, byRe)), 16)
}

/** The last pass where 2 points remain to each transform. */
function lastPass(half: usize, x: usize, y: usize): void {
  const distance = (half >> 1) * ELEMENT
  for (const end = x + distance; x < end; x += 16, y += 16) {
    const a = v128.load(x)
    const b = v128.load(x + distance)
    v128.store(y, f32x4.add(a, b))
    v128.store(y + distance, f32x4.sub(a, b))
  }
}

/** The complex transform of what is at `fft.x`; what it returns is where the result lies: there, or at `fft.y`. */
function transform(fft: Fft): usize {
  let x = fft.x
  let y = fft.y
  let n = fft.half
  for (let stride: usize = 1; n >= 4; n >>= 2, stride <<= 2) {
    pass(n, stride, x, y, fft.twiddles)
    const swap = x
    x = y
    y = swap
  }
  if (n == 1) return x
  lastPass(fft.half, x, y)
  return y
}

/** The spectrum of the four frames packed at `fft.x`: returns where its `half` + 1 bins lie. */
export function forward(fft: Fft): usize {
  const bins = transform(fft)
  const end = bins + fft.half * ELEMENT
  const first = v128.load(bins)
  const second = v128.load(bins, 16)
  v128.store(bins, f32x4.add(first, second))
  v128.store(bins, f32x4.splat(0), 16)
  v128.store(end, f32x4.sub(first, second))
  v128.store(end, f32x4.splat(0), 16)
  const scale = f32x4.splat(0.5)
  let join = fft.joins
  for (let k = bins + ELEMENT, m = end - ELEMENT; k <= m; k += ELEMENT, m -= ELEMENT) {
    join += 8
    const wRe = splat(join)
    const wIm = splat(join + 4)
    const evenRe = f32x4.mul(scale, f32x4.add(v128.load(k), v128.load(m)))
    const evenIm = f32x4.mul(scale, f32x4.sub(v128.load(k, 16), v128.load(m, 16)))
    const oddRe = f32x4.mul(scale, f32x4.add(v128.load(k, 16), v128.load(m, 16)))
    const oddIm = f32x4.mul(scale, f32x4.sub(v128.load(m), v128.load(k)))
    const turnedRe = f32x4.sub(f32x4.mul(oddRe, wRe), f32x4.mul(oddIm, wIm))
    const turnedIm = f32x4.add(f32x4.mul(oddRe, wIm), f32x4.mul(oddIm, wRe))
    v128.store(k, f32x4.add(evenRe, turnedRe))
    v128.store(k, f32x4.add(evenIm, turnedIm), 16)
    v128.store(m, f32x4.sub(evenRe, turnedRe))
    v128.store(m, f32x4.sub(turnedIm, evenIm), 16)
  }
  return bins
}

/**
 * The four frames, times their length, whose spectrum is at `fft.x` [half + 1]: returns where their samples lie, each
 * element an odd one before the even one. The imaginary parts of both ends are ignored.
 *
 * A forward transform with real and imaginary parts exchanged is an inverse one.
 */
export function inverse(fft: Fft): usize {
  const x = fft.x
  const half = fft.half
  const end = x + half * ELEMENT
  const first = v128.load(x)
  const last = v128.load(end)
  v128.store(x, f32x4.sub(first, last))
  v128.store(x, f32x4.add(first, last), 16)
  let join = fft.joins
  for (let k = x + ELEMENT, m = end - ELEMENT; k <= m; k += ELEMENT, m -= ELEMENT) {
    join += 8
    const wRe = splat(join)
    const wIm = splat(join + 4)
    const evenRe = f32x4.add(v128.load(k), v128.load(m))
    const evenIm = f32x4.sub(v128.load(k, 16), v128.load(m, 16))
    const diffRe = f32x4.sub(v128.load(k), v128.load(m))
    const diffIm = f32x4.add(v128.load(k, 16), v128.load(m, 16))
    const oddRe = f32x4.add(f32x4.mul(diffRe, wRe), f32x4.mul(diffIm, wIm))
    const oddIm = f32x4.sub(f32x4.mul(diffIm, wRe), f32x4.mul(diffRe, wIm))
    v128.store(k, f32x4.add(evenIm, oddRe))
    v128.store(k, f32x4.sub(evenRe, oddIm), 16)
    v128.store(m, f32x4.sub(oddRe, evenIm))
    v128.store(m, f32x4.add(evenRe, oddIm), 16)
  }
  return transform(fft)
}
