import { crc32 } from "./checksums.ts"
import { text, view } from "./container.ts"

/** Bytes of a page in front of the table of its segments, and at most of all of it. */
export const PAGE_HEADER = 27
export const MAX_PAGE = PAGE_HEADER + 255 + 255 * 255
/** The flag of the page that a stream begins with, then of one that goes on with a packet, and of a stream's last. */
export const BEGINS_STREAM = 2
const CONTINUED = 1
const ENDS_STREAM = 4

/** A page of an Ogg file. */
export interface Page {
  /** As far as the file has them. */
  readonly bytes: Uint8Array
  /** As many as there should be. */
  readonly length: number
  /** Where the packets begin, after the table of their segments. */
  readonly content: number
  readonly flags: number
  /** Which of the streams that share the file it is of. */
  readonly serial: number
  readonly sequence: number
}

/** The page at `start`, if one begins there. */
export const readPage = (bytes: Uint8Array, start: number): Page | undefined => {
  if (text(bytes, start, 5) !== "OggS\0" || start + PAGE_HEADER > bytes.length) return undefined
  const data = view(bytes)
  const segments = bytes[start + 26]!
  let length = PAGE_HEADER + segments
  for (let at = start + PAGE_HEADER; at < start + PAGE_HEADER + segments; at++) length += bytes[at] ?? 255
  return {
    bytes: bytes.subarray(start, start + length),
    length,
    content: PAGE_HEADER + segments,
    flags: bytes[start + 5]!,
    serial: data.getUint32(start + 14, true),
    sequence: data.getUint32(start + 18, true)
  }
}

const ZERO = new Uint8Array(4)

/** Whether all of a page is there, and its checksum fits, which is made as if it were itself zero. */
export const isWhole = ({ bytes, length }: Page): boolean => {
  if (bytes.length < length) return false
  const head = crc32(ZERO, 0, 4, crc32(bytes, 0, 22))
  return crc32(bytes, 26, length, head) === view(bytes).getUint32(22, true)
}

/** Whether the last page in the file ends within it. */
export const endsWithinPage = (bytes: Uint8Array): boolean => {
  for (let at = bytes.length - 4; at >= Math.max(0, bytes.length - MAX_PAGE); at--) {
    if (bytes[at] !== 0x4f || text(bytes, at, 4) !== "OggS") continue
    const page = readPage(bytes, at)
    return page === undefined || page.bytes.length < page.length
  }
  return false
}

/** How many samples of its stream there are up to the end of the last packet that ends in a page; undefined where none does. */
export const granuleOf = ({ bytes }: Page): number | undefined => {
  const granule = Number(view(bytes).getBigInt64(6, true))
  return granule < 0 ? undefined : granule
}

/** The packets that end in a page, as the lengths of what lies of them in it; the last may go on in the next. */
export const packetsOf = ({ bytes, content }: Page): Array<Uint8Array> => {
  const packets: Array<Uint8Array> = []
  let from = content
  let to = content
  for (let at = PAGE_HEADER; at < content; at++) {
    to += bytes[at]!
    if (bytes[at] === 255) continue
    packets.push(bytes.subarray(from, to))
    from = to
  }
  if (to > from) packets.push(bytes.subarray(from, to))
  return packets
}

/** Whether a page's last packet goes on in the next. */
export const goesOn = ({ bytes, content }: Page): boolean => content > PAGE_HEADER && bytes[content - 1] === 255

/**
 * A page as several of at most `most` packets each; of them the last alone says where in the sound it ends. What goes on
 * from the page before counts as a packet.
 */
export function* dividePage({ bytes, content: begin }: Page, most: number): Generator<Uint8Array> {
  const table = bytes.subarray(PAGE_HEADER, begin)
  let content = begin
  for (let segment = 0; segment < table.length; ) {
    const first = segment
    const from = content
    for (let ended = 0; segment < table.length && ended < most; segment++) {
      content += table[segment]!
      if (table[segment]! < 255) ended++
    }
    const part = new Uint8Array(PAGE_HEADER + segment - first + content - from)
    part.set(bytes.subarray(0, PAGE_HEADER))
    part[26] = segment - first
    if (first > 0) part[5] = part[5]! & ~(CONTINUED | BEGINS_STREAM)
    if (segment < table.length) {
      part[5] = part[5]! & ~ENDS_STREAM
      part.fill(255, 6, 14)
    }
    part.set(table.subarray(first, segment), PAGE_HEADER)
    part.set(bytes.subarray(from, content), PAGE_HEADER + segment - first)
    yield part
  }
}

/** A page without what goes on from the page before, undefined where that is all of it. */
export const withoutContinued = (page: Page): Page | undefined => {
  if ((page.flags & CONTINUED) === 0) return page
  const [continued] = dividePage(page, 1)
  const segments = continued![26]!
  const { bytes, content } = page
  if (PAGE_HEADER + segments === content) return undefined
  const rest = new Uint8Array(bytes.length - continued!.length + PAGE_HEADER)
  rest.set(bytes.subarray(0, PAGE_HEADER))
  rest[5] = rest[5]! & ~CONTINUED
  rest[26] = content - PAGE_HEADER - segments
  rest.set(bytes.subarray(PAGE_HEADER + segments, content), PAGE_HEADER)
  rest.set(bytes.subarray(content + continued!.length - PAGE_HEADER - segments), content - segments)
  return readPage(rest, 0)
}
