import { type CodedVectors, decodeVectors } from "../../embeddings/scans/coding.ts"
import { type FourierFeatures, weighNearness } from "./fourierFeatures.ts"

/** Windows of a site, of the vectors that it is learnt by, and the classifier's probabilities [count * classes]. */
export interface SiteWindows {
  readonly windows: CodedVectors
  readonly probabilities: Float32Array
}

/** What has to be added to a classifier's logits at a site: `bias` [classes] and what the kernel makes of a window's numbers. */
export interface SiteCorrection {
  /** Of each of the vectors, in order. */
  readonly sizes: ReadonlyArray<number>
  /** Of the vectors as they are. */
  readonly nearness: FourierFeatures
  /** For each number of the vectors, and then each Fourier feature of them, [(size + DRAWS * FOURIER_FEATURES) * classes]. */
  readonly kernel: Float32Array
  readonly bias: Float32Array
}

/** Below it, a probability's logarithm says nothing. */
export const LEAST_PROBABILITY = 1e-30

/** What a classifier's probabilities are once a site's correction is added. */
export const corrected = (correction: SiteCorrection, { windows, probabilities }: SiteWindows): Float32Array => {
  const { bias } = correction
  const classes = bias.length
  const rows = decoded({ windows }, correction.sizes)
  const added = weighNearness(correction.nearness, rows, correction.kernel, classes)
  const result = new Float32Array(probabilities.length)
  const logits = new Float64Array(classes)
  for (let window = 0; window < windows.count; window++) {
    for (let label = 0; label < classes; label++) {
      const at = window * classes + label
      const own = Math.log(Math.max(LEAST_PROBABILITY, probabilities[at]!))
      logits[label] = own + bias[label]! + added[at]!
    }
    const highest = Math.max(...logits)
    const powers = logits.map((value) => Math.exp(value - highest))
    const total = powers.reduce((sum, power) => sum + power, 0)
    for (let label = 0; label < classes; label++) result[window * classes + label] = powers[label]! / total
  }
  return result
}

/** The vectors of windows, [count * size]. */
export const decoded = ({ windows }: Pick<SiteWindows, "windows">, sizes: ReadonlyArray<number>): Float32Array => {
  const rows = new Float32Array(windows.codes.length)
  decodeVectors(windows, sizes, 0, windows.count, rows)
  return rows
}

/** The same correction with none of the background's own: what is added to all logits changes nothing. */
export const besideBackground = ({ kernel, bias, ...rest }: SiteCorrection, quiet: number): SiteCorrection => {
  const classes = bias.length
  const beside = (values: Float32Array) => values.map((value, at) => value - values[at - (at % classes) + quiet]!)
  return { ...rest, kernel: beside(kernel), bias: beside(bias) }
}

/** So much of each class's correction. */
export const damped = ({ kernel, bias, ...rest }: SiteCorrection, shares: Float64Array): SiteCorrection => {
  const damp = (values: Float32Array) => values.map((value, at) => shares[at % shares.length]! * value)
  return { ...rest, kernel: damp(kernel), bias: damp(bias) }
}
