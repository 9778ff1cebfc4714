import { count, isFarOff, shortfall, text, view } from "./container.ts"
import type { Feed } from "./feed.ts"

/** A part of a RIFF or IFF file. */
export interface Chunk {
  readonly id: string
  /** Where the content begins, and how long the header says it is. */
  readonly start: number
  readonly size: number
}

/** Data sizes that programs write when they stream and cannot know better (ffmpeg 0xFFFFFFFF, SoX 0x7FFFF000 and up). */
const UNKNOWN_SIZE = 0x7fff_0000

const PRINTABLE = /^[ -~]{4}$/

/** Whether something that looks like a chunk and fits into a file of `size` bytes begins at `at`. */
export const isChunk = (bytes: Uint8Array, at: number, littleEndian: boolean, size = bytes.length): boolean =>
  at + 8 <= bytes.length &&
  PRINTABLE.test(text(bytes, at, 4)) &&
  at + 8 + view(bytes).getUint32(at + 4, littleEndian) <= size

/**
 * Walks the chunks of a RIFF or IFF file, which are padded to even lengths, but for those of careless programs, as far as
 * its bytes have come.
 */
export function* chunks({ bytes, size: fileSize }: Feed, littleEndian: boolean): Generator<Chunk> {
  const data = view(bytes)
  for (let at = 12; at + 8 <= bytes.length; ) {
    const size = data.getUint32(at + 4, littleEndian)
    yield { id: text(bytes, at, 4), start: at + 8, size }
    at += 8 + size
    const unpadded = isChunk(bytes, at, littleEndian, fileSize) && !isChunk(bytes, at + 1, littleEndian, fileSize)
    if (size % 2 === 1 && !unpadded) at++
  }
}

/** Excesses that firmware is known for: it writes the size of the file, or the one behind RIFF, as that of the sound. */
const KNOWN_EXCESSES = [8, 36, 44]

/** Whether sound that begins at `start` is shorter than its header promises because that counts the header itself. */
export const isKnownExcess = (excess: number, start: number): boolean =>
  [...KNOWN_EXCESSES, start, start - 8].includes(excess)

/** Where sound lies in its file. */
export interface Extent {
  readonly begin: number
  /** In bytes. */
  readonly length: number
  /** Why a clip of it is not used, as the end of a sentence. */
  readonly fault?: string
  /** Whether that is a wrong number and no sign of sound that was lost. */
  readonly isFarOff?: boolean
}

/**
 * How many bytes of sound there are behind a chunk's header.
 *
 * Where the header promises more than there is, the file was cut, unless the promise counts the header itself: then it
 * is larger by no more than that, and the size of the whole file, which the first chunk gives, does not promise it too.
 * A header that says nothing, because the recorder never came back to finish it, has its sound behind it.
 */
export const soundExtent = (
  { bytes, size: fileSize, noted }: Feed,
  { start, size }: Pick<Chunk, "start" | "size">,
  littleEndian: boolean,
  kind: string
): Extent => {
  const present = Math.max(0, fileSize - start)
  if (size === 0) {
    if (present === 0 || isChunk(bytes, start, littleEndian, fileSize)) {
      return { begin: start, length: 0, fault: `is ${kind} without sound: its data chunk is empty` }
    }
    noted.push(`Its header was never finished: it says nothing of ${count(present)} bytes of sound.`)
    return { begin: start, length: present }
  }
  // Sizes of 32 bits cannot tell of more: they say nothing, or have begun anew.
  if (present >= 2 ** 32) {
    if (size < UNKNOWN_SIZE) noted.push(`Its header is too small for its ${count(present)} bytes of sound.`)
    return { begin: start, length: present }
  }
  const excess = size - present
  if (excess <= 0) return { begin: start, length: size }
  if (size >= UNKNOWN_SIZE) return { begin: start, length: present }
  const wholeFile = 8 + view(bytes).getUint32(4, littleEndian)
  const countsHeader = excess <= start && wholeFile < start + size
  if (countsHeader || isKnownExcess(excess, start)) {
    noted.push(`Its header promises ${count(excess)} bytes of sound too many, as it counts itself.`)
    return { begin: start, length: present }
  }
  return { begin: start, length: present, fault: shortfall(size, present), isFarOff: isFarOff(size, present) }
}
