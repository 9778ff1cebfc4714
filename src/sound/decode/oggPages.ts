import { crc32 } from "./checksums.ts"
import { count, text, Unreadable, view } from "./container.ts"
import type { Feed, MORE } from "./feed.ts"
import { packetLength } from "./opus.ts"

const PAGE_HEADER = 27
const MAX_PAGE = PAGE_HEADER + 255 + 255 * 255
const CONTINUED = 1
const BEGINS_STREAM = 2
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
const isWhole = ({ bytes, length }: Page): boolean => {
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

/** How a stream of one coding is read: told by its first packet. */
interface Coding {
  readonly format: "oga" | "opus" | "flac"
  /** Samples of all channels that a packet makes, at most. */
  readonly samplesOf: (packet: Uint8Array) => number
  /** In Hz, of what is decoded. */
  readonly rate: number
  readonly channels: number
  /** Packets in front of its sound. */
  readonly headPackets: number
  /** Samples at its beginning that are decoded and left out. */
  readonly preSkip: number
}

const codingOf = (packet: Uint8Array): Coding | undefined => {
  if (text(packet, 0, 7) === "\x01vorbis" && packet.length >= 30) {
    const channels = packet[11]!
    const most = 2 ** (packet[28]! >> 4) * channels
    const rate = view(packet).getUint32(12, true)
    return { format: "oga", samplesOf: () => most / 2, rate, channels, headPackets: 3, preSkip: 0 }
  }
  if (text(packet, 0, 8) === "OpusHead" && packet.length >= 19) {
    const channels = packet[9]!
    const preSkip = view(packet).getUint16(10, true)
    const samplesOf = (it: Uint8Array) => packetLength(it) * channels
    return { format: "opus", samplesOf, rate: 48_000, channels, headPackets: 2, preSkip }
  }
  if (text(packet, 0, 5) !== "\x7fFLAC" || packet.length < 51) return undefined
  const [rate, channels] = [view(packet).getUint32(27) >>> 12, ((packet[29]! >> 1) & 7) + 1]
  const headPackets = 1 + (view(packet).getUint16(7) || 1)
  return { format: "flac", samplesOf: () => 0, rate, channels, headPackets, preSkip: 0 }
}

/** A stream of sound in an Ogg file. */
export interface Stream extends Coding {
  readonly serial: number
  /** Its first packet. */
  readonly first: Uint8Array
}

/** The stream that begins with a page, if it holds sound; others may be a skeleton or pictures. */
const streamOf = (page: Page): Stream | undefined => {
  if ((page.flags & BEGINS_STREAM) === 0) return undefined
  const first = packetsOf(page)[0] ?? ZERO
  const coding = codingOf(first)
  return coding === undefined ? undefined : { ...coding, serial: page.serial, first }
}

/** The first stream of sound among those that begin together at the front of a file. */
export const findStream = (bytes: Uint8Array): Stream | undefined => {
  for (let at = 0, page = readPage(bytes, 0); page !== undefined; page = readPage(bytes, at)) {
    if ((page.flags & BEGINS_STREAM) === 0) return undefined
    const stream = streamOf(page)
    if (stream !== undefined) return stream
    at += page.length
  }
  return undefined
}

/** Of as many bytes a page as the last ones have, a file may have so many times more or fewer and still be one stream. */
const EVEN = 1.5

/**
 * Seconds of a stream up to the end of its last page, by the last bytes of its file, which has `size`; undefined where that page
 * is of another stream, or where there are more pages than it counts, as where files were joined.
 */
export const secondsAtEnd = (
  tail: Uint8Array,
  { serial, rate, preSkip }: Pick<Stream, "serial" | "rate" | "preSkip">,
  size: number
): number | undefined => {
  let end: Page | undefined
  let [pages, bytes] = [0, 0]
  for (let at = tail.length - PAGE_HEADER; at >= 0; at--) {
    const page = tail[at] === 0x4f ? readPage(tail, at) : undefined
    if (page === undefined) continue
    if (page.serial !== serial) return undefined
    end ??= page
    pages++
    bytes += page.length
  }
  const granule = end === undefined ? undefined : granuleOf(end)
  if (end === undefined || granule === undefined) return undefined
  return size > EVEN * (bytes / pages) * (end.sequence + 1) ? undefined : Math.max(0, granule - preSkip) / rate
}

/** A page of sound. */
export interface Found {
  readonly page: Page
  readonly stream: Stream
  /** As many pages as its number says are missing in front of it; not 0 where the file is damaged. */
  readonly missing: number
}

/**
 * The pages of the sound, one stream of it after the other.
 *
 * A page whose checksum does not fit, and one whose number does not follow the last, make a short file a damaged one: what
 * decoders make of the rest has bursts of many times full scale. Of a long one the pages behind are given.
 */
export function* readPages(feed: Feed, first: Stream): Generator<Found | typeof MORE> {
  let stream = first
  let sequence: number | undefined
  const serials = new Set<number>()
  for (;;) {
    yield* feed.need(MAX_PAGE)
    const { start } = feed
    const page = readPage(feed.bytes, 0)
    if (page === undefined || !isWhole(page)) {
      if (feed.isStrict && page !== undefined) throw new Unreadable(faultOf(page, start))
      // What is no page is left out; whether one is lost by that, the number of the next one tells.
      if (yield* findNext(feed)) continue
      if (feed.isStrict) return
      const rest = feed.start - start
      if (rest > 0) feed.noted.push(`Its last ${count(rest)} bytes are no whole Ogg page.`)
      return
    }
    feed.take(page.length)
    const begun = streamOf(page)
    if (begun !== undefined) {
      if (begun.format !== stream.format) throw new Unreadable("changes its coding midway")
      stream = begun
      sequence = page.sequence
    }
    if ((page.flags & BEGINS_STREAM) !== 0) serials.add(page.serial)
    else if (!feed.isStrict && !serials.has(page.serial)) {
      serials.add(page.serial)
      feed.noted.push(`The beginning of the Ogg stream at byte ${count(start)} is lost, so it is not read.`)
    }
    if (page.serial !== stream.serial) continue
    const missing = page.sequence - (sequence ?? page.sequence)
    if (missing !== 0 && feed.isStrict) {
      throw new Unreadable(`is damaged: Ogg pages are missing before byte ${count(start)}`)
    }
    sequence = page.sequence + 1
    yield { page, stream, missing }
  }
}

const faultOf = ({ bytes, length }: Page, start: number): string =>
  bytes.length < length
    ? "is cut short within an Ogg page"
    : `is damaged: the checksum of the Ogg page at byte ${count(start)} does not fit`

const findMark = (bytes: Uint8Array): number =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).indexOf("OggS")

/** Goes on to the next page that is whole; whether there is one. */
function* findNext(feed: Feed): Generator<typeof MORE, boolean> {
  for (;;) {
    feed.take(1)
    yield* feed.need(MAX_PAGE)
    const at = findMark(feed.bytes)
    if (at < 0) {
      // A mark may begin in the last bytes.
      feed.take(feed.ended ? feed.bytes.length : feed.bytes.length - 3)
      if (feed.bytes.length === 0) return false
      continue
    }
    feed.take(at)
    yield* feed.need(MAX_PAGE)
    const page = readPage(feed.bytes, 0)
    if (page !== undefined && isWhole(page)) return true
  }
}

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
