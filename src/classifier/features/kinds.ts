import { embedding } from "./embedding.ts"
import type { EmbedderLayers, FeatureKind } from "./features.ts"
import { scores } from "./scores.ts"

/** Every kind of features that a head can see, a line each, by the name in its description. */
export const FEATURES = {
  scores,
  embedding
} as const satisfies Readonly<Record<string, FeatureKind>>

export type FeatureName = keyof typeof FEATURES
export const FEATURE_NAMES = Object.keys(FEATURES) as ReadonlyArray<FeatureName>

/** Whether an embedder has what a kind of features needs. */
export const hasFeatures = (name: FeatureName, embedder: EmbedderLayers): boolean => {
  const { needs }: FeatureKind = FEATURES[name]
  return needs === undefined || embedder[needs.layer] !== undefined
}
