import type { DenseNetwork, Weights } from "./denseNetwork.ts"

/** Mean and deviation of each feature. */
export interface FeatureScale {
  readonly mean: Float64Array
  readonly deviation: Float64Array
}

/** Measures each feature over rows of `width` values; a deviation counts as at least `smallest`. */
export const featureScale = (rows: Float32Array, width: number, smallest: number): FeatureScale => {
  const count = rows.length / width
  const mean = new Float64Array(width)
  for (let from = 0; from < rows.length; from += width) {
    for (let i = 0; i < width; i++) mean[i]! += rows[from + i]! / count
  }
  const deviation = new Float64Array(width)
  for (let from = 0; from < rows.length; from += width) {
    for (let i = 0; i < width; i++) deviation[i]! += (rows[from + i]! - mean[i]!) ** 2 / count
  }
  return { mean, deviation: deviation.map((variance) => Math.max(Math.sqrt(variance), smallest)) }
}

/** Standardises each feature of rows, in place. */
export const standardiseFeatures = (rows: Float32Array, { mean, deviation }: FeatureScale): void => {
  const width = mean.length
  for (let from = 0; from < rows.length; from += width) {
    for (let i = 0; i < width; i++) rows[from + i] = (rows[from + i]! - mean[i]!) / deviation[i]!
  }
}

/**
 * Folds the features' standardisation into the first layer: the folded network takes features as they
 * are. Exact but for float32's rounding: W ((x - m) / d) + b = (W / d) x + (b - W m / d).
 */
export const foldFeatureScale = (
  network: Pick<DenseNetwork, "units">,
  weights: Weights,
  { mean, deviation }: FeatureScale
): Weights => {
  const outputs = network.units[1]!
  const kernel = weights.kernel0!.slice()
  const bias = Float64Array.from(weights.bias0!)
  for (let i = 0; i < kernel.length; i++) {
    const feature = Math.floor(i / outputs)
    kernel[i]! /= deviation[feature]!
    bias[i % outputs]! -= kernel[i]! * mean[feature]!
  }
  return { ...weights, kernel0: kernel, bias0: Float32Array.from(bias) }
}
