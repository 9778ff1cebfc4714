import { CLIP_EPSILON, standardise } from "../../src/classifier/features/embedding.ts"
import { SCORE_SCALE } from "../../src/classifier/features/scores.ts"
import type { Patches } from "./patches.ts"

/** What a head sees of a clip: one row, or one for each patch, whose probabilities are then averaged. */
export type View = (patches: Patches, bias: Float32Array) => ReadonlyArray<Float32Array>

/** One row of a clip's patches. */
export type Pool = (rows: ReadonlyArray<Float32Array>, patches: Patches) => Float32Array

/** The mean, patches counting by so high a power of their energy: 0 all the same, 0.5 by their level. */
export const byEnergy =
  (power: number): Pool =>
  (rows, { shares }) => {
    const weights = shares.map((share) => share ** power)
    const total = weights.reduce((sum, weight) => sum + weight, 0)
    return rows[0]!.map((_, i) => rows.reduce((sum, row, at) => sum + (weights[at]! / total) * row[i]!, 0))
  }
export const mean = byEnergy(0)

export const highest: Pool = (rows) => rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!)))

export const deviation: Pool = (rows, patches) => {
  const centre = mean(rows, patches)
  return centre.map((own, i) => Math.sqrt(rows.reduce((sum, row) => sum + (row[i]! - own) ** 2, 0) / rows.length))
}

/** Each value counts by the exponential of itself: between the mean (0) and the maximum. */
export const soft =
  (sharpness: number): Pool =>
  (rows) =>
    rows[0]!.map((_, i) => {
      const powers = rows.map((row) => Math.exp(sharpness * row[i]!))
      const total = powers.reduce((sum, power) => sum + power, 0)
      return rows.reduce((sum, row, at) => sum + (powers[at]! / total) * row[i]!, 0)
    })

export const beside =
  (one: Pool, other: Pool): Pool =>
  (rows, patches) =>
    Float32Array.from([...one(rows, patches), ...other(rows, patches)])

const spreadOf = (clip: Float32Array): number => {
  const centre = clip.reduce((sum, value) => sum + value, 0) / clip.length
  return Math.sqrt(clip.reduce((sum, value) => sum + (value - centre) ** 2, 0) / clip.length + CLIP_EPSILON)
}

const sigmoid = (logits: Float32Array, scale: number, bias: Float32Array): Float32Array =>
  logits.map((value, score) => 1 / (1 + Math.exp(-(scale * value + bias[score]!))))

/** Pooled embeddings, standardised: what the linear head sees. */
export const embeddings =
  (pool: Pool): View =>
  (patches) => [standardise(pool(patches.embeddings, patches))]

export const everyEmbedding: View = (patches) => patches.embeddings.map(standardise)

/** A weighted mean of embeddings, and YAMNet's scores of that: what the audioset head sees. */
export const scoresOfMean =
  (pool: Pool): View =>
  (patches, bias) => [
    sigmoid(pool(patches.logits, patches), SCORE_SCALE / spreadOf(pool(patches.embeddings, patches)), bias)
  ]

/** How a patch's embedding is scaled before its scores: as its clip is standardised, or all alike. */
export type Scale = "clip" | number

const scoresOf = (patches: Patches, scale: Scale, bias: Float32Array): ReadonlyArray<Float32Array> => {
  const own = scale === "clip" ? SCORE_SCALE / spreadOf(mean(patches.embeddings, patches)) : scale
  return patches.logits.map((logits) => sigmoid(logits, own, bias))
}

/** YAMNet's scores of each patch, pooled. */
export const pooledScores =
  (pool: Pool, scale: Scale): View =>
  (patches, bias) => [pool(scoresOf(patches, scale, bias), patches)]

export const everyScore =
  (scale: Scale): View =>
  (patches, bias) =>
    scoresOf(patches, scale, bias)
