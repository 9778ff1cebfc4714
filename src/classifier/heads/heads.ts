import type { EmbedderLayers, FeatureKind } from "../features/features.ts"
import { FEATURES, hasFeatures } from "../features/kinds.ts"
import { audioset } from "./audioset.ts"
import type { Head } from "./head.ts"
import { linear } from "./linear.ts"
import { mlp } from "./mlp.ts"

/** The heads on offer, a line each: the first is what others are compared with, and the last is what is tried first. */
export const HEADS = {
  mlp,
  linear,
  audioset
} as const satisfies Readonly<Record<string, Head>>

export type HeadName = keyof typeof HEADS
export const HEAD_NAMES = Object.keys(HEADS) as ReadonlyArray<HeadName>

/** The best where there is nothing else to go by, and what takes its place where the embedder does not allow it. */
const DEFAULTS = ["audioset", "mlp"] as const satisfies ReadonlyArray<HeadName>

/** The head that is trained unless another is asked for. */
export const defaultHead = (embedder: EmbedderLayers): HeadName =>
  DEFAULTS.find((name) => hasFeatures(HEADS[name].description.input, embedder))!

/** What the heads are, for `--help`. */
export const describeHeads = (): string => {
  const [best, instead] = DEFAULTS
  const { needs }: FeatureKind = FEATURES[HEADS[best].description.input]
  const each = HEAD_NAMES.map((name) => `${name} ${HEADS[name].about}`).join(", ")
  return `${each}; auto looks for a better one (default: ${best}, or ${instead} where the weights lack ${needs?.name})`
}
