import { firstOf, type Vectors } from "../../embedder/frontEnd.ts"
import { embedding } from "./embedding.ts"
import type { EmbedderLayers, FeatureKind } from "./features.ts"
import { namedScores } from "./namedScores.ts"
import { scores } from "./scores.ts"
import { plainTap, tap } from "./tap.ts"

/** Every kind of features that a head can see, a line each, by the name in its description. */
export const FEATURES = {
  scores,
  namedScores,
  embedding,
  layer8max: tap(8),
  layer8plain: plainTap(8)
} as const satisfies Readonly<Record<string, FeatureKind>>

export type FeatureName = keyof typeof FEATURES
export const FEATURE_NAMES = Object.keys(FEATURES) as ReadonlyArray<FeatureName>

/** Whether an embedder has what a kind of features needs. */
export const hasFeatures = (name: FeatureName, embedder: EmbedderLayers): boolean => {
  const { needs }: FeatureKind = FEATURES[name]
  return needs === undefined || needs.of(embedder) !== undefined
}

/** The name of the vector that a kind of features is of, among those of a row. */
export const vectorSeen = (name: FeatureName, vectors: Vectors): string => {
  const { vector }: FeatureKind = FEATURES[name]
  return vector ?? firstOf(vectors)
}
