/** A part of an ISO media file. */
export interface Box {
  readonly type: string
  readonly start: number
  /** Where the content begins, after the box's header. */
  readonly content: number
  readonly end: number
}

/** Where a file's index lies, and what it holds. */
export interface Index {
  /** The boxes of the file side by side. */
  readonly top: ReadonlyArray<Box>
  /** Where the index begins in the file, and all of it. */
  readonly at: number
  readonly moov: Uint8Array
}
