import { Result } from "effect"
import { crc8, crc16 } from "./checksums.ts"
import { type Container, count, type Given, NEXT_STREAM, type Opened, text, Unreadable, view } from "./container.ts"
import type { Feed, MORE } from "./feed.ts"

const STREAM_INFO_BYTES = 34
/** "fLaC", a block's header and the stream information. */
const HEAD_BYTES = 8 + STREAM_INFO_BYTES

interface StreamInfo {
  readonly rate: number
  readonly channels: number
  readonly bits: number
  /** Samples per channel, 0 if unknown. */
  readonly length: number
}

/** The stream information that follows "fLaC" and the header of its block. */
const readInfo = (head: Uint8Array): StreamInfo => {
  const data = view(head)
  return {
    rate: data.getUint32(18) >>> 12,
    channels: ((data.getUint8(20) >> 1) & 7) + 1,
    bits: ((data.getUint16(20) >> 4) & 31) + 1,
    length: (data.getUint8(21) & 15) * 2 ** 32 + data.getUint32(22)
  }
}

interface FrameHeader {
  /** Where the frame's content begins. */
  readonly end: number
  /** Samples per channel. */
  readonly length: number
  readonly rate: number
  readonly bits: number
  /** Which frame of the stream it is, or, where they are not all as long, which sample it begins with. */
  readonly number: number
  readonly isOfSamples: boolean
}

/** The longest header of a frame. */
const HEADER_BYTES = 16

const RATES = [0, 88_200, 176_400, 192_000, 8000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000]
const BITS = [0, 8, 12, 0, 16, 20, 24, 32]
/** What the decoder scales right: of others it makes infinities. */
const BITS_READ = [8, 16, 24, 32]

/** The number of a frame, or of its first sample, coded as UTF-8 codes letters. */
const readNumber = (bytes: Uint8Array, at: number, width: number): number => {
  let number = width === 1 ? bytes[at]! : bytes[at]! & (0x7f >> width)
  for (let i = 1; i < width; i++) number = number * 64 + (bytes[at + i]! & 63)
  return number
}

/** Reads the header of the frame that begins at `at`, if one does: its mark, its codes and its checksum fit. */
const readHeader = (bytes: Uint8Array, at: number, info: StreamInfo): FrameHeader | undefined => {
  if (bytes[at] !== 0xff || (bytes[at + 1]! & 0xfe) !== 0xf8 || at + 6 > bytes.length) return undefined
  const block = bytes[at + 2]! >> 4
  const rate = bytes[at + 2]! & 15
  const bits = (bytes[at + 3]! >> 1) & 7
  if (block === 0 || rate === 15 || bytes[at + 3]! >> 4 > 10 || bits === 3 || (bytes[at + 3]! & 1) !== 0)
    return undefined
  const numberBytes = Math.max(1, Math.clz32(~bytes[at + 4]! << 24))
  let next = at + 4 + numberBytes
  const extra = (width: number): number => {
    const value = width === 1 ? bytes[next]! : (bytes[next]! << 8) | bytes[next + 1]!
    next += width
    return value
  }
  const length = block === 1 ? 192 : block < 6 ? 144 << block : block < 8 ? extra(block - 5) + 1 : 1 << block
  const written = rate === 12 ? 1000 * extra(1) : rate === 13 ? extra(2) : rate === 14 ? 10 * extra(2) : RATES[rate]!
  if (next >= bytes.length || crc8(bytes, at, next) !== bytes[next]) return undefined
  return {
    end: next + 1,
    length,
    rate: written || info.rate,
    bits: BITS[bits]! || info.bits,
    number: readNumber(bytes, at + 4, numberBytes),
    isOfSamples: (bytes[at + 1]! & 1) === 1
  }
}

/** Where the next frame's header begins behind `from`, up to `limit`: -1 if none does. */
const findHeader = (bytes: Uint8Array, from: number, limit: number, info: StreamInfo): number => {
  for (let at = bytes.indexOf(0xff, from); at >= 0 && at < limit; at = bytes.indexOf(0xff, at + 1)) {
    if (readHeader(bytes, at, info) !== undefined) return at
  }
  return -1
}

/** Bytes within which a frame ends: no encoder makes one longer than its samples as they are, one of them with a bit more. */
const mostBytes = (header: FrameHeader, info: StreamInfo): number =>
  header.end + Math.ceil((header.length * info.channels * (header.bits + 1)) / 8) + 64

/** Where the frame at the front ends: before the next header up to which its checksum fits, undefined if none does. */
const findEnd = (bytes: Uint8Array, header: FrameHeader, info: StreamInfo): number | undefined => {
  const limit = mostBytes(header, info)
  let crc = crc16(bytes, 0, header.end)
  for (let done = header.end; ; ) {
    const next = findHeader(bytes, done + 1, limit, info)
    if (next < 0) return undefined
    crc = crc16(bytes, done, next, crc)
    if (crc === 0) return next
    done = next
  }
}

const check = (header: FrameHeader, rate: number): void => {
  if (!BITS_READ.includes(header.bits)) throw new Unreadable(refuseBits(header.bits))
  if (header.rate === rate) return
  throw new Unreadable(`changes its sample rate from ${count(rate)} to ${count(header.rate)} Hz midway`)
}

const refuseBits = (bits: number): string => `is FLAC of ${bits} bits a sample; of 8, 16, 24 and 32 it is read`

/** Whether frames differ in length, and so are numbered by samples, by the stream's head. */
const isVaried = (head: Uint8Array): boolean => view(head).getUint16(8) !== view(head).getUint16(10)

/**
 * Whether a frame leaves to the stream's head its rate, its bits, or that frames differ in length, which encoders of
 * before FLAC 1.2 said there alone: by their numbers the decoder would miss thousands of frames. It is better not given
 * the head in vain.
 */
export const needsHead = (bytes: Uint8Array, at: number, head: Uint8Array): boolean =>
  (bytes[at + 2]! & 15) === 0 || ((bytes[at + 3]! >> 1) & 7) === 0 || ((bytes[at + 1]! & 1) === 0 && isVaried(head))

/**
 * The frames of a FLAC stream, each whole, behind the head that says what they are of.
 *
 * A frame's end is known by the checksum that fits there alone, so tags behind the last frame, and cuts of a reader's
 * own, take nothing from the sound, and a bad sector is found where it is. Where a damaged file is read on, frames say
 * which sample they begin with, and so how much is lost.
 */
function* readFrames(feed: Feed, head: Uint8Array, info: StreamInfo): Generator<Given | typeof MORE> {
  yield* feed.need(HEADER_BYTES)
  if (needsHead(feed.bytes, 0, head)) yield head
  let rate = info.rate
  let length = 0
  /** As long as all but the last, where frames are counted; and where the first of them begins. */
  let block = 0
  let origin = 0
  function* goOnTo(next: FrameHeader, isDamaged: boolean): Generator<Given> {
    block ||= next.length
    const position = next.isOfSamples || isVaried(head) ? next.number : next.number * block
    const lost = position - origin - length
    const isPossible = lost >= 0 && (info.length === 0 || length + lost < info.length)
    if ((lost > 0 && isPossible && length > 0) || isDamaged) {
      if (lost > 0 && isPossible) yield { lost, rate: next.rate, channels: info.channels }
      feed.lose(length, isPossible ? lost : 0, next.rate)
      // A decoder that misses frames makes silence of its own.
      yield NEXT_STREAM
      if (needsHead(feed.bytes, 0, head)) yield head
      if (isPossible) length += lost
    }
    // Streams that were cut begin anywhere, and some that were joined begin anew.
    origin = position - length
  }
  for (;;) {
    yield* feed.need(HEADER_BYTES)
    if (feed.bytes.length === 0) return
    const header = readHeader(feed.bytes, 0, info)
    if (header !== undefined) {
      rate ||= header.rate
      check(header, rate)
      yield* feed.need(mostBytes(header, info) + HEADER_BYTES)
      const end = findEnd(feed.bytes, header, info)
      if (end !== undefined) {
        if (!feed.isStrict) yield* goOnTo(header, false)
        yield feed.take(end)
        length += header.length
        continue
      }
    }
    // The last frame, what follows it, or damage.
    const { bytes, start } = feed
    if (header === undefined && info.length > 0 && length >= info.length) return
    const most = header === undefined ? 0 : mostBytes(header, info)
    const next = yield* findNext(feed, feed.isStrict ? most : Math.min(1, most), info)
    if (next === undefined) {
      // The decoder finds the last frame's end in whatever follows.
      if (header !== undefined) yield bytes.subarray(0, most)
      return
    }
    if (feed.isStrict) {
      throw new Unreadable(
        header === undefined
          ? `is damaged: no FLAC frame begins at byte ${count(start)}`
          : `is damaged: the checksum of the FLAC frame at byte ${count(start)} does not fit`
      )
    }
    yield* goOnTo(next, true)
  }
}

/** Goes on to the next frame whose checksum fits, from a byte on; undefined if there is none. */
function* findNext(feed: Feed, from: number, info: StreamInfo): Generator<typeof MORE, FrameHeader | undefined> {
  feed.take(from)
  for (;;) {
    yield* feed.need(2 * HEADER_BYTES)
    const at = findHeader(feed.bytes, 0, feed.bytes.length, info)
    if (at < 0) {
      // A header may begin in the last bytes.
      feed.take(feed.ended ? feed.bytes.length : feed.bytes.length - HEADER_BYTES)
      if (feed.bytes.length === 0) return undefined
      continue
    }
    feed.take(at)
    const header = readHeader(feed.bytes, 0, info)!
    yield* feed.need(mostBytes(header, info) + HEADER_BYTES)
    if (feed.isStrict || findEnd(feed.bytes, header, info) !== undefined) return header
    feed.take(1)
  }
}

/** The head of a stream whose only block is its information. */
export const makeHead = (info: Uint8Array): Uint8Array => {
  const head = new Uint8Array(HEAD_BYTES)
  head.set([0x66, 0x4c, 0x61, 0x43, 0x80, 0, 0, STREAM_INFO_BYTES])
  head.set(info.subarray(0, STREAM_INFO_BYTES), 8)
  return head
}

/** A packet that is one frame of the stream with this head, whose rate must be the stream's. */
export const readFrame = (packet: Uint8Array, head: Uint8Array): Uint8Array => {
  const info = readInfo(head)
  const header = readHeader(packet, 0, info)
  if (header === undefined) throw new Unreadable("is damaged: a packet begins with no FLAC frame")
  check(header, info.rate || header.rate)
  return packet
}

/** What a FLAC stream is by its head, and a reader for its frames, which lie at the front of the feed once it is read. */
export const openStream = (head: Uint8Array, pieces: (info: StreamInfo) => Container["pieces"]): Opened => {
  const info = readInfo(head)
  if (!BITS_READ.includes(info.bits))
    return Result.succeed({ name: `FLAC of ${info.bits} bits a sample`, demuxer: "flac" })
  return Result.succeed({
    format: "flac",
    pieces: pieces(info),
    ...(info.length > 0 && { length: info.length, told: info.length / info.rate })
  })
}

/** Opens a FLAC file, in which "fLaC" stands at `begin`. */
export const openFlac = (feed: Feed, begin: number): Opened | typeof MORE => {
  const bytes = feed.bytes.subarray(begin)
  const missing = (from: number) =>
    feed.ended ? Result.fail("is cut short within its FLAC header") : feed.want(begin + from + HEAD_BYTES)
  if (bytes.length < HEAD_BYTES) return missing(0)
  if ((bytes[4]! & 127) !== 0 || view(bytes).getUint32(4) % 2 ** 24 !== STREAM_INFO_BYTES) {
    return Result.fail("is a FLAC file that does not begin with its stream information")
  }
  let from = 4
  for (let last = false; !last; ) {
    if (from + 4 > bytes.length) return missing(from)
    last = bytes[from]! >= 128
    from += 4 + (view(bytes).getUint32(from) % 2 ** 24)
  }
  const head = makeHead(bytes.subarray(8, HEAD_BYTES))
  return openStream(head, function* (info) {
    yield* feed.skip(begin + from)
    yield* readFrames(feed, head, info)
  })
}

/** A decoder that is given a FLAC stream's head, then one frame a call. */
export const makeFlacDecoder = async () => {
  // Loaded where it is needed: it takes 20 ms.
  const { FLACDecoder } = await import("@wasm-audio-decoders/flac")
  const decoder = new FLACDecoder()
  await decoder.ready
  const decode = async (frame?: Uint8Array) => {
    const decoded = await decoder.decodeFrames(frame === undefined ? [] : [frame])
    const isHead = frame === undefined || text(frame, 0, 4) === "fLaC"
    if (!isHead && decoded.samplesDecoded === 0)
      throw new Unreadable("is damaged or cut short: a FLAC frame is not whole")
    return decoded
  }
  return Object.assign(decode, { free: () => decoder.free() })
}
