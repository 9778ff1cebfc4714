import { AUGMENTATION_VERSION } from "../augment/draw.ts"
import { FRONTEND_VERSION } from "../embedder/yamnet/frontend.ts"
import type { Precision } from "../embedder/yamnet/layers.ts"
import { POOLING_VERSION } from "../embedder/yamnet/pooling.ts"
import { SAMPLE_RATE } from "../sound/clip.ts"

/** Everything that changes a vector: embeddings are comparable, and reusable, only within one recipe. */
export interface Recipe {
  /** The first 16 hex digits of the SHA-256 of `parts`: names the folder under `embeddings/`. */
  readonly id: string
  readonly parts: {
    readonly weights: string
    readonly frontEnd: string
    /** What each patch counts for. */
    readonly pooling: string
    readonly sampleRate: number
    readonly clipMaxSeconds: number
    readonly augmentation: string
    readonly augmentations: number
    /** Absent for float32, as in all recipes from before there was another. */
    readonly precision?: "float16"
  }
}

/** The recipe of a run with these weights (their hash), clip limit (seconds), augmented variants and precision. */
export const makeRecipe = (settings: {
  readonly weightsHash: string
  readonly clipMaxSeconds: number
  readonly augmentations: number
  readonly precision: Precision
}): Recipe => {
  const parts: Recipe["parts"] = {
    weights: settings.weightsHash,
    frontEnd: FRONTEND_VERSION,
    pooling: POOLING_VERSION,
    sampleRate: SAMPLE_RATE,
    clipMaxSeconds: settings.clipMaxSeconds,
    augmentation: AUGMENTATION_VERSION,
    augmentations: settings.augmentations,
    ...(settings.precision === "float32" ? {} : { precision: settings.precision })
  }
  const id = new Bun.CryptoHasher("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 16)
  return { id, parts }
}
