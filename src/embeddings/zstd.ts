// How vectors' bytes lie in Parquet files.

/** A column of bytes, compressed. */
export const BLOB = {
  type: "BYTE_ARRAY",
  nullable: false,
  encoding: "PLAIN",
  statistics: false,
  codec: "ZSTD"
} as const

/** What writes it, at a level of Zstandard's. */
export const compressorsAt = (level: number) => ({
  ZSTD: (input: Uint8Array) => new Uint8Array(Bun.zstdCompressSync(input.slice(), { level }))
})

/** What reads it. */
export const decompressors = {
  ZSTD: (input: Uint8Array) => Bun.zstdDecompressSync(input as Uint8Array<ArrayBuffer>)
}
