import { Context, Effect, Layer, Stream } from "effect"
import { embeddingsPrefix, partKey } from "../store/keys.ts"
import { type ObjectInfo, removeUnneeded, Store, type StoreError } from "../store/store.ts"
import { decodePart, encodePart, FOOTER_BYTES, indexColumns, locateIndex, readIndex } from "./part.ts"
import {
  type Compaction,
  intact,
  nameOf,
  PartError,
  partsToMerge,
  partsUntilSettled,
  removeParts,
  tolerating,
  writePart
} from "./parts.ts"
import { type StoredRecipe, vectorsOf } from "./recipe.ts"
import { type EmbeddedRecording, mayBeCut } from "./recording.ts"
import { KnownRecordings, type Sighting, type Version, versionName } from "./sighting.ts"
import { decodeSightings, encodeSightings } from "./sightingPart.ts"

/** Parts read at once: each costs two round trips to a bucket for the index, and 3 MB when loading. */
const INDEX_CONCURRENCY = 16

const COMPACTION: Compaction = { small: 2_000_000, least: 16, merged: 8_000_000 }

/** The folder, beside the recipes', of sightings of recordings whose vectors bear another key or version. */
const SEEN = embeddingsPrefix("seen")

type RecipeId = Pick<StoredRecipe, "id"> & Partial<StoredRecipe>

/**
 * The vectors of recordings, by content, kept in the store as immutable, content-addressed Parquet parts under
 * `embeddings/<recipe>/`, and where these contents were seen besides, under `embeddings/seen/`.
 *
 * Many may write, merge and read at once (see `parts.ts`). A part that cannot be read is set aside, so that its recordings
 * are embedded again.
 */
export class Embeddings extends Context.Service<
  Embeddings,
  {
    /** Which contents are embedded, and which versions of recordings are known to hold them. Reads no vectors. */
    readonly index: (recipe: RecipeId) => Effect.Effect<KnownRecordings, StoreError>
    /** Writes one part; two writers with the same recordings write the same object. */
    readonly append: (
      recipe: StoredRecipe,
      recordings: ReadonlyArray<EmbeddedRecording>
    ) => Effect.Effect<void, StoreError>
    /** Remembers where contents that are embedded already, or cannot be used, were seen, so that they are not read again. */
    readonly sighted: (sightings: ReadonlyArray<Sighting>) => Effect.Effect<void, StoreError>
    /**
     * The embedded recordings with these contents (hex SHA-256), each once, part by part, under any of their keys. Their
     * rows have the vectors with these names, all unless said.
     */
    readonly load: (
      recipe: StoredRecipe,
      contents: ReadonlySet<string>,
      vectors?: ReadonlyArray<string>
    ) => Stream.Stream<EmbeddedRecording, StoreError>
    /**
     * Merges small parts where there are many, and leaves out contents that none of `live`, the recordings in the store,
     * has. `live` is asked for after the parts are listed, so that a recording which lands meanwhile is not taken for one
     * that went. Returns how many parts were merged.
     */
    readonly compact: <E, R>(
      recipe: StoredRecipe,
      live: Effect.Effect<Iterable<Version>, E, R>
    ) => Effect.Effect<number, StoreError | E, R>
  }
>()("ecosight/embeddings/Embeddings") {
  static readonly layerWith = (compaction: Compaction) =>
    Layer.effect(
      Embeddings,
      Effect.map(Store, (store) => {
        const here = Effect.provideService(Store, store)
        return Embeddings.of({
          index: (recipe) => here(index(recipe)),
          append: (recipe, recordings) =>
            here(writePart(embeddingsPrefix(recipe.id), encodePart(recordings, vectorsOf(recipe)))),
          sighted: (sightings) => here(writeSightings(sightings)),
          load: (recipe, contents, vectors) =>
            load(recipe, contents, vectors).pipe(Stream.provideService(Store, store)),
          compact: (recipe, live) => here(compact(compaction, recipe, live))
        })
      })
    )

  static readonly layer = Embeddings.layerWith(COMPACTION)
}

const tolerate = (folder: string) =>
  tolerating(folder, folder === SEEN ? "what it told of is read again" : "its recordings are embedded again")

const readPart = (recipe: StoredRecipe, { key }: ObjectInfo, vectors?: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const { bytes } = yield* (yield* Store).get(key)
    return yield* decodePart(key, nameOf(key), bytes, vectorsOf(recipe), vectors)
  })

const readSightings = ({ key }: ObjectInfo) =>
  Effect.gen(function* () {
    const { bytes } = yield* (yield* Store).get(key)
    return yield* decodeSightings(key, nameOf(key), bytes)
  })

/** Writes sightings as a part, whose key it returns; nothing where none tells anything. */
const writeSightings = Effect.fnUntraced(function* (sightings: ReadonlyArray<Sighting>) {
  // Where there is no ETag the bytes are read each time anyway; that they cannot be used holds for these bytes.
  const lasting = sightings.filter(({ etag, unusable }) => etag !== "" || unusable !== undefined)
  return lasting.length === 0 ? undefined : yield* writePart(SEEN, yield* encodeSightings(lasting))
})

/** By its ends; where these are not what a part's are, by the whole of it, whose name tells whether it is damaged. */
const readPartIndex = (recipe: RecipeId) => (part: ObjectInfo) =>
  readIndexByRanges(recipe, part).pipe(Effect.catchTag("PartError", () => readIndexByWhole(recipe, part)))

const readIndexByRanges = Effect.fnUntraced(function* (recipe: RecipeId, { key, size }: ObjectInfo) {
  const store = yield* Store
  // A server refuses any range of an empty object.
  const footer = size === 0 ? new Uint8Array() : yield* store.getRange(key, Math.max(0, size - FOOTER_BYTES), size)
  const index = yield* locateIndex(key, footer, indexColumns(recipe))
  const head = size <= FOOTER_BYTES ? footer : yield* store.getRange(key, 0, index.end)
  const rows = yield* readIndex(key, index, head, recipe)
  // Columns hold numbers of values: one that is another names another recording's content.
  if (new Set(rows.map(({ contentHash }) => contentHash)).size === rows.length) return rows
  return yield* new PartError({ part: key, message: `${key} has a content twice.` })
})

const readIndexByWhole = Effect.fnUntraced(function* (recipe: RecipeId, { key }: ObjectInfo) {
  const bytes = yield* intact(key, nameOf(key), (yield* (yield* Store).get(key)).bytes)
  return yield* readIndex(key, yield* locateIndex(key, bytes, indexColumns(recipe)), bytes, recipe)
})

const index = Effect.fn("Embeddings.index")(function* (recipe: RecipeId) {
  const known = new KnownRecordings()
  const readAll = <A>(
    folder: string,
    read: (part: ObjectInfo) => Effect.Effect<ReadonlyArray<A>, StoreError | PartError, Store>,
    remember: (row: A) => void
  ) =>
    partsUntilSettled(folder).pipe(
      Stream.mapEffect((part) => tolerate(folder)(read(part)), { concurrency: INDEX_CONCURRENCY }),
      Stream.runForEach((rows) => Effect.sync(() => rows.forEach(remember)))
    )
  yield* readAll(SEEN, readSightings, (sighting) => known.see(sighting))
  yield* readAll(embeddingsPrefix(recipe.id), readPartIndex(recipe), (row) => {
    known.see(row)
    if (!row.mayBeCut) known.embed(row.contentHash)
  })
  return known
})

const load = (recipe: StoredRecipe, contents: ReadonlySet<string>, vectors: ReadonlyArray<string> | undefined) =>
  Stream.suspend(() => {
    const given = new Set<string>()
    return partsUntilSettled(embeddingsPrefix(recipe.id)).pipe(
      Stream.mapEffect((part) => tolerate(embeddingsPrefix(recipe.id))(readPart(recipe, part, vectors))),
      Stream.flattenIterable,
      Stream.filter(({ contentHash, variants }) => {
        if (!contents.has(contentHash) || given.has(contentHash) || mayBeCut(recipe, variants[0]!)) return false
        given.add(contentHash)
        return true
      })
    )
  })

const compact = Effect.fn("Embeddings.compact")(function* <E, R>(
  compaction: Compaction,
  recipe: StoredRecipe,
  live: Effect.Effect<Iterable<Version>, E, R>
) {
  const groups = yield* partsToMerge(embeddingsPrefix(recipe.id), compaction)
  const seen = yield* partsToMerge(SEEN, compaction)
  if (groups.length + seen.length === 0) return 0
  // What is merged, but may not be removed, would be merged again in every run.
  if (!(yield* removeUnneeded([partKey(embeddingsPrefix(recipe.id), "none")]))) return 0
  const versions = [...(yield* live)]
  const isLive = setOf(versions)
  const known = yield* index(recipe)
  const contents = versions.map((version) => known.contentOf(version))
  // While the bytes of a recording are not known, they may be any that are stored.
  const needed = contents.includes(undefined) ? undefined : new Set(contents)
  const vectors = yield* Effect.forEach(groups, (group) =>
    mergeVectors(recipe, group, isLive, (contentHash) => needed?.has(contentHash) ?? true)
  )
  const sightings = yield* Effect.forEach(seen, (group) => mergeSightings(group, isLive))
  return [...vectors, ...sightings].reduce((sum, count) => sum + count, 0)
})

type IsLive = (version: Version) => boolean

const setOf = (versions: ReadonlyArray<Version>): IsLive => {
  const names = new Set(versions.map(versionName))
  return (version) => names.has(versionName(version))
}

const mergeVectors = Effect.fnUntraced(function* (
  recipe: StoredRecipe,
  group: ReadonlyArray<ObjectInfo>,
  isLive: IsLive,
  isNeeded: (contentHash: string) => boolean
) {
  const read = (yield* Effect.forEach(group, (part) =>
    tolerate(embeddingsPrefix(recipe.id))(readPart(recipe, part))
  )).flat()
  const kept = new Map<string, EmbeddedRecording>()
  for (const recording of read) {
    const { contentHash, variants } = recording
    if (mayBeCut(recipe, variants[0]!)) continue
    if (isNeeded(contentHash) && (!kept.has(contentHash) || isLive(recording))) kept.set(contentHash, recording)
  }
  // One content's vectors are kept under one key: where it lay besides is written down before that is gone.
  const others = read.filter((recording) => {
    const sibling = kept.get(recording.contentHash)
    return sibling !== undefined && isLive(recording) && versionName(sibling) !== versionName(recording)
  })
  yield* writeSightings(others)
  const merged = [...kept.values()].sort((a, b) => (a.key < b.key ? -1 : 1))
  yield* removeParts(
    group,
    merged.length > 0 ? yield* writePart(embeddingsPrefix(recipe.id), encodePart(merged, vectorsOf(recipe))) : undefined
  )
  return group.length
})

const mergeSightings = Effect.fnUntraced(function* (group: ReadonlyArray<ObjectInfo>, isLive: IsLive) {
  const read = (yield* Effect.forEach(group, (part) => tolerate(SEEN)(readSightings(part)))).flat()
  const kept = new Map(read.filter(isLive).map((sighting) => [versionName(sighting), sighting]))
  yield* removeParts(group, yield* writeSightings([...kept.values()]))
  return group.length
})
