import { Schema } from "effect"
import { AUGMENTATION_VERSION } from "../augment/draw.ts"
import type { FurtherVariant } from "../config/forms.ts"
import type { RecipePrecision } from "../embedder/engine.ts"
import type { FrontEnd, Vectors } from "../embedder/frontEnd.ts"
import { sha256 } from "../store/sha256.ts"

const Described = Schema.Struct({
  id: Schema.String,
  window: Schema.Number,
  hop: Schema.Number,
  vectors: Schema.Record(Schema.String, Schema.Number)
})

/** Everything that changes a vector: embeddings are comparable, and reusable, only within one recipe. */
export interface Recipe {
  /** The first 16 hex digits of the SHA-256 of `parts`: names the folder under `embeddings/`. */
  readonly id: string
  readonly parts: {
    /** Which embedder, in samples and floats. Absent for YAMNet, as in all recipes from before there was another. */
    readonly embedder?: typeof Described.Type
    readonly weights: string
    readonly frontEnd: string
    /** What each patch counts for. */
    readonly pooling: string
    readonly sampleRate: number
    readonly clipMaxSeconds: number
    readonly augmentation: string
    readonly augmentations: number
    /** Further variants; absent without, as in all recipes from before there were any. */
    readonly variants?: ReadonlyArray<FurtherVariant>
    /** Absent for float32, as in all recipes from before there was another. */
    readonly precision?: "float16" | "int8-1"
  }
}

/** A recipe, or one as a model's metadata gives it, written by whatever version. */
export const StoredRecipe = Schema.Struct({ id: Schema.String, parts: Schema.Record(Schema.String, Schema.Json) })
export type StoredRecipe = { readonly id: string; readonly parts: StoredParts }

/** What is asked of a stored recipe's parts. */
interface StoredParts {
  readonly embedder?: unknown
  readonly clipMaxSeconds?: unknown
  readonly augmentations?: unknown
  readonly precision?: unknown
}

/** What a recipe that names no embedder means. */
const FIRST: typeof Described.Type = { id: "yamnet", window: 15_600, hop: 7680, vectors: { embedding: 1024 } }

/** What a recipe calls a precision: how numbers are rounded to eight bits has a number of its own, which rises as that changes. */
export const roundedAs = <P extends RecipePrecision>(precision: P) =>
  precision === "int8" ? ("int8-1" as const) : (precision as Exclude<P, "int8">)

/** The recipe of a run with an embedder and its weights' hash, a clip limit (seconds), augmented variants and precision. */
export const makeRecipe = (
  { frontEnd, hash }: { readonly frontEnd: FrontEnd; readonly hash: string },
  settings: {
    readonly clipMaxSeconds: number
    readonly augmentations: number
    readonly variants?: ReadonlyArray<FurtherVariant>
    readonly precision: RecipePrecision
  }
): Recipe => {
  const { id, window, hop, vectors, versions, sampleRate } = frontEnd
  const embedder = { id, window, hop, vectors }
  const parts: Recipe["parts"] = {
    ...(Bun.deepEquals(embedder, FIRST) ? {} : { embedder }),
    weights: hash,
    frontEnd: versions.frontEnd,
    pooling: versions.pooling,
    sampleRate,
    clipMaxSeconds: settings.clipMaxSeconds,
    augmentation: AUGMENTATION_VERSION,
    augmentations: settings.augmentations,
    ...(settings.variants === undefined || settings.variants.length === 0 ? {} : { variants: settings.variants }),
    ...(settings.precision === "float32" ? {} : { precision: roundedAs(settings.precision) })
  }
  const hex = sha256(JSON.stringify(parts))
  return { id: hex.slice(0, 16), parts }
}

const isDescribed = Schema.is(Described)

/** Which embedder made this recipe's vectors. */
export const embedderOf = ({ parts: { embedder } }: StoredRecipe): typeof Described.Type =>
  isDescribed(embedder) ? embedder : FIRST

/** What this recipe's vectors were made in, as PRECISION calls it. */
export const precisionOf = ({ parts: { precision } }: { readonly parts: Pick<StoredParts, "precision"> }): string =>
  typeof precision === "string" ? precision.replace(/-\d+$/, "") : "float32"

/** The vectors of this recipe. */
export const vectorsOf = (recipe: StoredRecipe): Vectors => embedderOf(recipe).vectors
