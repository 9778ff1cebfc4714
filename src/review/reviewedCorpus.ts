import { Effect, Option, Stream } from "effect"
import { Embeddings } from "../embeddings/embeddings.ts"
import type { StoredRecipe } from "../embeddings/recipe.ts"
import { type KnownDuplicates, mergeGroups } from "../registry/knownDuplicates.ts"
import { classOf, groupOf } from "../store/keys.ts"

/** A recording as a review sees it. */
export interface ReviewedRecording {
  readonly key: string
  readonly className: string
  /** Its source, near-duplicates' sources joined. */
  readonly group: string
  /** Hex SHA-256 of its bytes. */
  readonly contentHash: string
  /** The largest absolute sample of the first CLIP_MAX_SECONDS, at full scale 1. */
  readonly peak: number
}

/** Recordings in the order of their keys, and their originals' embeddings [recordings * width]. */
export interface ReviewedCorpus {
  readonly width: number
  readonly recordings: ReadonlyArray<ReviewedRecording>
  readonly vectors: Float32Array
}

/** Loads the stored embeddings of these recordings (key to ETag), originals only; those not embedded yet are left out. */
export const loadReviewed = Effect.fn("loadReviewed")(function* (
  recipe: StoredRecipe,
  live: ReadonlyMap<string, string>,
  groupPattern: Option.Option<RegExp>,
  { pairs }: Pick<KnownDuplicates, "pairs">
) {
  const pattern = Option.getOrUndefined(groupPattern)
  const embeddings = yield* Embeddings
  const loaded: Array<Omit<ReviewedRecording, "group"> & { readonly source: string; readonly vector: Float32Array }> =
    []
  yield* embeddings.load(recipe, live).pipe(
    Stream.runForEach(({ key, contentHash, variants }) =>
      Effect.sync(() => {
        const { peak, vector } = variants[0]!
        // A copy: the vector is a view of its whole part.
        loaded.push({
          key,
          className: classOf(key) ?? "",
          source: groupOf(key, pattern),
          contentHash,
          peak,
          vector: vector.slice()
        })
      })
    )
  )
  loaded.sort((a, b) => (a.key < b.key ? -1 : 1))
  const groups = mergeGroups(
    // Silent files are often the same bytes, which says nothing of where they come from.
    loaded.map(({ key, source, contentHash, peak }) => ({ group: source, contentHash: peak > 0 ? contentHash : key })),
    pairs
  )
  // Without any recording, any width does.
  const width = loaded[0]?.vector.length ?? 1
  const vectors = new Float32Array(loaded.length * width)
  const recordings = loaded.map(({ source, vector, ...recording }, at) => {
    vectors.set(vector, at * width)
    return { ...recording, group: groups.get(source)! }
  })
  return { width, recordings, vectors } satisfies ReviewedCorpus
})
