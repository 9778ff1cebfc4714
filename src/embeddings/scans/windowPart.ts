import { Effect, Schema } from "effect"
import { type parquetMetadata, parquetReadObjects } from "hyparquet"
import { ByteWriter, parquetWrite } from "hyparquet-writer"
import { bytesOf } from "../../sound/floats.ts"
import { locateIndex } from "../part.ts"
import { damaged, intact, PartError } from "../parts.ts"
import { BLOB, compressorsAt, decompressors } from "../zstd.ts"
import { ScannedRecording, type WindowSegment } from "./scannedRecording.ts"

// A row is a segment: consecutive windows of one recording. In Python, np.frombuffer(row["codes"], "u1").reshape(-1, count)
// holds a window's codes in each column, and np.frombuffer(row["ranges"], "<f4").reshape(count, -1, 2) what they are worth.

const IndexRow = Schema.Struct({
  key: Schema.String,
  etag: Schema.String,
  first: Schema.Int,
  count: Schema.Int,
  /** The recording as JSON in its last segment, else empty. */
  recording: Schema.Union([Schema.Literal(""), Schema.fromJsonString(ScannedRecording)])
})
/** What a part's index says of a segment. */
export type SegmentRow = typeof IndexRow.Type

const Row = Schema.Struct({
  ...IndexRow.fields,
  codes: Schema.instanceOf(Uint8Array<ArrayBuffer>),
  ranges: Schema.instanceOf(Uint8Array<ArrayBuffer>)
})

const decodeIndexRows = Schema.decodeUnknownEffect(Schema.Array(IndexRow))
const decodeRows = Schema.decodeUnknownEffect(Schema.Array(Row))
const encodeRecording = Schema.encodeSync(Schema.fromJsonString(ScannedRecording))

const INDEX_COLUMNS = Object.keys(IndexRow.fields)

/** Bytes at a part's end that hold its footer. */
export const FOOTER_BYTES = 16_384

const ZSTD_LEVEL = 1

/** Segments as one Parquet file, the index first. */
export const encodeWindowPart = (segments: ReadonlyArray<WindowSegment>): Uint8Array => {
  const writer = new ByteWriter()
  parquetWrite({
    writer,
    createdBy: "ecosight-retrain",
    rowGroupSize: Math.max(segments.length, 1),
    compressors: compressorsAt(ZSTD_LEVEL),
    columnData: [
      { name: "key", type: "STRING", nullable: false, data: segments.map(({ key }) => key) },
      { name: "etag", type: "STRING", nullable: false, data: segments.map(({ etag }) => etag) },
      { name: "first", type: "INT32", nullable: false, data: segments.map(({ first }) => first) },
      { name: "count", type: "INT32", nullable: false, data: segments.map(({ windows }) => windows.count) },
      {
        name: "recording",
        type: "STRING",
        nullable: false,
        data: segments.map(({ recording }) => (recording === undefined ? "" : encodeRecording(recording)))
      },
      { ...BLOB, name: "ranges", data: segments.map(({ windows }) => bytesOf(windows.ranges)) },
      { ...BLOB, name: "codes", data: segments.map(({ windows }) => windows.codes) }
    ]
  })
  return new Uint8Array(writer.getBuffer())
}

/** How many of a part's first bytes hold its index, from its last ones (the whole part where it is smaller than a footer). */
export const locateSegments = (part: string, footer: Uint8Array) => locateIndex(part, footer, () => INDEX_COLUMNS)

/** The segments in a part, without their vectors, from its first bytes up to the index's end. */
export const readSegments = Effect.fn("readSegments")(function* (
  part: string,
  { metadata }: { readonly metadata: ReturnType<typeof parquetMetadata> },
  head: Uint8Array
) {
  return yield* Effect.tryPromise({
    try: (): Promise<unknown> =>
      parquetReadObjects({ file: bufferOf(head), metadata, columns: INDEX_COLUMNS, compressors: decompressors }),
    catch: (cause) => cause
  }).pipe(Effect.flatMap(decodeIndexRows), Effect.mapError(damaged(part)))
})

/** The segments in a part, whole; `name` is what `partName` gave it, `size` the floats and `vectors` the vectors of a row. */
export const decodeWindowPart = Effect.fn("decodeWindowPart")(function* (
  part: string,
  name: string,
  bytes: Uint8Array,
  { size, vectors }: { readonly size: number; readonly vectors: number }
) {
  yield* intact(part, name, bytes)
  const rows = yield* Effect.tryPromise({
    try: (): Promise<unknown> =>
      parquetReadObjects({
        file: bufferOf(bytes),
        columns: Object.keys(Row.fields),
        compressors: decompressors,
        utf8: false
      }),
    catch: (cause) => cause
  }).pipe(Effect.flatMap(decodeRows), Effect.mapError(damaged(part)))
  const foreign = rows.find(
    ({ count, codes, ranges }) => codes.length !== count * size || ranges.length !== 8 * count * vectors
  )
  if (foreign !== undefined) {
    return yield* new PartError({ part, message: `${part} holds windows of another embedder.` })
  }
  return rows.map(
    ({ key, etag, first, count, recording, codes, ranges }): WindowSegment => ({
      key,
      etag,
      first,
      windows: { count, codes, ranges: new Float32Array(ranges.slice().buffer) },
      ...(recording === "" ? {} : { recording })
    })
  )
})

// hyparquet takes an ArrayBuffer, and ours may be a piece of a larger one.
const bufferOf = (bytes: Uint8Array): ArrayBuffer => bytes.slice().buffer
