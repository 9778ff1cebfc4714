import { Effect, Stream } from "effect"
import { Embeddings } from "../embeddings/embeddings.ts"
import type { StoredRecipe } from "../embeddings/recipe.ts"

/**
 * The stored vectors of another recipe, such as the promoted model's, of these recordings' originals, by key; `live` is
 * what each recording's content is. Those that this recipe has no vectors of are absent.
 */
export const recall = Effect.fn("recall")(function* (
  recipe: StoredRecipe,
  keys: ReadonlyArray<string>,
  live: ReadonlyMap<string, string>
) {
  const embeddings = yield* Embeddings
  const contents = new Set(keys.map((key) => live.get(key)!))
  const rows = new Map<string, Float32Array>()
  yield* embeddings
    .load(recipe, contents)
    .pipe(
      Stream.runForEach(({ contentHash, variants }) =>
        Effect.sync(() => void rows.set(contentHash, variants[0]!.vector))
      )
    )
  return new Map(
    keys.flatMap((key) => {
      const row = rows.get(live.get(key)!)
      return row === undefined ? [] : [[key, row] as const]
    })
  )
})
