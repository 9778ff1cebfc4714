import { Context, Effect, Layer, Stream } from "effect"
import { embeddingPartKey, embeddingsPrefix } from "../store/keys.ts"
import { Store, type StoreError } from "../store/store.ts"
import { decodePart, encodePart, type PartError, readPartIndex } from "./part.ts"
import type { Recipe } from "./recipe.ts"
import type { EmbeddedRecording } from "./recording.ts"

/** The version of a recording: what listing a store says of it. */
export interface RecordingVersion {
  readonly key: string
  readonly etag: string
}

/**
 * Embeddings kept in the store as immutable, content-addressed Parquet parts under `embeddings/<recipe>/`.
 *
 * A part that cannot be read is named in a warning and passed over, so that its recordings are embedded again.
 */
export class Embeddings extends Context.Service<
  Embeddings,
  {
    /** The ETags stored for each key; more than one where a recording changed. */
    readonly index: (recipe: Recipe) => Effect.Effect<ReadonlyMap<string, ReadonlySet<string>>, StoreError>
    /** Writes one part; two writers with the same recordings write the same object. */
    readonly append: (recipe: Recipe, recordings: ReadonlyArray<EmbeddedRecording>) => Effect.Effect<void, StoreError>
    /** The recordings whose stored version is the wanted one (`wanted`: key to ETag), each once, part by part. */
    readonly load: (recipe: Recipe, wanted: ReadonlyMap<string, string>) => Stream.Stream<EmbeddedRecording, StoreError>
  }
>()("ecosight/embeddings/Embeddings") {
  static readonly layer = Layer.effect(
    Embeddings,
    Effect.gen(function* () {
      const store = yield* Store

      const parts = (recipe: Recipe) => store.list(embeddingsPrefix(recipe.id))

      const readWhole =
        <A>(decode: (key: string, bytes: Uint8Array) => Effect.Effect<ReadonlyArray<A>, PartError>) =>
        ({ key }: { readonly key: string }) =>
          store.get(key).pipe(
            Effect.flatMap(({ bytes }) => decode(key, bytes)),
            Effect.catchTag("PartError", (error) =>
              Effect.logWarning(`${error.message} Its recordings are embedded again.`).pipe(
                Effect.as<ReadonlyArray<A>>([])
              )
            )
          )

      const index = Effect.fn("Embeddings.index")(function* (recipe: Recipe) {
        const etags = new Map<string, Set<string>>()
        yield* parts(recipe).pipe(
          Stream.mapEffect(readWhole(readPartIndex), { concurrency: 4 }),
          Stream.runForEach((rows) =>
            Effect.sync(() => {
              for (const { key, etag } of rows) etags.set(key, (etags.get(key) ?? new Set()).add(etag))
            })
          )
        )
        return etags
      })

      const append = Effect.fn("Embeddings.append")(function* (
        recipe: Recipe,
        recordings: ReadonlyArray<EmbeddedRecording>
      ) {
        const bytes = encodePart(recordings)
        const hash = new Bun.CryptoHasher("sha256").update(bytes).digest("hex").slice(0, 32)
        yield* store.put(embeddingPartKey(recipe.id, hash), bytes)
      })

      const load = (recipe: Recipe, wanted: ReadonlyMap<string, string>) =>
        Stream.suspend(() => {
          const seen = new Set<string>()
          return parts(recipe).pipe(
            Stream.mapEffect(readWhole(decodePart)),
            Stream.flattenIterable,
            Stream.filter((recording) => {
              if (wanted.get(recording.key) !== recording.etag || seen.has(recording.key)) return false
              seen.add(recording.key)
              return true
            })
          )
        })

      return Embeddings.of({ index, append, load })
    })
  )
}
