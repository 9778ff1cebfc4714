import { cosTurn, sinTurn } from "./trigonometry.ts"

/*
 * The Stockham transform in passes of radix 4: a pass takes `stride` interleaved transforms of length n and leaves
 * 4 * stride of length n / 4, so nothing is ever bit-reversed. The first pass reads pairs of real and imaginary
 * parts, the last has no twiddles; both are written out because together they save a fifth of the time.
 *
 * `twiddles` holds for each k below a quarter of the whole length: e^(-2πik/n), its square and its cube.
 */

const firstPass = (pairs: Float64Array, yRe: Float64Array, yIm: Float64Array, twiddles: Float64Array): void => {
  const quarter = pairs.length >> 2
  for (let i = 0, o = 0, w = 0; i < quarter; i += 2, o += 4, w += 6) {
    const j = i + quarter
    const k = j + quarter
    const l = k + quarter
    const evenRe = pairs[i]! + pairs[k]!
    const evenIm = pairs[i + 1]! + pairs[k + 1]!
    const evenDiffRe = pairs[i]! - pairs[k]!
    const evenDiffIm = pairs[i + 1]! - pairs[k + 1]!
    const oddRe = pairs[j]! + pairs[l]!
    const oddIm = pairs[j + 1]! + pairs[l + 1]!
    const oddDiffRe = pairs[j]! - pairs[l]!
    const oddDiffIm = pairs[j + 1]! - pairs[l + 1]!
    yRe[o] = evenRe + oddRe
    yIm[o] = evenIm + oddIm
    const aRe = evenDiffRe + oddDiffIm
    const aIm = evenDiffIm - oddDiffRe
    yRe[o + 1] = aRe * twiddles[w]! - aIm * twiddles[w + 1]!
    yIm[o + 1] = aRe * twiddles[w + 1]! + aIm * twiddles[w]!
    const bRe = evenRe - oddRe
    const bIm = evenIm - oddIm
    yRe[o + 2] = bRe * twiddles[w + 2]! - bIm * twiddles[w + 3]!
    yIm[o + 2] = bRe * twiddles[w + 3]! + bIm * twiddles[w + 2]!
    const cRe = evenDiffRe - oddDiffIm
    const cIm = evenDiffIm + oddDiffRe
    yRe[o + 3] = cRe * twiddles[w + 4]! - cIm * twiddles[w + 5]!
    yIm[o + 3] = cRe * twiddles[w + 5]! + cIm * twiddles[w + 4]!
  }
}

const middlePass = (
  n: number,
  stride: number,
  xRe: Float64Array,
  xIm: Float64Array,
  yRe: Float64Array,
  yIm: Float64Array,
  twiddles: Float64Array
): void => {
  const quarter = (n >> 2) * stride
  for (let start = 0; start < quarter; start += stride) {
    const w = 6 * start
    const w1Re = twiddles[w]!
    const w1Im = twiddles[w + 1]!
    const w2Re = twiddles[w + 2]!
    const w2Im = twiddles[w + 3]!
    const w3Re = twiddles[w + 4]!
    const w3Im = twiddles[w + 5]!
    for (let i = start, o = 4 * start; i < start + stride; i++, o++) {
      const evenRe = xRe[i]! + xRe[i + 2 * quarter]!
      const evenIm = xIm[i]! + xIm[i + 2 * quarter]!
      const evenDiffRe = xRe[i]! - xRe[i + 2 * quarter]!
      const evenDiffIm = xIm[i]! - xIm[i + 2 * quarter]!
      const oddRe = xRe[i + quarter]! + xRe[i + 3 * quarter]!
      const oddIm = xIm[i + quarter]! + xIm[i + 3 * quarter]!
      const oddDiffRe = xRe[i + quarter]! - xRe[i + 3 * quarter]!
      const oddDiffIm = xIm[i + quarter]! - xIm[i + 3 * quarter]!
      yRe[o] = evenRe + oddRe
      yIm[o] = evenIm + oddIm
      const aRe = evenDiffRe + oddDiffIm
      const aIm = evenDiffIm - oddDiffRe
      yRe[o + stride] = aRe * w1Re - aIm * w1Im
      yIm[o + stride] = aRe * w1Im + aIm * w1Re
      const bRe = evenRe - oddRe
      const bIm = evenIm - oddIm
      yRe[o + 2 * stride] = bRe * w2Re - bIm * w2Im
      yIm[o + 2 * stride] = bRe * w2Im + bIm * w2Re
      const cRe = evenDiffRe - oddDiffIm
      const cIm = evenDiffIm + oddDiffRe
      yRe[o + 3 * stride] = cRe * w3Re - cIm * w3Im
      yIm[o + 3 * stride] = cRe * w3Im + cIm * w3Re
    }
  }
}

/** The last pass where 4 points remain to each transform; leaves pairs of imaginary and real parts, in this order. */
const lastPass4 = (xRe: Float64Array, xIm: Float64Array, pairs: Float64Array): void => {
  const quarter = xRe.length >> 2
  for (let i = 0, j = quarter, k = 2 * quarter, l = 3 * quarter; i < quarter; i++, j++, k++, l++) {
    const evenRe = xRe[i]! + xRe[k]!
    const evenIm = xIm[i]! + xIm[k]!
    const evenDiffRe = xRe[i]! - xRe[k]!
    const evenDiffIm = xIm[i]! - xIm[k]!
    const oddRe = xRe[j]! + xRe[l]!
    const oddIm = xIm[j]! + xIm[l]!
    const oddDiffRe = xRe[j]! - xRe[l]!
    const oddDiffIm = xIm[j]! - xIm[l]!
    pairs[2 * i] = evenIm + oddIm
    pairs[2 * i + 1] = evenRe + oddRe
    pairs[2 * j] = evenDiffIm - oddDiffRe
    pairs[2 * j + 1] = evenDiffRe + oddDiffIm
    pairs[2 * k] = evenIm - oddIm
    pairs[2 * k + 1] = evenRe - oddRe
    pairs[2 * l] = evenDiffIm + oddDiffRe
    pairs[2 * l + 1] = evenDiffRe - oddDiffIm
  }
}

/** The same where 2 points remain. */
const lastPass2 = (xRe: Float64Array, xIm: Float64Array, pairs: Float64Array): void => {
  const half = xRe.length >> 1
  for (let i = 0, j = half; i < half; i++, j++) {
    pairs[2 * i] = xIm[i]! + xIm[j]!
    pairs[2 * i + 1] = xRe[i]! + xRe[j]!
    pairs[2 * j] = xIm[i]! - xIm[j]!
    pairs[2 * j + 1] = xRe[i]! - xRe[j]!
  }
}

/**
 * Fourier transforms of real frames of one length, through a complex transform of half of it.
 *
 * Twiddles and scratch space live in the object, so a transform allocates nothing: 8 µs for 2,048 samples.
 */
export class RealFft {
  private readonly half: number
  private readonly twiddles: Float64Array
  /** e^(-2πik/size), which joins the transforms of even and odd samples. */
  private readonly joinRe: Float64Array
  private readonly joinIm: Float64Array
  private readonly pairs: Float64Array
  /** What each pass reads, and what it leaves for the next. */
  private xRe: Float64Array
  private xIm: Float64Array
  private yRe: Float64Array
  private yIm: Float64Array

  /** @param size frame length, a power of two of at least 16. */
  constructor(readonly size: number) {
    const half = size / 2
    this.half = half
    this.twiddles = new Float64Array(6 * (half / 4))
    for (let k = 0; k < half / 4; k++) {
      for (let power = 1; power <= 3; power++) {
        this.twiddles[6 * k + 2 * power - 2] = cosTurn((k * power) / half)
        this.twiddles[6 * k + 2 * power - 1] = -sinTurn((k * power) / half)
      }
    }
    this.joinRe = Float64Array.from({ length: half / 2 + 1 }, (_, k) => cosTurn(k / size))
    this.joinIm = Float64Array.from({ length: half / 2 + 1 }, (_, k) => -sinTurn(k / size))
    this.pairs = new Float64Array(size)
    this.xRe = new Float64Array(half)
    this.xIm = new Float64Array(half)
    this.yRe = new Float64Array(half)
    this.yIm = new Float64Array(half)
  }

  /** The complex transform of pairs of real and imaginary parts, as pairs of imaginary and real ones. */
  private transform(pairs: Float64Array, result: Float64Array): void {
    firstPass(pairs, this.xRe, this.xIm, this.twiddles)
    let n = this.half >> 2
    for (let stride = 4; n > 4; n >>= 2, stride <<= 2) {
      const { xRe, xIm, yRe, yIm } = this
      middlePass(n, stride, xRe, xIm, yRe, yIm, this.twiddles)
      this.xRe = yRe
      this.xIm = yIm
      this.yRe = xRe
      this.yIm = xIm
    }
    if (n === 4) lastPass4(this.xRe, this.xIm, result)
    else lastPass2(this.xRe, this.xIm, result)
  }

  /** Spectrum of `frame` [size] as bins 0 to size / 2: `re` and `im` [size / 2 + 1]. */
  forward(frame: Float64Array, re: Float64Array, im: Float64Array): void {
    const { half, joinRe, joinIm, pairs } = this
    this.transform(frame, pairs)
    re[0] = pairs[1]! + pairs[0]!
    im[0] = 0
    re[half] = pairs[1]! - pairs[0]!
    im[half] = 0
    for (let k = 1, m = half - 1; k <= m; k++, m--) {
      const evenRe = 0.5 * (pairs[2 * k + 1]! + pairs[2 * m + 1]!)
      const evenIm = 0.5 * (pairs[2 * k]! - pairs[2 * m]!)
      const oddRe = 0.5 * (pairs[2 * k]! + pairs[2 * m]!)
      const oddIm = 0.5 * (pairs[2 * m + 1]! - pairs[2 * k + 1]!)
      const turnedRe = oddRe * joinRe[k]! - oddIm * joinIm[k]!
      const turnedIm = oddRe * joinIm[k]! + oddIm * joinRe[k]!
      re[k] = evenRe + turnedRe
      im[k] = evenIm + turnedIm
      re[m] = evenRe - turnedRe
      im[m] = turnedIm - evenIm
    }
  }

  /** The frame [size] whose spectrum is `re`, `im` [size / 2 + 1]; the imaginary parts of both ends are ignored. */
  inverse(re: Float64Array, im: Float64Array, frame: Float64Array): void {
    const { half, joinRe, joinIm, pairs } = this
    const scale = 1 / this.size
    // A forward transform with real and imaginary parts exchanged is an inverse one: the pairs given are (im, re), and
    // those that come back are (re, im) of it, the samples themselves.
    pairs[0] = (re[0]! - re[half]!) * scale
    pairs[1] = (re[0]! + re[half]!) * scale
    for (let k = 1, m = half - 1; k <= m; k++, m--) {
      const evenRe = re[k]! + re[m]!
      const evenIm = im[k]! - im[m]!
      const diffRe = re[k]! - re[m]!
      const diffIm = im[k]! + im[m]!
      const oddRe = diffRe * joinRe[k]! + diffIm * joinIm[k]!
      const oddIm = diffIm * joinRe[k]! - diffRe * joinIm[k]!
      pairs[2 * k] = (evenIm + oddRe) * scale
      pairs[2 * k + 1] = (evenRe - oddIm) * scale
      pairs[2 * m] = (oddRe - evenIm) * scale
      pairs[2 * m + 1] = (evenRe + oddIm) * scale
    }
    this.transform(pairs, frame)
  }
}
