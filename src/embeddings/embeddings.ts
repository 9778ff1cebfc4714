import { Context, Effect, Layer, Option, Stream } from "effect"
import { damagedPartKey, embeddingPartKey, embeddingsPrefix } from "../store/keys.ts"
import { type ObjectInfo, Store, type StoreError } from "../store/store.ts"
import { decodePart, encodePart, FOOTER_BYTES, locateIndex, type PartError, partName, readIndex } from "./part.ts"
import { type Recipe, type StoredRecipe, vectorSize } from "./recipe.ts"
import type { EmbeddedRecording } from "./recording.ts"

/** Parts read at once: each costs two round trips to a bucket for the index, and 3 MB when loading. */
const INDEX_CONCURRENCY = 16

/** When parts are merged. */
export interface Compaction {
  /** Bytes up to which a part is small. */
  readonly small: number
  /** Small parts that there have to be. */
  readonly least: number
  /** Bytes of a merged part, at most. */
  readonly merged: number
}

const COMPACTION: Compaction = { small: 2_000_000, least: 16, merged: 8_000_000 }

/**
 * Embeddings kept in the store as immutable, content-addressed Parquet parts under `embeddings/<recipe>/`.
 *
 * Many may write, merge and read at once, without a lock. Whatever is removed was written elsewhere before, so a reader
 * that lists until nothing is new has seen every recording, perhaps twice; it takes each once. A part that cannot be
 * read is named in a warning and set aside under `damaged/`, so that its recordings are embedded again.
 */
export class Embeddings extends Context.Service<
  Embeddings,
  {
    /** The ETags stored for each key; more than one where a recording changed. Reads no vectors. */
    readonly index: (recipe: Pick<Recipe, "id">) => Effect.Effect<ReadonlyMap<string, ReadonlySet<string>>, StoreError>
    /** Writes one part; two writers with the same recordings write the same object. */
    readonly append: (
      recipe: Pick<Recipe, "id">,
      recordings: ReadonlyArray<EmbeddedRecording>
    ) => Effect.Effect<void, StoreError>
    /** The recordings whose stored version is the wanted one (`wanted`: key to ETag), each once, part by part. */
    readonly load: (
      recipe: StoredRecipe,
      wanted: ReadonlyMap<string, string>
    ) => Stream.Stream<EmbeddedRecording, StoreError>
    /**
     * Merges small parts where there are many, and leaves out what `live` (the corpus, key to ETag) no longer has.
     * `live` is asked for after the parts are listed, so that a recording which lands meanwhile is not taken for one that
     * went. Returns how many parts were merged.
     */
    readonly compact: <E, R>(
      recipe: StoredRecipe,
      live: Effect.Effect<ReadonlyMap<string, string>, E, R>
    ) => Effect.Effect<number, StoreError | E, R>
  }
>()("ecosight/embeddings/Embeddings") {
  static readonly layerWith = (compaction: Compaction) =>
    Layer.effect(
      Embeddings,
      Effect.gen(function* () {
        const store = yield* Store

        const parts = (recipe: Pick<Recipe, "id">) => {
          const prefix = embeddingsPrefix(recipe.id)
          return store.list(prefix).pipe(Stream.filter(({ key }) => /^[^/]+\.parquet$/.test(key.slice(prefix.length))))
        }

        /** Every part, and, once these are read, those that were written meanwhile: a merge may have moved rows there. */
        const partsUntilSettled = (recipe: Pick<Recipe, "id">) => {
          const seen = new Set<string>()
          return Stream.paginate(undefined, () =>
            parts(recipe).pipe(
              Stream.filter(({ key }) => !seen.has(key)),
              Stream.runCollect,
              Effect.map((fresh) => {
                for (const { key } of fresh) seen.add(key)
                return [fresh, fresh.length > 0 ? Option.some(undefined) : Option.none()] as const
              })
            )
          )
        }

        const setAside = Effect.fnUntraced(function* (recipe: Pick<Recipe, "id">, { part, message }: PartError) {
          yield* Effect.logWarning(`${message} It is set aside, and its recordings are embedded again.`)
          const { bytes } = yield* store.get(part)
          yield* store.put(damagedPartKey(recipe.id, nameOf(part)), bytes)
          yield* store.remove(part)
        })

        /** Reads a part: nothing where it is damaged, or gone since it was listed. */
        const tolerate =
          (recipe: Pick<Recipe, "id">) =>
          <A>(read: Effect.Effect<ReadonlyArray<A>, StoreError | PartError>) =>
            read.pipe(
              Effect.catchTag("PartError", (error) => Effect.as(setAside(recipe, error), [])),
              Effect.catchIf(
                (error) => error.reason === "missing",
                () => Effect.succeed<ReadonlyArray<A>>([])
              )
            )

        const readPart = (recipe: StoredRecipe, { key }: ObjectInfo) =>
          Effect.flatMap(store.get(key), ({ bytes }) => decodePart(key, nameOf(key), bytes, vectorSize(recipe)))

        const readPartIndex = Effect.fnUntraced(function* ({ key, size }: ObjectInfo) {
          // A server refuses any range of an empty object.
          const footer =
            size === 0 ? new Uint8Array() : yield* store.getRange(key, Math.max(0, size - FOOTER_BYTES), size)
          const index = yield* locateIndex(key, footer)
          const head = size <= FOOTER_BYTES ? footer : yield* store.getRange(key, 0, index.end)
          return yield* readIndex(key, index, head)
        })

        const index = Effect.fn("Embeddings.index")(function* (recipe: Pick<Recipe, "id">) {
          const etags = new Map<string, Set<string>>()
          yield* partsUntilSettled(recipe).pipe(
            Stream.mapEffect((part) => tolerate(recipe)(readPartIndex(part)), { concurrency: INDEX_CONCURRENCY }),
            Stream.runForEach((rows) =>
              Effect.sync(() => {
                for (const { key, etag } of rows) {
                  const known = etags.get(key)
                  if (known === undefined) etags.set(key, new Set([etag]))
                  else known.add(etag)
                }
              })
            )
          )
          return etags
        })

        const write = Effect.fnUntraced(function* (
          recipe: Pick<Recipe, "id">,
          recordings: ReadonlyArray<EmbeddedRecording>
        ) {
          const bytes = encodePart(recordings)
          return yield* store.put(embeddingPartKey(recipe.id, partName(bytes)), bytes)
        })

        const append = Effect.fn("Embeddings.append")(function* (
          recipe: Pick<Recipe, "id">,
          recordings: ReadonlyArray<EmbeddedRecording>
        ) {
          yield* write(recipe, recordings)
        })

        const load = (recipe: StoredRecipe, wanted: ReadonlyMap<string, string>) =>
          Stream.suspend(() => {
            const seen = new Set<string>()
            return partsUntilSettled(recipe).pipe(
              Stream.mapEffect((part) => tolerate(recipe)(readPart(recipe, part))),
              Stream.flattenIterable,
              Stream.filter((recording) => {
                if (wanted.get(recording.key) !== recording.etag || seen.has(recording.key)) return false
                seen.add(recording.key)
                return true
              })
            )
          })

        const merge = Effect.fnUntraced(function* (
          recipe: StoredRecipe,
          group: ReadonlyArray<ObjectInfo>,
          live: ReadonlyMap<string, string>
        ) {
          const read = yield* Effect.forEach(group, (part) => tolerate(recipe)(readPart(recipe, part)))
          const kept = new Map<string, EmbeddedRecording>()
          for (const recording of read.flat()) {
            if (live.get(recording.key) === recording.etag && !kept.has(recording.key))
              kept.set(recording.key, recording)
          }
          const merged = [...kept.values()].sort((a, b) => (a.key < b.key ? -1 : 1))
          const written = merged.length > 0 ? (yield* write(recipe, merged)).key : undefined
          // Only what is written elsewhere, or needed no more, goes; who dies before leaves rows twice.
          yield* Effect.forEach(
            group.filter(({ key }) => key !== written),
            ({ key }) => store.remove(key),
            { discard: true }
          )
          return group.length
        })

        const compact = Effect.fn("Embeddings.compact")(function* <E, R>(
          recipe: StoredRecipe,
          live: Effect.Effect<ReadonlyMap<string, string>, E, R>
        ) {
          const small = yield* parts(recipe).pipe(
            Stream.filter(({ size }) => size <= compaction.small),
            Stream.runCollect
          )
          if (small.length < compaction.least) return 0
          const corpus = yield* live
          const merged = yield* Effect.forEach(groupBySize(small, compaction.merged), (group) =>
            merge(recipe, group, corpus)
          )
          return merged.reduce((sum, count) => sum + count, 0)
        })

        return Embeddings.of({ index, append, load, compact })
      })
    )

  static readonly layer = Embeddings.layerWith(COMPACTION)
}

const nameOf = (part: string): string => part.slice(part.lastIndexOf("/") + 1, -".parquet".length)

/** Consecutive parts, together no larger than `most` bytes. */
const groupBySize = (parts: ReadonlyArray<ObjectInfo>, most: number): ReadonlyArray<ReadonlyArray<ObjectInfo>> => {
  const groups: Array<Array<ObjectInfo>> = []
  let filled = Number.POSITIVE_INFINITY
  for (const part of parts) {
    if (filled + part.size > most) {
      groups.push([])
      filled = 0
    }
    groups.at(-1)!.push(part)
    filled += part.size
  }
  return groups
}
