import type { ScoreLayer } from "../embedder/embedder.ts"
import { EMBEDDING_SIZE, SCORE_COUNT } from "../embedder/yamnet/mobilenet.ts"
import { standardiseClips } from "./standardise.ts"

/**
 * What a standardised clip is multiplied by before YAMNet's last layer.
 *
 * An embedding's own deviation is about 0.23, and it is lost to callers that standardise clips themselves. Half of it
 * keeps the scores of a loud, clear sound from saturating: over six times five folds of 116 real recordings, a
 * logistic regression on the scores had macro-F1 0.81 with half and 0.77 with all of it.
 */
export const SCORE_SCALE = 0.115

/**
 * What a network sees of embeddings [n * 1024]: the standardised clips, or with `scores` YAMNet's own scores of
 * AudioSet's classes, [n * 521].
 *
 * An embedding's features are never below zero, and in a clip of some seconds most are zero; so the lowest value of a
 * standardised clip is where zero was, and shifting by it gives the embedding back, but for its scale: the caller may
 * standardise clips, or not. YAMNet has learnt from two million recordings which features make a class, which few
 * recordings of one's own cannot tell.
 */
export const featuresOf = (embeddings: Float32Array, scores: ScoreLayer | undefined): Float32Array => {
  const clips = embeddings.slice()
  standardiseClips(clips, EMBEDDING_SIZE)
  return scores === undefined ? clips : scoreFeatures(clips, scores)
}

/** The last layer's kernel for shifted standardised clips, as exported models hold it. */
export const scaledKernel = (kernel: Float32Array): Float32Array => kernel.map((weight) => weight * SCORE_SCALE)

const scoreFeatures = (clips: Float32Array, { kernel, bias }: ScoreLayer): Float32Array => {
  const features = new Float32Array((clips.length / EMBEDDING_SIZE) * SCORE_COUNT)
  const logits = new Float64Array(SCORE_COUNT)
  for (let row = 0; row * EMBEDDING_SIZE < clips.length; row++) {
    const clip = clips.subarray(row * EMBEDDING_SIZE, (row + 1) * EMBEDDING_SIZE)
    const zero = clip.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY)
    logits.set(bias)
    for (let feature = 0; feature < EMBEDDING_SIZE; feature++) {
      const value = (clip[feature]! - zero) * SCORE_SCALE
      if (value === 0) continue
      const at = feature * SCORE_COUNT
      for (let score = 0; score < SCORE_COUNT; score++) logits[score]! += value * kernel[at + score]!
    }
    for (let score = 0; score < SCORE_COUNT; score++) {
      features[row * SCORE_COUNT + score] = 1 / (1 + Math.exp(-logits[score]!))
    }
  }
  return features
}
