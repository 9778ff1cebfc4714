import type { Precision, RecipePrecision } from "../../embedder/engine.ts"
import type { FrontEnd } from "../../embedder/frontEnd.ts"
import { sha256 } from "../../store/sha256.ts"
import { roundedAs } from "../recipe.ts"
import { CODING } from "./coding.ts"

/** How field recordings are cut into windows; changes whenever a window would hear other samples. */
const LISTENING = "field-2"

/** Everything that changes a window's stored vector: vectors are comparable, and reusable, only within one recipe. */
export interface ScanRecipe {
  /** The first 16 hex digits of the SHA-256 of `parts`: names the folder under `scans/`. */
  readonly id: string
  readonly parts: {
    /** Which embedder, in samples and floats. */
    readonly embedder: Pick<FrontEnd, "id" | "window" | "hop" | "vectors">
    readonly weights: string
    readonly frontEnd: string
    readonly sampleRate: number
    readonly listening: string
    readonly coding: string
    readonly precision: Precision | "int8-1"
  }
}

/** The recipe of scans with an embedder, by its weights' hash, at this precision. */
export const makeScanRecipe = (
  { frontEnd, hash }: { readonly frontEnd: FrontEnd; readonly hash: string },
  precision: RecipePrecision
): ScanRecipe => {
  const { id, window, hop, vectors, versions, sampleRate } = frontEnd
  const parts: ScanRecipe["parts"] = {
    embedder: { id, window, hop, vectors },
    weights: hash,
    frontEnd: versions.frontEnd,
    sampleRate,
    listening: LISTENING,
    coding: CODING,
    precision: roundedAs(precision)
  }
  return recipeOf(parts)
}

const recipeOf = (parts: ScanRecipe["parts"]): ScanRecipe => ({
  id: sha256(JSON.stringify(parts)).slice(0, 16),
  parts
})

/**
 * The recipes that differ in nothing but that they have only the first ones of these vectors, as they had before there were
 * further ones; each lacks one more than the one before it.
 */
export const earlierRecipes = ({ parts }: ScanRecipe): ReadonlyArray<ScanRecipe> => {
  const vectors = Object.entries(parts.embedder.vectors)
  return vectors.slice(1).map((_, lacking) => {
    const first = Object.fromEntries(vectors.slice(0, -1 - lacking))
    return recipeOf({ ...parts, embedder: { ...parts.embedder, vectors: first } })
  })
}

/** Floats of each vector of a window, in their order in a row. */
export const sizesOf = ({ parts }: ScanRecipe): ReadonlyArray<number> => Object.values(parts.embedder.vectors)

/** How windows lie in a recording, in seconds: each begins `hop` after the one before, and hears whole hops. */
export const windowTimes = ({
  parts: { embedder, sampleRate }
}: {
  readonly parts: Pick<ScanRecipe["parts"], "embedder" | "sampleRate">
}) => {
  const hop = embedder.hop / sampleRate
  return { hop, window: Math.max(1, Math.floor(embedder.window / embedder.hop)) * hop }
}
