import { type CodedVectors, vectorsIn } from "../../embeddings/scans/coding.ts"
import { lengthsOf } from "../../embeddings/scans/likeness.ts"
import type { StoredWindows } from "../../embeddings/scans/scans.ts"

/** Bytes of vectors that are kept: some 130 hours of 1,024 numbers a window. What is more is read again each time. */
const MOST_BYTES = 1_000_000_000

/** Consecutive windows of a recording, of each its first vector alone. */
export interface FirstVectors {
  /** The place of the first of those that count in the recording, */
  readonly first: number
  /** which these are, the end exclusive, */
  readonly from: number
  readonly to: number
  readonly windows: CodedVectors
  readonly lengths: Float32Array
}

/** The first vectors, of so many numbers, of windows as they are stored. */
export const firstOf = ({ first, segment, from, to }: StoredWindows, size: number): FirstVectors => {
  const { count, codes, ranges } = segment.windows
  const wide = 2 * vectorsIn(segment.windows)
  const own = Float32Array.from({ length: 2 * count }, (_, i) => ranges[(i >> 1) * wide + (i & 1)]!)
  const windows = { count, codes: codes.slice(0, size * count), ranges: own }
  return { first, from, to, windows, lengths: lengthsOf(windows, size, 1) }
}

/** Vectors of recordings, by content, from one search to the next. */
export class KeptVectors {
  readonly #kept = new Map<string, ReadonlyArray<FirstVectors>>()
  #bytes = 0

  get(contentHash: string): ReadonlyArray<FirstVectors> | undefined {
    return this.#kept.get(contentHash)
  }

  /** Keeps a recording's vectors where there is room for them. */
  offer(contentHash: string, vectors: ReadonlyArray<FirstVectors>): void {
    const bytes = vectors.reduce((sum, { windows }) => sum + windows.codes.length + 12 * windows.count, 0)
    if (this.#kept.has(contentHash) || this.#bytes + bytes > MOST_BYTES) return
    this.#bytes += bytes
    this.#kept.set(contentHash, vectors)
  }
}
