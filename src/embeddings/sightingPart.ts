import { Effect, Schema } from "effect"
import { parquetReadObjects } from "hyparquet"
import { parquetWriteBuffer } from "hyparquet-writer"
import { decoderVersion } from "../sound/decode/version.ts"
import { damaged, intact } from "./parts.ts"
import type { Sighting } from "./sighting.ts"

const Row = Schema.Struct({
  key: Schema.String,
  etag: Schema.String,
  size: Schema.Number,
  content_hash: Schema.String,
  /** Why the bytes cannot be used, else empty, and by which decoder; only in parts that tell of such. */
  unusable: Schema.optionalKey(Schema.String),
  decoder: Schema.optionalKey(Schema.Number)
})
const decodeRows = Schema.decodeUnknownEffect(Schema.Array(Row))

/** Sightings as one Parquet file, in the order of their keys. */
export const encodeSightings = Effect.fn("encodeSightings")(function* (sightings: ReadonlyArray<Sighting>) {
  const decoder = yield* decoderVersion
  const rows = [...sightings].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : a.etag < b.etag ? -1 : 1))
  const tellsUnusable = rows.some(({ unusable }) => unusable !== undefined)
  const buffer = parquetWriteBuffer({
    columnData: [
      { name: "key", type: "STRING", data: rows.map(({ key }) => key), nullable: false },
      { name: "etag", type: "STRING", data: rows.map(({ etag }) => etag), nullable: false },
      { name: "size", type: "DOUBLE", data: rows.map(({ size }) => size), nullable: false },
      { name: "content_hash", type: "STRING", data: rows.map(({ contentHash }) => contentHash), nullable: false },
      ...(tellsUnusable
        ? ([
            { name: "unusable", type: "STRING", data: rows.map(({ unusable }) => unusable ?? ""), nullable: false },
            { name: "decoder", type: "DOUBLE", data: rows.map(() => decoder), nullable: false }
          ] as const)
        : [])
    ]
  })
  return new Uint8Array(buffer)
})

/** The sightings in a part; `name` is what `partName` gave it. */
export const decodeSightings = Effect.fn("decodeSightings")(function* (part: string, name: string, bytes: Uint8Array) {
  yield* intact(part, name, bytes)
  const current = yield* decoderVersion
  const rows = yield* Effect.tryPromise({
    try: (): Promise<unknown> => parquetReadObjects({ file: bytes.slice().buffer }),
    catch: (cause) => cause
  }).pipe(Effect.flatMap(decodeRows), Effect.mapError(damaged(part)))
  return rows.map(
    ({ key, etag, size, content_hash: contentHash, unusable, decoder }): Sighting => ({
      key,
      etag,
      size,
      contentHash,
      // What another decoder refused is tried again.
      ...(unusable && decoder === current ? { unusable } : {})
    })
  )
})
