import { count, text, Unreadable, view } from "./container.ts"
import type { Feed, MORE } from "./feed.ts"
import { BEGINS_STREAM, granuleOf, isWhole, MAX_PAGE, PAGE_HEADER, type Page, packetsOf, readPage } from "./oggPages.ts"
import { packetLength } from "./opus.ts"

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
  const first = packetsOf(page)[0] ?? new Uint8Array()
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
