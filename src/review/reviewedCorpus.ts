import { Effect, Option, Stream } from "effect"
import { firstOf } from "../embedder/frontEnd.ts"
import { Embeddings } from "../embeddings/embeddings.ts"
import { type StoredRecipe, vectorsOf } from "../embeddings/recipe.ts"
import type { KnownRecordings, Version } from "../embeddings/sighting.ts"
import { type KnownDuplicates, mergeGroups } from "../registry/knownDuplicates.ts"
import { SILENT_PEAK } from "../sound/silence.ts"
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

/** Loads the stored embeddings of these recordings, originals only; those not known to be embedded are left out. */
export const loadReviewed = Effect.fn("loadReviewed")(function* (
  recipe: StoredRecipe,
  known: KnownRecordings,
  versions: ReadonlyArray<Version>,
  groupPattern: Option.Option<RegExp>,
  { pairs }: Pick<KnownDuplicates, "pairs">
) {
  const pattern = Option.getOrUndefined(groupPattern)
  const embeddings = yield* Embeddings
  const loaded: Array<Omit<ReviewedRecording, "group"> & { readonly source: string; readonly vector: Float32Array }> =
    []
  const keysOf = Map.groupBy(versions, (version) => known.storedContentOf(version) ?? "")
  yield* embeddings.load(recipe, new Set(keysOf.keys()), [firstOf(vectorsOf(recipe))]).pipe(
    Stream.runForEach(({ contentHash, variants }) =>
      Effect.sync(() => {
        const { peak, vector } = variants[0]!
        for (const { key } of keysOf.get(contentHash)!) {
          loaded.push({ key, className: classOf(key) ?? "", source: groupOf(key, pattern), contentHash, peak, vector })
        }
      })
    )
  )
  loaded.sort((a, b) => (a.key < b.key ? -1 : 1))
  const groups = mergeGroups(
    loaded.map(({ source, contentHash, peak }) => ({ group: source, contentHash, silent: peak < SILENT_PEAK })),
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
