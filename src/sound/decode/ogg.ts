import { Result } from "effect"
import { crc32 } from "./checksums.ts"
import {
  type Container,
  count,
  MAX_BYTES,
  MAX_SAMPLES,
  NEXT_STREAM,
  type Opened,
  text,
  Unreadable,
  view
} from "./container.ts"
import { makeHead, needsHead, openStream, readFrame } from "./flac.ts"
import { packetLength } from "./opus.ts"

const PAGE_HEADER = 27
const MAX_PAGE = PAGE_HEADER + 255 + 255 * 255
const CONTINUED = 1
const BEGINS_STREAM = 2
const ENDS_STREAM = 4

interface Page {
  readonly start: number
  /** Where the packets begin, after the table of their segments. */
  readonly content: number
  readonly end: number
  readonly flags: number
  /** Which of the streams that share the file it is of. */
  readonly serial: number
  readonly sequence: number
}

/** The page at `start`, if one begins there; it may end behind the file. */
const readPage = (bytes: Uint8Array, start: number): Page | undefined => {
  if (text(bytes, start, 5) !== "OggS\0" || start + PAGE_HEADER > bytes.length) return undefined
  const data = view(bytes)
  const content = start + PAGE_HEADER + bytes[start + 26]!
  let end = content
  for (let at = start + PAGE_HEADER; at < content; at++) end += bytes[at] ?? 255
  return {
    start,
    content,
    end,
    flags: bytes[start + 5]!,
    serial: data.getUint32(start + 14, true),
    sequence: data.getUint32(start + 18, true)
  }
}

const ZERO = new Uint8Array(4)

/** Whether a page's checksum fits, which is made as if it were itself zero. */
const isWhole = (bytes: Uint8Array, { start, end }: Page): boolean => {
  const head = crc32(ZERO, 0, 4, crc32(bytes, start, start + 22))
  return crc32(bytes, start + 26, end, head) === view(bytes).getUint32(start + 22, true)
}

/** Whether the last page in the file ends within it. */
const endsWithinPage = (bytes: Uint8Array): boolean => {
  for (let at = bytes.length - 4; at >= Math.max(0, bytes.length - MAX_PAGE); at--) {
    if (bytes[at] === 0x4f && text(bytes, at, 4) === "OggS")
      return (readPage(bytes, at)?.end ?? Infinity) > bytes.length
  }
  return false
}

/** The packets that end in a page, as the lengths of what lies of them in it; the last may go on in the next. */
const packetsOf = (bytes: Uint8Array, page: Page): Array<Uint8Array> => {
  const packets: Array<Uint8Array> = []
  let from = page.content
  let to = page.content
  for (let at = page.start + PAGE_HEADER; at < page.content; at++) {
    to += bytes[at]!
    if (bytes[at] === 255) continue
    packets.push(bytes.subarray(from, to))
    from = to
  }
  if (to > from) packets.push(bytes.subarray(from, to))
  return packets
}

/** How a stream of one coding is read: told by its first packet. */
interface Coding {
  readonly format: "oga" | "opus" | "flac"
  /** Samples of all channels that a packet makes, at most. */
  readonly samplesOf: (packet: Uint8Array) => number
}

const codingOf = (packet: Uint8Array): Coding | undefined => {
  if (text(packet, 0, 7) === "\x01vorbis" && packet.length >= 30) {
    const most = 2 ** (packet[28]! >> 4) * packet[11]!
    return { format: "oga", samplesOf: () => most / 2 }
  }
  if (text(packet, 0, 8) === "OpusHead" && packet.length >= 19) {
    return { format: "opus", samplesOf: (it) => packetLength(it) * packet[9]! }
  }
  return text(packet, 0, 5) === "\x7fFLAC" ? { format: "flac", samplesOf: () => 0 } : undefined
}

interface Stream extends Coding {
  readonly first: Page
}

/** The first stream, of those that begin together at `at`, that holds sound; others may be a skeleton or pictures. */
const findStream = (bytes: Uint8Array, at: number): Stream | undefined => {
  for (let page = readPage(bytes, at); page !== undefined; page = readPage(bytes, page.end)) {
    if ((page.flags & BEGINS_STREAM) === 0) return undefined
    const coding = codingOf(packetsOf(bytes, page)[0] ?? ZERO)
    if (coding !== undefined) return { ...coding, first: page }
  }
  return undefined
}

/**
 * The pages of the sound, one stream of it after the other.
 *
 * A page whose checksum does not fit, and one whose number does not follow the last, make the file a damaged one: what
 * decoders make of the rest has bursts of many times full scale.
 */
function* readPages(bytes: Uint8Array, coding: Coding): Generator<Page & { readonly stream: Stream }> {
  let stream = findStream(bytes, 0)!
  let sequence = stream.first.sequence
  for (let at = 0; at < bytes.length; ) {
    const page = readPage(bytes, at)
    if (page === undefined) {
      if (Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).indexOf("OggS", at) < 0) return
      throw new Unreadable(`is damaged: no Ogg page begins at byte ${count(at)}`)
    }
    if (page.end > bytes.length) throw new Unreadable("is cut short within an Ogg page")
    if (!isWhole(bytes, page)) {
      throw new Unreadable(`is damaged: the checksum of the Ogg page at byte ${count(at)} does not fit`)
    }
    if ((page.flags & BEGINS_STREAM) !== 0 && at > stream.first.start) {
      const next = findStream(bytes, at)
      if (next !== undefined && next.first.start === at) {
        if (next.format !== coding.format) throw new Unreadable("changes its coding midway")
        stream = next
        sequence = page.sequence
      }
    }
    at = page.end
    if (page.serial !== stream.first.serial) continue
    if (page.sequence !== sequence) {
      throw new Unreadable(`is damaged: Ogg pages are missing before byte ${count(page.start)}`)
    }
    sequence++
    yield { ...page, stream }
  }
}

/** Pages one after the other, together as far as they may be in one piece; one that makes too much is divided. */
function* groupPages(bytes: Uint8Array, coding: Coding): Container["pieces"] & Generator {
  let from = 0
  let to = 0
  let samples = 0
  let stream: Stream | undefined
  for (const page of readPages(bytes, coding)) {
    const packets = packetsOf(bytes, page)
    const more = packets.reduce((sum, packet) => sum + page.stream.samplesOf(packet), 0)
    const begins = stream !== undefined && page.stream !== stream
    stream = page.stream
    if (begins || page.start !== to || samples + more > MAX_SAMPLES || page.end - from > MAX_BYTES) {
      if (to > from) yield bytes.subarray(from, to)
      if (begins) yield NEXT_STREAM
      from = page.start
      samples = 0
    }
    samples += more
    to = page.end
    if (more <= MAX_SAMPLES) continue
    yield* divide(bytes, page, packets.length, Math.max(1, Math.floor((packets.length * MAX_SAMPLES) / more)))
    from = to
    samples = 0
  }
  if (to > from) yield bytes.subarray(from, to)
}

/** A page as several of at most `most` packets each; of them the last alone says where in the sound it ends. */
function* divide(bytes: Uint8Array, page: Page, packets: number, most: number): Generator<Uint8Array> {
  const table = bytes.subarray(page.start + PAGE_HEADER, page.content)
  let content = page.content
  let segment = 0
  for (let done = 0; done < packets; done += most) {
    const first = segment
    const from = content
    for (let ended = 0; segment < table.length && ended < most; segment++) {
      content += table[segment]!
      if (table[segment]! < 255) ended++
    }
    const part = new Uint8Array(PAGE_HEADER + segment - first + content - from)
    part.set(bytes.subarray(page.start, page.start + PAGE_HEADER))
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

/** The packets of a FLAC stream: its head, blocks of what else is known of it, then its frames. */
function* readFlac(bytes: Uint8Array, coding: Coding): Generator<Uint8Array | typeof NEXT_STREAM> {
  let stream: Stream | undefined
  let begun: Array<Uint8Array> = []
  let isFirst = true
  let head: Uint8Array = ZERO
  for (const page of readPages(bytes, coding)) {
    if (stream !== undefined && page.stream !== stream) {
      yield NEXT_STREAM
      isFirst = true
    }
    stream = page.stream
    const goesOn = bytes[page.content - 1] === 255
    const packets = packetsOf(bytes, page)
    for (const [i, part] of packets.entries()) {
      begun.push(part)
      if (goesOn && i === packets.length - 1) break
      const packet = begun.length === 1 ? part : new Uint8Array(Buffer.concat(begun))
      begun = []
      if (packet[0] === 0x7f) head = makeHead(packet.subarray(17))
      if (packet[0] !== 0xff) continue
      if (isFirst && needsHead(packet, 0, head)) yield head
      isFirst = false
      yield readFrame(packet, head)
    }
  }
}

/** Opens an Ogg file of Vorbis, Opus or FLAC, of one stream after the other; a recorder that was killed leaves one whole. */
export const openOgg = (bytes: Uint8Array): Opened => {
  const stream = findStream(bytes, 0)
  if (stream === undefined && text(bytes, 28, 8) === "Speex   ") {
    return Result.succeed({ name: "an Ogg file compressed by Speex", demuxer: "ogg" })
  }
  if (stream === undefined) return Result.fail("is an Ogg file of neither Vorbis, Opus nor FLAC")
  if (endsWithinPage(bytes)) return Result.fail("is cut short within its last Ogg page")
  if (stream.format !== "flac") return Result.succeed({ format: stream.format, pieces: groupPages(bytes, stream) })
  return Result.map(
    openStream(makeHead(bytes.subarray(stream.first.content + 17)), () => readFlac(bytes, stream)),
    (opened) => ("demuxer" in opened ? { name: `an Ogg file of ${opened.name}`, demuxer: "ogg" } : opened)
  )
}
