import { Result } from "effect"
import { count, cutShort, MAX_BYTES, type Opened, shortfall, text, Unreadable } from "./container.ts"
import type { Feed, MORE } from "./feed.ts"
import { packetLength } from "./opus.ts"

/** Names of elements, of a file of EBML (RFC 8794), that are looked into or counted. */
const SEGMENT = 0x18538067
const CLUSTER = 0x1f43b675
const TRACKS = 0x1654ae6b
const TRACK = 0xae
const NUMBER = 0xd7
const TYPE = 0x83
const CODING = 0x86
const AUDIO = 0xe1
const CHANNELS = 0x9f
const GROUP = 0xa0
const BLOCK = 0xa1
const SIMPLE_BLOCK = 0xa3
/** What a segment consists of beside tracks and clusters: seeking, information, cues, chapters, tags, files; checksum, void. */
const OTHERS = [0x114d9b74, 0x1549a966, 0x1c53bb6b, 0x1043a770, 0x1254c367, 0x1941a469, 0xbf, 0xec]

interface Element {
  readonly id: number
  readonly content: number
  /** Where it ends, at most where what it lies in does; it may be of unknown length. */
  readonly end: number
  readonly unknown: boolean
}

/** Reads the number at `at`: the leading zero bits of its first byte say how many bytes it has. */
const readNumber = (bytes: Uint8Array, at: number, marked: boolean) => {
  const width = Math.clz32(bytes[at] ?? 0) - 23
  let value = (bytes[at] ?? 0) & (marked ? 255 : 0xff >> width)
  for (let i = 1; i < width; i++) value = value * 256 + (bytes[at + i] ?? 0)
  return { value, end: at + width, unknown: value === 2 ** (7 * width) - 1 }
}

const readElement = (bytes: Uint8Array, at: number): Element => {
  const id = readNumber(bytes, at, true)
  const size = readNumber(bytes, id.end, false)
  const end = size.unknown ? bytes.length : size.end + size.value
  return { id: id.value, content: size.end, end, unknown: size.unknown }
}

/** The elements between two places. */
function* elements(bytes: Uint8Array, from: number, end: number): Generator<Element> {
  for (let at = from; at < end; ) {
    const element = readElement(bytes, at)
    yield element
    at = element.end
  }
}

const readUnsigned = (bytes: Uint8Array, { content, end }: Element): number =>
  bytes.subarray(content, Math.min(end, content + 6)).reduce((sum, byte) => sum * 256 + byte, 0)

interface Track {
  readonly number: number
  readonly coding: string
  readonly channels: number
}

/** The first track of sound. */
const findTrack = (bytes: Uint8Array, tracks: Element): Track | undefined => {
  for (const entry of elements(bytes, tracks.content, tracks.end)) {
    if (entry.id !== TRACK) continue
    const track = { number: 0, coding: "", channels: 1 }
    let type = 0
    for (const field of elements(bytes, entry.content, Math.min(entry.end, tracks.end))) {
      if (field.id === NUMBER) track.number = readUnsigned(bytes, field)
      if (field.id === TYPE) type = readUnsigned(bytes, field)
      if (field.id === CODING) track.coding = text(bytes, field.content, Math.min(32, field.end - field.content))
      if (field.id !== AUDIO) continue
      for (const part of elements(bytes, field.content, Math.min(field.end, entry.end))) {
        if (part.id === CHANNELS) track.channels = readUnsigned(bytes, part)
      }
    }
    if (type === 2) return track
  }
  return undefined
}

/** Samples of all channels in a piece: the decoder joins its packets one by one, so that long pieces cost their square. */
const MAX_PIECE = 1 << 18

/** Samples of one channel that a packet is decoded to, at most, by its coding. */
const PACKET_SAMPLES: ReadonlyArray<readonly [string, number]> = [
  ["A_VORBIS", 4096],
  ["A_AAC", 2048],
  ["A_MPEG/L3", 1152],
  ["A_FLAC", 65_535],
  ["A_ALAC", 4096],
  ["A_AC3", 1536],
  ["A_EAC3", 1536]
]

/** Samples of all channels that a block is decoded to, at most; it may hold several packets. */
const blockSamples = (bytes: Uint8Array, block: Element, track: Track): number => {
  const number = readNumber(bytes, block.content, false)
  if (number.value !== track.number) return 0
  const laced = (bytes[number.end + 2]! & 6) !== 0
  const packets = laced ? bytes[number.end + 3]! + 1 : 1
  if (track.coding.startsWith("A_PCM")) return block.end - block.content
  if (track.coding.startsWith("A_OPUS")) {
    const each = laced ? 5760 : packetLength(bytes.subarray(number.end + 3, block.end))
    return packets * each * track.channels
  }
  const most = PACKET_SAMPLES.find(([coding]) => track.coding.startsWith(coding))?.[1] ?? 0
  return packets * most * Math.max(2, track.channels)
}

/** Bytes in which an element's name and length end. */
const HEADER_BYTES = 12

/** Where what is read next begins behind the front of an element: of one that is looked into, at its content. */
const behind = ({ id, content, end, unknown }: Element, at: number): number => {
  if (id === CLUSTER || id === GROUP || id === SEGMENT) return content
  const isKnown = id === BLOCK || id === SIMPLE_BLOCK || OTHERS.includes(id) || id === TRACKS || id < 0x10000
  if (!isKnown || id === 0 || unknown) {
    throw new Unreadable(`is damaged: no WebM element begins at byte ${count(at)}`)
  }
  return end
}

/** The segment's head, then its blocks with the clusters' and groups' own headers, as many together as may be in one piece. */
function* readPieces(feed: Feed, first: number, end: number, track: Track): Generator<Uint8Array | typeof MORE> {
  yield feed.take(first)
  /** Of the piece that is gathered at the front. */
  let length = 0
  let samples = 0
  for (;;) {
    yield* feed.need(length + HEADER_BYTES)
    const at = feed.start + length
    if (at >= end || length >= feed.bytes.length) break
    const element = readElement(feed.bytes, length)
    if (feed.start + element.end > end && !element.unknown) {
      throw new Unreadable(`is damaged: an element at byte ${count(at)} is longer than the WebM file`)
    }
    const next = behind(element, at)
    yield* feed.need(next)
    // Of a file that ends before its listed size.
    if (next > feed.bytes.length) break
    const isBlock = element.id === BLOCK || element.id === SIMPLE_BLOCK
    const more = isBlock ? blockSamples(feed.bytes, element, track) : 0
    if (length > 0 && (samples + more > MAX_PIECE || next > MAX_BYTES)) {
      yield feed.take(length)
      length = 0
      samples = 0
      continue
    }
    samples += more
    length = next
  }
  if (length > 0) yield feed.take(length)
}

/** Opens a WebM or Matroska file: an EBML header, then a segment whose length may be given. */
export const openWebm = (feed: Feed): Opened | typeof MORE => {
  const { bytes } = feed
  const header = readElement(bytes, 0)
  const segment = readElement(bytes, header.end)
  if (segment.content >= bytes.length) return Result.fail("is cut short within its WebM header")
  if (segment.id !== SEGMENT) return Result.fail("is damaged: no WebM segment follows its header")
  const end = segment.unknown ? feed.size : Math.min(segment.end, feed.size)
  if (segment.end > feed.size && !feed.forgives(shortfall(segment.end, feed.size, "bytes"))) {
    return cutShort(segment.end, feed.size, "bytes")
  }
  let at = segment.content
  let track: Track | undefined
  while (at < end) {
    if (at + HEADER_BYTES > bytes.length && !feed.ended) return feed.want(at + HEADER_BYTES)
    const element = readElement(bytes, at)
    if (element.id === CLUSTER) break
    if (element.end > end) return cutShort(element.end, feed.size, "bytes")
    if (element.end > bytes.length && !feed.ended) return feed.want(element.end + HEADER_BYTES)
    if (element.id === TRACKS) track = findTrack(bytes, element)
    at = element.end
  }
  if (track === undefined) return Result.fail("is a WebM file without sound")
  return Result.succeed({ format: "webm", pieces: readPieces(feed, at, end, track) })
}
