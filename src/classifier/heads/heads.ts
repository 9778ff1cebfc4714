import type { EmbedderLayers } from "../features/features.ts"
import { hasFeatures } from "../features/kinds.ts"
import { audioset } from "./audioset.ts"
import { descriptionsOf, type Head, type HeadDescription } from "./head.ts"
import { layers } from "./layers.ts"
import { linear } from "./linear.ts"
import { mlp } from "./mlp.ts"

/** The heads on offer, a line each: the first is what others are compared with, and the last is what is tried first. */
export const HEADS = {
  mlp,
  linear,
  audioset,
  layers
} as const satisfies Readonly<Record<string, Head>>

export type HeadName = keyof typeof HEADS
export const HEAD_NAMES = Object.keys(HEADS) as ReadonlyArray<HeadName>

/** The best where there is nothing else to go by, and what takes its place where the embedder does not allow it. */
const DEFAULTS = ["layers", "audioset", "mlp"] as const satisfies ReadonlyArray<HeadName>

/** Whether an embedder has what a head sees. */
export const isOffered = (head: Pick<Head, "description" | "mixedWith">, embedder: EmbedderLayers): boolean =>
  descriptionsOf(head).every(({ input }) => hasFeatures(input, embedder))

/** The head on offer that has these descriptions; null where none has, as one that a search has drawn. */
export const headNamed = (descriptions: ReadonlyArray<HeadDescription>): HeadName | null =>
  HEAD_NAMES.find((name) => Bun.deepEquals(descriptionsOf(HEADS[name]), descriptions)) ?? null

/** The head that is trained unless another is asked for. */
export const defaultHead = (embedder: EmbedderLayers): HeadName =>
  DEFAULTS.find((name) => isOffered(HEADS[name], embedder))!

/** What the heads are, for `--help`. */
export const describeHeads = (): string => {
  const [best, ...others] = DEFAULTS
  const each = HEAD_NAMES.map((name) => `${name} ${HEADS[name].about}`).join(", ")
  return `${each}; auto looks for a better one (default: ${best}, or ${others.join(" or ")} where the embedder does not give what it needs)`
}
