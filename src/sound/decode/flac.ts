import { Result } from "effect"
import { crc8, crc16 } from "./checksums.ts"
import { count, type Opened, text, Unreadable, view } from "./container.ts"
import { skipTags } from "./tags.ts"

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
}

const RATES = [0, 88_200, 176_400, 192_000, 8000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000]
const BITS = [0, 8, 12, 0, 16, 20, 24, 32]
/** What the decoder scales right: of others it makes infinities. */
const BITS_READ = [8, 16, 24, 32]

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
  return { end: next + 1, length, rate: written || info.rate, bits: BITS[bits]! || info.bits }
}

/** Where the next frame's header begins behind `from`, up to `limit`: -1 if none does. */
const findHeader = (bytes: Uint8Array, from: number, limit: number, info: StreamInfo): number => {
  for (let at = bytes.indexOf(0xff, from); at >= 0 && at < limit; at = bytes.indexOf(0xff, at + 1)) {
    if (readHeader(bytes, at, info) !== undefined) return at
  }
  return -1
}

/** Where the frame at `start` ends: before the next header up to which its checksum fits. */
const findEnd = (bytes: Uint8Array, start: number, header: FrameHeader, info: StreamInfo): number => {
  // No encoder makes a frame longer than its samples as they are, one of them with a bit more.
  const limit = header.end + Math.ceil((header.length * info.channels * (header.bits + 1)) / 8) + 64
  let crc = crc16(bytes, start, header.end)
  for (let done = header.end; ; ) {
    const next = findHeader(bytes, done + 1, limit, info)
    if (next < 0) break
    crc = crc16(bytes, done, next, crc)
    if (crc === 0) return next
    done = next
  }
  // The last frame: the decoder finds its end in whatever follows.
  if (findHeader(bytes, limit, bytes.length, info) < 0) return Math.min(limit, bytes.length)
  throw new Unreadable(`is damaged: the checksum of the FLAC frame at byte ${count(start)} does not fit`)
}

const check = (header: FrameHeader, rate: number): void => {
  if (!BITS_READ.includes(header.bits)) throw new Unreadable(refuseBits(header.bits))
  if (header.rate === rate) return
  throw new Unreadable(`changes its sample rate from ${count(rate)} to ${count(header.rate)} Hz midway`)
}

const refuseBits = (bits: number): string => `is FLAC of ${bits} bits a sample; of 8, 16, 24 and 32 it is read`

/**
 * Whether a frame leaves to the stream's head its rate, its bits, or that frames differ in length, which encoders of
 * before FLAC 1.2 said there alone: by their numbers the decoder would miss thousands of frames. It is better not given
 * the head in vain.
 */
export const needsHead = (bytes: Uint8Array, at: number, head: Uint8Array): boolean =>
  (bytes[at + 2]! & 15) === 0 ||
  ((bytes[at + 3]! >> 1) & 7) === 0 ||
  ((bytes[at + 1]! & 1) === 0 && view(head).getUint16(8) !== view(head).getUint16(10))

/**
 * The frames of a FLAC stream, each whole, behind the head that says what they are of.
 *
 * A frame's end is known by the checksum that fits there alone, so tags behind the last frame, and cuts of a reader's
 * own, take nothing from the sound, and a bad sector is found where it is.
 */
function* readFrames(bytes: Uint8Array, from: number, head: Uint8Array, info: StreamInfo): Generator<Uint8Array> {
  if (needsHead(bytes, from, head)) yield head
  let rate = info.rate
  let length = 0
  for (let at = from; at < bytes.length; ) {
    const header = readHeader(bytes, at, info)
    if (header === undefined) {
      if ((info.length > 0 && length >= info.length) || skipTags(bytes, at) >= bytes.length) return
      if (findHeader(bytes, at, bytes.length, info) < 0) return
      throw new Unreadable(`is damaged: no FLAC frame begins at byte ${count(at)}`)
    }
    rate ||= header.rate
    check(header, rate)
    const end = findEnd(bytes, at, header, info)
    yield bytes.subarray(at, end)
    length += header.length
    at = end
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

/** Opens a FLAC file, which begins with "fLaC". */
export const openFlac = (bytes: Uint8Array): Opened => {
  if (bytes.length < HEAD_BYTES) return Result.fail("is cut short within its FLAC header")
  if ((bytes[4]! & 127) !== 0 || view(bytes).getUint32(4) % 2 ** 24 !== STREAM_INFO_BYTES) {
    return Result.fail("is a FLAC file that does not begin with its stream information")
  }
  let from = 4
  for (let last = false; !last; ) {
    if (from + 4 > bytes.length) return Result.fail("is cut short within its FLAC header")
    last = bytes[from]! >= 128
    from += 4 + (view(bytes).getUint32(from) % 2 ** 24)
  }
  const head = makeHead(bytes.subarray(8, HEAD_BYTES))
  const info = readInfo(head)
  if (!BITS_READ.includes(info.bits))
    return Result.succeed({ name: `FLAC of ${info.bits} bits a sample`, demuxer: "flac" })
  return Result.succeed({
    format: "flac",
    pieces: readFrames(bytes, from, head, info),
    ...(info.length > 0 && { length: info.length })
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
