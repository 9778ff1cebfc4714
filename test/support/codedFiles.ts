import { crc8, crc16, crc32 } from "../../src/sound/decode/checksums.ts"

// Files of coded sound, made bit by bit, whose every field a test may choose.

export const ascii = (text: string): Uint8Array => Uint8Array.from(text, (letter) => letter.charCodeAt(0))

export const join = (...parts: ReadonlyArray<Uint8Array>): Uint8Array => new Uint8Array(Buffer.concat(parts))

/** An ID3v2 tag of so many bytes of content. */
export const id3 = (size: number): Uint8Array =>
  join(ascii("ID3\x04\0\0"), Uint8Array.of(0, 0, size >> 7, size & 127), new Uint8Array(size).fill(0xff))

/** The 128 bytes that stand behind a file's sound. */
export const id3v1 = (): Uint8Array => join(ascii("TAG"), new Uint8Array(125).fill(0xff))

export interface FlacOptions {
  readonly rate?: number
  readonly channels?: number
  readonly bits?: number
  /** Samples per channel in a frame. */
  readonly blockLength?: number
  /** Whether the header says how many samples follow. */
  readonly isCounted?: boolean
  /** Bytes of a block of padding before the sound; no block if there is none. */
  readonly padding?: number
  /**
   * Two frames of one block and two of two in turn, with the numbers of their first samples under the mark of frames of one
   * length, as encoders of before FLAC 1.2 wrote them: the stream information alone tells. Of 44.1 kHz, as frames say.
   */
  readonly isOldVariable?: boolean
}

/** The stream information of FLAC, a block of 34 bytes. */
const streamInfo = (length: number, options: FlacOptions): Uint8Array => {
  const { rate = 16_000, channels = 1, bits = 16, blockLength = 1600, isCounted = true } = options
  const info = new Uint8Array(34)
  const data = new DataView(info.buffer)
  data.setUint16(0, blockLength)
  data.setUint16(2, options.isOldVariable ? 2 * blockLength : blockLength)
  data.setUint32(10, (rate << 12) | ((channels - 1) << 9) | ((bits - 1) << 4))
  data.setUint32(14, isCounted ? length : 0)
  return info
}

/** One frame: every channel as it is (16 bits or 8), or as one number if it is all the same. */
const flacFrame = (channels: ReadonlyArray<ArrayLike<number>>, number: number, bits: number, rate = 0): Uint8Array => {
  const length = channels[0]!.length
  const header = [0xff, 0xf8, 0x70 | rate, ((channels.length - 1) << 4) | ({ 8: 2, 12: 4, 16: 8, 20: 10 }[bits] ?? 0)]
  if (number < 128) header.push(number)
  else if (number < 2048) header.push(0xc0 | (number >> 6), 0x80 | (number & 63))
  else header.push(0xe0 | (number >> 12), 0x80 | ((number >> 6) & 63), 0x80 | (number & 63))
  header.push((length - 1) >> 8, (length - 1) & 255)
  header.push(crc8(Uint8Array.from(header), 0, header.length))
  const width = Math.ceil(bits / 8)
  const written = (value: number): Array<number> => (width === 1 ? [value & 255] : [(value >> 8) & 255, value & 255])
  const content = channels.flatMap((samples) => {
    const isConstant = Array.prototype.every.call(samples, (value) => value === samples[0])
    return isConstant ? [0, ...written(samples[0]!)] : [2, ...Array.from(samples).flatMap(written)]
  })
  const frame = Uint8Array.from([...header, ...content, 0, 0])
  const crc = crc16(frame, 0, frame.length - 2)
  frame[frame.length - 2] = crc >> 8
  frame[frame.length - 1] = crc & 255
  return frame
}

/** A FLAC stream in parts: what precedes its frames, and its frames. */
export const flacParts = (samples: ArrayLike<number>, options: FlacOptions = {}) => {
  const { channels = 1, bits = 16, blockLength = 1600, padding } = options
  const frames: Array<Uint8Array> = []
  for (let at = 0, end = 0; at < samples.length; at = end) {
    end = Math.min(samples.length, at + (options.isOldVariable && frames.length % 4 > 1 ? 2 : 1) * blockLength)
    const block =
      samples instanceof Int16Array ? samples.subarray(at, end) : Array.prototype.slice.call(samples, at, end)
    const [number, rate] = options.isOldVariable ? [at, 9] : [frames.length, 0]
    frames.push(flacFrame(Array(channels).fill(block), number, bits, rate))
  }
  const info = streamInfo(samples.length, options)
  const blocks =
    padding === undefined
      ? [Uint8Array.of(0x80, 0, 0, 34), info]
      : [
          Uint8Array.of(0, 0, 0, 34),
          info,
          Uint8Array.of(0x81, padding >> 16, (padding >> 8) & 255, padding & 255),
          new Uint8Array(padding)
        ]
  return { head: join(ascii("fLaC"), ...blocks), frames }
}

export const flac = (samples: ArrayLike<number>, options: FlacOptions = {}): Uint8Array => {
  const { head, frames } = flacParts(samples, options)
  return join(head, ...frames)
}

export interface OggPage {
  readonly packets: ReadonlyArray<Uint8Array>
  readonly flags?: number
  readonly serial?: number
  readonly sequence?: number
  readonly granule?: number
}

/** Gives a page, of which this is all, the checksum that fits. */
export const sealPage = (page: Uint8Array): Uint8Array => {
  page.fill(0, 22, 26)
  new DataView(page.buffer, page.byteOffset).setUint32(22, crc32(page, 0, page.length), true)
  return page
}

/** A page of whole packets. */
export const oggPage = ({ packets, flags = 0, serial = 1, sequence = 0, granule = 0 }: OggPage): Uint8Array => {
  const table = packets.flatMap(({ length }) => [...Array(Math.floor(length / 255)).fill(255), length % 255])
  const header = new Uint8Array(27)
  const data = new DataView(header.buffer)
  header.set(ascii("OggS"))
  header[5] = flags
  data.setBigInt64(6, BigInt(granule), true)
  data.setUint32(14, serial, true)
  data.setUint32(18, sequence, true)
  header[26] = table.length
  return sealPage(join(header, Uint8Array.from(table), ...packets))
}

/** The pages of an Ogg file, each with its own bytes. */
export const splitOgg = (bytes: Uint8Array): Array<Uint8Array> => {
  const pages: Array<Uint8Array> = []
  for (let at = 0; at + 27 <= bytes.length; ) {
    const content = at + 27 + bytes[at + 26]!
    const end = bytes.subarray(at + 27, content).reduce((sum, length) => sum + length, content)
    pages.push(bytes.slice(at, end))
    at = end
  }
  return pages
}

/** An Ogg Opus file of silence: packets of one byte, each 60 ms. */
export const silentOpus = (seconds: number, channels = 1): Uint8Array => {
  const head = join(
    ascii("OpusHead\x01"),
    Uint8Array.of(channels, 0, 0, 0x80, 0xbb, 0, 0, 0, 0, channels > 2 ? 255 : 0)
  )
  const mapping = channels > 2 ? Uint8Array.of(1, 0, ...Array(channels).fill(0)) : new Uint8Array(0)
  const pages = [
    oggPage({ packets: [join(head, mapping)], flags: 2 }),
    oggPage({ packets: [join(ascii("OpusTags"), new Uint8Array(8))], sequence: 1 })
  ]
  for (let left = Math.ceil(seconds / 0.06), granule = 0; left > 0; left -= 255) {
    const packets = Array(Math.min(left, 255)).fill(Uint8Array.of(0x18))
    granule += 2880 * packets.length
    pages.push(oggPage({ packets, sequence: pages.length, granule, flags: left > 255 ? 0 : 4 }))
  }
  return join(...pages)
}

const silentFrames = (header: ReadonlyArray<number>, count: number): Uint8Array => {
  const frame = new Uint8Array(104)
  frame.set(header)
  return join(...Array(Math.ceil(count)).fill(frame))
}

/** Frames of silence of layer II, at 44,100 Hz. */
export const silentLayer2 = (seconds: number): Uint8Array =>
  silentFrames([0xff, 0xfd, 0x10, 0xc0], (seconds * 44_100) / 1152)

/** Frames of silence of an MP3 of layer III, at 44,100 or 22,050 Hz. */
export const silentMp3 = (seconds: number, rate: 44_100 | 22_050 = 44_100): Uint8Array =>
  rate === 44_100
    ? silentFrames([0xff, 0xfb, 0x10, 0xc0], (seconds * rate) / 1152)
    : silentFrames([0xff, 0xf3, 0x40, 0xc0], (seconds * rate) / 576)
