import { Context, Effect, Layer, Stream } from "effect"
import { rowSize } from "../../embedder/frontEnd.ts"
import { SCANS_PREFIX, scansPrefix } from "../../store/keys.ts"
import { type ObjectInfo, Store, type StoreError } from "../../store/store.ts"
import { intact, nameOf, type PartError, partsUntilSettled, tolerating, writePart } from "../parts.ts"
import type { Sighting } from "../sighting.ts"
import { decodeSightings, encodeSightings } from "../sightingPart.ts"
import { KnownScans, type SegmentPlace } from "./knownScans.ts"
import { makePartDecoder, type PartDecoder } from "./partDecoder.ts"
import type { ScannedRecording, WindowSegment } from "./scannedRecording.ts"
import { earlierRecipes, type ScanRecipe } from "./scanRecipe.ts"
import { encodeWindowPart, FOOTER_BYTES, locateSegments, readSegments, type SegmentRow } from "./windowPart.ts"

/** Parts read at once: each costs two round trips to a bucket for the index. */
const INDEX_CONCURRENCY = 16
/** Parts fetched while the one before them is used. */
const READ_AHEAD = 2

/** The folder of sightings of recordings that lie under another key than they were heard. */
const SEEN = `${SCANS_PREFIX}seen/`

/** Consecutive windows of a recording, as they are stored. */
export interface StoredWindows {
  readonly recording: ScannedRecording
  /** The place of the first one in the recording. */
  readonly first: number
  readonly segment: WindowSegment
  /** Which windows of the segment, the end exclusive. */
  readonly from: number
  readonly to: number
}

/**
 * The vectors of field recordings' windows, kept in the store as immutable, content-addressed Parquet parts under
 * `scans/<recipe>/`, and where copies of these recordings were seen, under `scans/seen/`.
 *
 * A part that cannot be read is set aside, so that its recordings are heard again.
 */
export class Scans extends Context.Service<
  Scans,
  {
    /**
     * What was heard, and how far, and what recipes of fewer vectors have heard. Reads no vectors, and of parts that it has
     * read before nothing.
     */
    readonly index: (recipe: ScanRecipe) => Effect.Effect<KnownScans, StoreError>
    /** What a recipe has heard of which only the id is known. */
    readonly indexOnly: (recipe: Pick<ScanRecipe, "id">) => Effect.Effect<KnownScans, StoreError>
    /** Writes one part; returns its key. */
    readonly append: (recipe: ScanRecipe, segments: ReadonlyArray<WindowSegment>) => Effect.Effect<string, StoreError>
    /** Remembers where copies of recordings that were heard lie, so that they are not read again. */
    readonly sighted: (sightings: ReadonlyArray<Sighting>) => Effect.Effect<void, StoreError>
    /**
     * The windows of these recordings, one recording after the other, each from its first window to its last; those that
     * begin in one part come together, which is read once for them. Those heard by a recipe of fewer vectors have these.
     */
    readonly load: (
      recipe: ScanRecipe,
      known: KnownScans,
      recordings: Iterable<ScannedRecording>
    ) => Stream.Stream<StoredWindows, StoreError>
  }
>()("ecosight/embeddings/Scans") {
  static readonly layer = Layer.effect(
    Scans,
    Effect.gen(function* () {
      const store = yield* Store
      const decode = yield* makePartDecoder
      const readOnce = remembering(readIndex)
      const here = Effect.provideService(Store, store)
      return Scans.of({
        index: (recipe) => here(index(readOnce, recipe, earlierRecipes(recipe))),
        indexOnly: (recipe) => here(index(readOnce, recipe, [])),
        append: (recipe, segments) => here(writePart(scansPrefix(recipe.id), encodeWindowPart(segments))),
        sighted: (sightings) => here(writeSightings(sightings)),
        load: (recipe, known, recordings) =>
          load(decode, recipe, known, recordings).pipe(Stream.provideService(Store, store))
      })
    })
  )
}

const tolerate = (folder: string) =>
  tolerating(folder, folder === SEEN ? "what it told of is read again" : "its recordings are heard again")

const writeSightings = Effect.fnUntraced(function* (sightings: ReadonlyArray<Sighting>) {
  const lasting = sightings.filter(({ etag }) => etag !== "")
  if (lasting.length > 0) yield* writePart(SEEN, yield* encodeSightings(lasting))
})

const readSightings = Effect.fnUntraced(function* ({ key }: ObjectInfo) {
  const { bytes } = yield* (yield* Store).get(key)
  return yield* decodeSightings(key, nameOf(key), bytes)
})

/** By its ends; where these are not what a part's are, by the whole of it, whose name tells whether it is damaged. */
const readIndex = (part: ObjectInfo) =>
  readIndexByRanges(part).pipe(Effect.catchTag("PartError", () => readIndexByWhole(part)))

const readIndexByRanges = Effect.fnUntraced(function* ({ key, size }: ObjectInfo) {
  const store = yield* Store
  const footer = size === 0 ? new Uint8Array() : yield* store.getRange(key, Math.max(0, size - FOOTER_BYTES), size)
  const place = yield* locateSegments(key, footer)
  const head = size <= FOOTER_BYTES ? footer : yield* store.getRange(key, 0, place.end)
  return yield* readSegments(key, place, head)
})

const readIndexByWhole = Effect.fnUntraced(function* ({ key }: ObjectInfo) {
  const bytes = yield* intact(key, nameOf(key), (yield* (yield* Store).get(key)).bytes)
  return yield* readSegments(key, yield* locateSegments(key, bytes), bytes)
})

/** Reads each part once, since none ever changes. */
const remembering = <A, E, R>(read: (part: ObjectInfo) => Effect.Effect<ReadonlyArray<A>, E, R>) => {
  const before = new Map<string, { readonly etag: string; readonly rows: ReadonlyArray<A> }>()
  return Effect.fnUntraced(function* (part: ObjectInfo) {
    const known = before.get(part.key)
    if (known !== undefined && known.etag === part.etag && part.etag !== "") return known.rows
    const rows = yield* read(part)
    before.set(part.key, { etag: part.etag, rows })
    return rows
  })
}

const index = Effect.fn("Scans.index")(function* (
  readRows: ReturnType<typeof remembering<SegmentRow, StoreError | PartError, Store>>,
  { id }: Pick<ScanRecipe, "id">,
  before: ReadonlyArray<Pick<ScanRecipe, "id">>
) {
  const earlier = before.map((recipe) => ({ recipe, own: new KnownScans() }))
  const known = new KnownScans(earlier.map(({ own }) => own))
  const readAll = <A>(
    folder: string,
    read: (part: ObjectInfo) => Effect.Effect<ReadonlyArray<A>, StoreError | PartError, Store>,
    remember: (part: string, rows: ReadonlyArray<A>) => void
  ) =>
    partsUntilSettled(folder).pipe(
      Stream.mapEffect((part) => Effect.map(tolerate(folder)(read(part)), (rows) => ({ part, rows })), {
        concurrency: INDEX_CONCURRENCY
      }),
      Stream.runForEach(({ part, rows }) => Effect.sync(() => remember(part.key, rows)))
    )
  yield* readAll(SEEN, readSightings, (_, sightings) => {
    for (const sighting of sightings) known.see(sighting)
  })
  for (const { recipe, own } of [{ recipe: { id }, own: known }, ...earlier]) {
    yield* readAll(scansPrefix(recipe.id), readRows, (part, rows) => own.add(part, rows))
  }
  return known
})

const load = (decode: PartDecoder, recipe: ScanRecipe, known: KnownScans, recordings: Iterable<ScannedRecording>) => {
  const shapes = new Map(
    [recipe, ...earlierRecipes(recipe)].map(({ id, parts: { embedder } }) => {
      const shape = { size: rowSize(embedder), vectors: Object.keys(embedder.vectors).length }
      return [scansPrefix(id), shape] as const
    })
  )
  const read = (key: string) => {
    const folder = key.slice(0, key.lastIndexOf("/") + 1)
    return tolerate(folder)(
      Effect.gen(function* () {
        const { bytes } = yield* (yield* Store).get(key)
        return yield* decode({ part: key, name: nameOf(key), bytes, shape: shapes.get(folder)! })
      })
    )
  }
  return Stream.fromIterable(byPart(known, recordings)).pipe(
    Stream.mapEffect(({ part, wanted }) => Effect.map(read(part), (segments) => ({ segments, wanted })), {
      concurrency: READ_AHEAD
    }),
    Stream.map(({ segments, wanted }) =>
      wanted.flatMap(({ recording, place: { row, first, count, skip } }): ReadonlyArray<StoredWindows> => {
        const segment = segments[row]
        return segment === undefined ? [] : [{ recording, first, segment, from: skip, to: skip + count }]
      })
    ),
    Stream.flattenIterable
  )
}

interface Wanted {
  readonly recording: ScannedRecording
  readonly place: SegmentPlace
}

/** What is wanted, in the order in which it is read: recordings that begin in one part after each other. */
function* byPart(known: KnownScans, recordings: Iterable<ScannedRecording>) {
  let wanted: Array<Wanted> = []
  const placed = Array.from(recordings, (recording) => ({ recording, places: known.placesOf(recording) }))
  const together = Map.groupBy(placed, ({ places }) => places[0]?.part)
  for (const { recording, places } of [...together.values()].flat()) {
    for (const place of places) {
      const part = wanted[0]?.place.part
      if (part !== undefined && part !== place.part) {
        yield { part, wanted }
        wanted = []
      }
      wanted.push({ recording, place })
    }
  }
  if (wanted[0] !== undefined) yield { part: wanted[0].place.part, wanted }
}
