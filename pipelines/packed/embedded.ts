/** A native library within the one file: packed with Zstandard at `path`, `size` bytes unpacked, whose checksum is `checksum`. */
export interface NativePart {
  readonly name: string
  readonly path: string
  readonly size: number
  readonly checksum: string
}

// `bun run package` puts what it has packed in the place of these.

export const NATIVE_PARTS: ReadonlyArray<NativePart> = []

/** Stands for the content of all of them. */
export const NATIVE_VERSION = "none"
