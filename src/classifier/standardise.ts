import { type Network, SMALLEST_DEVIATION, type Weights } from "./network.ts"

/** As in the exported model's LayerNormalization. */
export const CLIP_EPSILON = 1e-6

/**
 * Standardises each clip's embedding (a row of `width` values) to mean 0 and deviation 1, in place.
 *
 * Doing it twice changes nothing that matters (epsilon aside), so callers may standardise, as EcoSight's API does, or not.
 */
export const standardiseClips = (rows: Float32Array, width: number): void => {
  for (let start = 0; start < rows.length; start += width) {
    const row = rows.subarray(start, start + width)
    let sum = 0
    for (const value of row) sum += value
    const mean = sum / width
    let squares = 0
    for (const value of row) squares += (value - mean) ** 2
    const scale = 1 / Math.sqrt(squares / width + CLIP_EPSILON)
    for (let i = 0; i < width; i++) row[i] = (row[i]! - mean) * scale
  }
}

/** Mean and deviation of each feature. */
export interface FeatureScale {
  readonly mean: Float64Array
  readonly deviation: Float64Array
}

/** Measures each feature over rows of `width` values. */
export const featureScale = (rows: Float32Array, width: number, smallest = SMALLEST_DEVIATION): FeatureScale => {
  const count = rows.length / width
  const mean = new Float64Array(width)
  for (let i = 0; i < rows.length; i++) mean[i % width]! += rows[i]! / count
  const deviation = new Float64Array(width)
  for (let i = 0; i < rows.length; i++) deviation[i % width]! += (rows[i]! - mean[i % width]!) ** 2 / count
  return { mean, deviation: deviation.map((variance) => Math.max(Math.sqrt(variance), smallest)) }
}

/** Standardises each feature of rows, in place. */
export const standardiseFeatures = (rows: Float32Array, { mean, deviation }: FeatureScale): void => {
  const width = mean.length
  for (let i = 0; i < rows.length; i++) rows[i] = (rows[i]! - mean[i % width]!) / deviation[i % width]!
}

/**
 * Folds the features' standardisation into the first layer: the folded network takes clips standardised by
 * `standardiseClips` alone. Exact but for float32's rounding: W ((x - m) / d) + b = (W / d) x + (b - W m / d).
 */
export const foldFeatureScale = (network: Network, weights: Weights, { mean, deviation }: FeatureScale): Weights => {
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
