import { Effect, Schema } from "effect"
import { type FileMetaData, parquetMetadata, parquetRead, parquetReadObjects } from "hyparquet"
import { ByteWriter, type ColumnSource, parquetWrite } from "hyparquet-writer"
import { VARIANT_NAMES } from "../augment/variants.ts"
import { firstOf, placeOf, rowSize, select, type Vectors } from "../embedder/frontEnd.ts"
import { bytesOf } from "../sound/floats.ts"
import { classOf, groupOf } from "../store/keys.ts"
import { damaged, intact, PartError } from "./parts.ts"
import type { StoredRecipe } from "./recipe.ts"
import { type EmbeddedRecording, mayBeCut } from "./recording.ts"
import type { Sighting } from "./sighting.ts"

const Row = Schema.Struct({
  key: Schema.String,
  etag: Schema.String,
  size: Schema.Number,
  content_hash: Schema.String,
  silent: Schema.Boolean,
  variant: Schema.Literals(VARIANT_NAMES),
  seed: Schema.Number,
  parameters: Schema.fromJsonString(Schema.Record(Schema.String, Schema.Number)),
  seconds: Schema.Number,
  patches: Schema.Number,
  peak: Schema.Number,
  clipped: Schema.Number
})

const decodeRows = Schema.decodeUnknownEffect(Schema.Array(Row))
/**
 * The column of each vector: the first is `vector`, further ones bear their names, so that who needs none reads none.
 *
 * Each is a byte array of little-endian float32 (1,024 of YAMNet's embedding), which reads far faster than a Parquet list
 * of floats (docs/decisions/parquet.md); in Python, np.frombuffer(row, "<f4") gives the array.
 */
const columnOf = (vectors: Vectors, name: string): string => (name === firstOf(vectors) ? "vector" : `vector_${name}`)

const Floats = Schema.instanceOf(Uint8Array<ArrayBuffer>)
const decodeVectors = (columns: ReadonlyArray<string>) =>
  Schema.decodeUnknownEffect(Schema.Array(Schema.Struct(Object.fromEntries(columns.map((name) => [name, Floats])))))

const isText = Schema.is(Schema.Array(Schema.String))

/** Which content a row is of, and where it was seen: all in the first columns, so that they lie together at a part's start. */
const INDEX_COLUMNS = ["key", "etag", "content_hash"] as const

/** What tells, besides, whether an original may be no more than a beginning. */
const LENGTH_COLUMNS = ["variant", "parameters", "seconds"] as const

/** Bytes at a part's end that hold its footer: 2.5 KB with one row group, however many rows. */
export const FOOTER_BYTES = 16_384

/** Recordings with all of their recipe's vectors as one Parquet file: a row per variant, those of a recording together. */
export const encodePart = (recordings: ReadonlyArray<EmbeddedRecording>, vectors: Vectors): Uint8Array => {
  const rows = recordings.flatMap((recording) => recording.variants.map((variant) => ({ recording, variant })))
  const column = <T>(
    name: string,
    type: NonNullable<ColumnSource["type"]>,
    value: (row: (typeof rows)[number]) => T
  ) => ({ name, type, data: rows.map(value), nullable: false })
  const writer = new ByteWriter()
  parquetWrite({
    writer,
    createdBy: "ecosight-retrain",
    rowGroupSize: Math.max(rows.length, 1),
    columnData: [
      column("key", "STRING", ({ recording }) => recording.key),
      column("etag", "STRING", ({ recording }) => recording.etag),
      column("size", "DOUBLE", ({ recording }) => recording.size),
      column("content_hash", "STRING", ({ recording }) => recording.contentHash),
      // For those who open a part by itself; read back, both follow from the key and the settings.
      column("class", "STRING", ({ recording }) => classOf(recording.key) ?? ""),
      column("group", "STRING", ({ recording }) => groupOf(recording.key)),
      column("silent", "BOOLEAN", ({ recording }) => recording.silent),
      column("variant", "STRING", ({ variant }) => variant.draw.variant),
      column("seed", "DOUBLE", ({ variant }) => variant.draw.seed),
      column("parameters", "STRING", ({ variant }) => JSON.stringify(variant.draw.parameters)),
      column("seconds", "DOUBLE", ({ variant }) => variant.seconds),
      column("patches", "INT32", ({ variant }) => variant.patches),
      column("peak", "DOUBLE", ({ variant }) => variant.peak),
      column("clipped", "INT32", ({ variant }) => variant.clipped),
      ...Object.keys(vectors).map((name) => {
        const { from, to } = placeOf(vectors, name)
        return {
          // Vectors do not compress (0.93 of their size with Snappy) and their minimum and maximum say nothing.
          ...column(columnOf(vectors, name), "BYTE_ARRAY", ({ variant }) => bytesOf(variant.vector.subarray(from, to))),
          encoding: "PLAIN" as const,
          codec: "UNCOMPRESSED" as const,
          statistics: false
        }
      })
    ]
  })
  return new Uint8Array(writer.getBuffer())
}

/** A recording, as a part's index has it. */
export interface IndexRow extends Omit<Sighting, "size"> {
  /** Whether no more than its beginning may be embedded. */
  readonly mayBeCut?: true
}

/** Where in a part its index, the columns of these names, lies, from the part's last bytes (the whole part where it is smaller than a footer). */
export const locateIndex = Effect.fn("locateIndex")(function* (
  part: string,
  footer: Uint8Array,
  namesIn: (metadata: FileMetaData) => ReadonlyArray<string> = () => INDEX_COLUMNS
) {
  return yield* Effect.try({
    try: () => {
      const metadata = parquetMetadata(bufferOf(footer))
      const names = namesIn(metadata)
      const ends = metadata.row_groups.flatMap(({ columns }) =>
        columns
          .filter(({ meta_data }) => names.some((name) => name === meta_data?.path_in_schema.join(".")))
          .map(({ meta_data: data }) =>
            Number((data!.dictionary_page_offset ?? data!.data_page_offset) + data!.total_compressed_size)
          )
      )
      return { metadata, names, end: Math.max(...ends) }
    },
    catch: damaged(part)
  })
})

/** The columns of a part's index: also those of lengths where a variant in it lasts as long as clips of the recipe do at most. */
export const indexColumns =
  (recipe: LimitedRecipe) =>
  (metadata: FileMetaData): ReadonlyArray<string> =>
    holdsLong(metadata, recipe) ? [...INDEX_COLUMNS, ...LENGTH_COLUMNS] : INDEX_COLUMNS

/** A recipe, whose limit of length may not be known. */
type LimitedRecipe = Partial<Pick<StoredRecipe, "parts">>

const holdsLong = ({ row_groups }: FileMetaData, { parts }: LimitedRecipe): boolean =>
  row_groups.some(({ columns }) => {
    const seconds = columns.find(({ meta_data }) => meta_data?.path_in_schema.join(".") === "seconds")
    const most = seconds?.meta_data?.statistics?.max_value ?? seconds?.meta_data?.statistics?.max
    return typeof most === "number" && typeof parts?.clipMaxSeconds === "number" && most > parts.clipMaxSeconds - 0.001
  })

/** The recordings in a part, from its first bytes, up to the index's end; the vectors are not needed. */
export const readIndex = Effect.fn("readIndex")(function* (
  part: string,
  { metadata, names }: Effect.Success<ReturnType<typeof locateIndex>>,
  head: Uint8Array,
  recipe: LimitedRecipe = {}
) {
  const columns = new Map(names.map((name) => [name as string, [] as unknown[]]))
  const file = bufferOf(head)
  yield* Effect.tryPromise({
    try: () =>
      parquetRead({
        file,
        metadata,
        columns: [...names],
        onChunk: ({ columnName, columnData }) => {
          for (const value of columnData as ArrayLike<unknown> & Iterable<unknown>) columns.get(columnName)!.push(value)
        }
      }),
    catch: damaged(part)
  })
  const [keys, etags, hashes]: ReadonlyArray<unknown> = [...columns.values()]
  if (
    !isText(keys) ||
    !isText(etags) ||
    !isText(hashes) ||
    keys.length !== etags.length ||
    keys.length !== hashes.length
  ) {
    return yield* new PartError({ part, message: `${part} cannot be read: its keys, ETags and hashes are not text.` })
  }
  const cut = yield* mayBeCutAt(part, columns, recipe)
  const rows: Array<IndexRow> = []
  for (const [at, key] of keys.entries()) {
    const row = { key, etag: etags[at]!, contentHash: hashes[at]!, ...(cut(at) ? { mayBeCut: true as const } : {}) }
    const before = rows.at(-1)
    if (key !== before?.key || row.etag !== before.etag || row.contentHash !== before.contentHash) rows.push(row)
  }
  return rows
})

const LengthRow = Schema.Struct({
  variant: Row.fields.variant,
  parameters: Row.fields.parameters,
  seconds: Row.fields.seconds
})
const decodeLengths = Schema.decodeUnknownEffect(Schema.Array(LengthRow))

/** Whether the recording whose first row, its original, is in this place may be cut, where its part has any that may. */
const mayBeCutAt = Effect.fnUntraced(function* (
  part: string,
  columns: ReadonlyMap<string, ReadonlyArray<unknown>>,
  { parts }: LimitedRecipe
) {
  const [variants, parameters, seconds] = LENGTH_COLUMNS.map((name) => columns.get(name as string))
  if (variants === undefined || parts === undefined) return () => false
  const rows = yield* decodeLengths(
    variants.map((variant, at) => ({ variant, parameters: parameters?.[at], seconds: seconds?.[at] }))
  ).pipe(Effect.mapError(damaged(part)))
  return (at: number) => mayBeCut({ parts }, { seconds: rows[at]!.seconds, draw: { ...rows[at]!, seed: 0 } })
})

/**
 * The recordings in a part; `name` is what `partName` gave it, `vectors` are its recipe's. Their rows have those that are
 * `wanted`, all unless said.
 */
export const decodePart = Effect.fn("decodePart")(function* (
  part: string,
  name: string,
  bytes: Uint8Array,
  vectors: Vectors,
  wanted: ReadonlyArray<string> = Object.keys(vectors)
) {
  yield* intact(part, name, bytes)
  const read = select(vectors, wanted)
  const columns = Object.keys(read).map((name) => ({ ...placeOf(read, name), column: columnOf(vectors, name) }))
  const { rows, values } = yield* readRows(
    part,
    bytes,
    columns.map(({ column }) => column)
  )
  for (const { column, from, to } of columns) {
    const foreign = values.find((value) => value[column]!.length !== 4 * (to - from))
    if (foreign === undefined) continue
    const message = `${part} holds a vector of ${foreign[column]!.length / 4} floats, not ${to - from}: another embedder made it.`
    return yield* new PartError({ part, message })
  }
  const floats = rowSize({ vectors: read })
  // Copied, because the file's bytes are not aligned to floats and should not be kept alive.
  const join = (value: (typeof values)[number]) => {
    const row = new Float32Array(floats)
    const bytes = new Uint8Array(row.buffer)
    for (const { column, from } of columns) bytes.set(value[column]!, 4 * from)
    return row
  }
  // A merged part may hold two versions of a recording; a store without ETags tells them apart by their content alone.
  return Map.groupBy(
    rows.map((row, at) => ({ ...row, vector: join(values[at]!) })),
    (row) => `${row.key}\0${row.etag}\0${row.content_hash}`
  )
    .values()
    .map(
      (variants): EmbeddedRecording => ({
        key: variants[0]!.key,
        etag: variants[0]!.etag,
        size: variants[0]!.size,
        contentHash: variants[0]!.content_hash,
        silent: variants[0]!.silent,
        variants: variants.map((row) => ({
          draw: { variant: row.variant, seed: row.seed, parameters: row.parameters },
          seconds: row.seconds,
          patches: row.patches,
          peak: row.peak,
          clipped: row.clipped,
          vector: row.vector
        }))
      })
    )
    .toArray()
})

const readRows = (part: string, bytes: Uint8Array, columns: ReadonlyArray<string>) =>
  Effect.tryPromise({
    try: (): Promise<unknown> =>
      parquetReadObjects({
        file: bufferOf(bytes),
        columns: [...Object.keys(Row.fields), ...columns],
        utf8: false
      }),
    catch: (cause) => cause
  }).pipe(
    Effect.flatMap((found) => Effect.all({ rows: decodeRows(found), values: decodeVectors(columns)(found) })),
    Effect.mapError(damaged(part))
  )

// hyparquet takes an ArrayBuffer, and ours may be a piece of a larger one.
const bufferOf = (bytes: Uint8Array): ArrayBuffer => bytes.slice().buffer
