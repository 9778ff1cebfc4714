import { Result } from "effect"
import { type Chunk, chunks, type Extent, isChunk, isKnownExcess, soundExtent } from "./chunks.ts"
import { count, isFarOff, type Opened, type Pcm, shortfall, text, view } from "./container.ts"
import { Feed, type MORE } from "./feed.ts"
import { findMpeg, openMpeg } from "./mpeg.ts"
import { MAX_PCM_CHANNELS } from "./pcm.ts"
import { waveCoding } from "./waveCodings.ts"

const INTEGER = 1
const FLOAT = 3
const EXTENSIBLE = 0xfffe
/** Microsoft's and IMA's ADPCM: blocks of samples of half a byte. */
const PACKED = [2, 0x11]
/** Layers I and II, and III. */
const MPEG = [0x50, 0x55]

/** The content of a WAV file's format chunk, at least 16 bytes. */
const readFormat = (chunk: Uint8Array, littleEndian: boolean) => {
  const fields = view(chunk)
  const code = fields.getUint16(0, littleEndian)
  return {
    coding: code === EXTENSIBLE && chunk.length >= 26 ? fields.getUint16(24, littleEndian) : code,
    channels: fields.getUint16(2, littleEndian),
    rate: fields.getUint32(4, littleEndian),
    blockSize: fields.getUint16(12, littleEndian),
    bits: fields.getUint16(14, littleEndian),
    blockLength: chunk.length >= 20 ? fields.getUint16(18, littleEndian) : 0
  }
}
type WaveFormat = ReturnType<typeof readFormat>

/**
 * The samples' coding and width; undefined if they are not plain numbers or the fields contradict each other.
 *
 * Many programs get the block size wrong, so it is believed only where it is what it takes to read 24 bits in four bytes.
 */
const plainCoding = ({ coding, channels, blockSize, bits }: WaveFormat): Pick<Pcm, "coding" | "width"> | undefined => {
  if (coding === 6) return { coding: "alaw", width: 1 }
  if (coding === 7) return { coding: "mulaw", width: 1 }
  if (coding === FLOAT && (bits === 32 || bits === 64)) return { coding: "float", width: bits / 8 }
  if (coding !== INTEGER || bits === 0 || bits > 64) return undefined
  const width = bits > 16 && bits <= 24 && blockSize === 4 * channels ? 4 : Math.ceil(bits / 8)
  return { coding: width === 1 ? "unsigned" : "integer", width }
}

/** A WAV header in front of `size` bytes of sound. */
const makeHeader = (format: Uint8Array, size: number): Uint8Array => {
  const header = new Uint8Array(28 + format.length)
  const fields = view(header)
  header.set(new TextEncoder().encode("RIFF----WAVEfmt "))
  fields.setUint32(16, format.length, true)
  header.set(format, 20)
  header.set(new TextEncoder().encode("data"), 20 + format.length)
  fields.setUint32(24 + format.length, size, true)
  return header
}

const CONTRADICTION = Result.fail("is a WAV file whose header contradicts itself")

/**
 * Opens the sound of a WAV file by its format chunk.
 *
 * audio-decode reads ADPCM alone, under a header made here: it loses the samples behind a chunk of odd length.
 */
const openSound = (
  feed: Feed,
  extent: Extent,
  format: Uint8Array,
  littleEndian = true,
  demuxer = "wav"
): Opened | typeof MORE => {
  if (extent.fault !== undefined && !feed.forgives(extent.fault, extent.isFarOff)) return Result.fail(extent.fault)
  const { begin, length } = extent
  const fields = readFormat(format, littleEndian)
  const { coding, channels, rate, blockSize, blockLength } = fields
  if (MPEG.includes(coding)) {
    if (!feed.ended) return feed.wantAll()
    const sound = feed.bytes.subarray(begin, begin + length)
    const frame = findMpeg(sound, 0)
    if (frame >= 0) return openMpeg(Feed.whole(sound), frame)
  }
  if (channels === 0 || channels > MAX_PCM_CHANNELS) return CONTRADICTION
  const plain = plainCoding(fields)
  if (plain !== undefined) {
    // Positive integers as audio-decode reads them, so that recordings that it read before keep every bit.
    const positiveSteps = 2 ** (8 * Math.min(plain.width, 4) - 1) - 1
    const isInteger = coding === INTEGER
    return Result.succeed({
      ...plain,
      littleEndian,
      channels,
      rate,
      begin,
      length,
      ...(isInteger && { positiveSteps })
    })
  }
  if (PACKED.includes(coding) && littleEndian) {
    const isPossible = channels <= 2 && blockSize > 0 && blockLength > 0 && blockLength <= 2 * blockSize
    if (!isPossible) return CONTRADICTION
    return Result.succeed({ format: "wav", pieces: feed.slices(makeHeader(format, length), begin, length) })
  }
  if (coding === INTEGER || coding === FLOAT) return CONTRADICTION
  return Result.succeed({ name: `a WAV file ${waveCoding(coding)}`, demuxer })
}

/** What follows the sound where its size was never filled in, as bytes. */
const unclaimed = (feed: Feed, sound: Chunk, format: Uint8Array, littleEndian: boolean): number => {
  const { rate, channels, bits } = readFormat(format, littleEndian)
  const least = (rate * channels * bits) / 8 / 40
  const end = sound.start + sound.size + (sound.size % 2)
  const rest = feed.size - end
  const isUnfinished = sound.size > 0 && sound.size < least && rest > least
  return isUnfinished && !isChunk(feed.bytes, end, littleEndian, feed.size) ? rest : 0
}

/** Sizes of 64 bits from here on say nothing, as programs that stream write them: no file is so large. */
const NO_SIZE = 2 ** 53

/** The size of the sound in a 64-bit WAV file, from its ds64 chunk: undefined where that does not know. */
const longSize = (bytes: Uint8Array, { start }: Chunk): number | undefined => {
  if (start + 16 > bytes.length) return undefined
  const size = Number(view(bytes).getBigUint64(start + 8, true))
  return size === 0 || size >= NO_SIZE ? undefined : size
}

/** Sound whose size, of 64 bits, may be more than there is. */
const longExtent = (feed: Feed, begin: number, size: number): Extent => {
  const present = Math.max(0, feed.size - begin)
  if (size <= present) return { begin, length: size }
  const isKnown = isKnownExcess(size - present, begin)
  return {
    begin,
    length: present,
    ...(!isKnown && { fault: shortfall(size, present), isFarOff: isFarOff(size, present) })
  }
}

/**
 * Opens a WAV file: RIFF, RIFX (big-endian), or RF64 and BW64, which hold more than 4 GB. Its sound is that of the first data
 * chunk that is not empty; its format may stand behind it.
 */
export const openWave = (feed: Feed): Opened | typeof MORE => {
  const { bytes } = feed
  const mark = text(bytes, 0, 4)
  const littleEndian = mark !== "RIFX"
  const isLong = mark === "RF64" || mark === "BW64"
  let format: Uint8Array | undefined
  let long: number | undefined
  let sound: Chunk | undefined
  let next = 12
  for (const chunk of chunks(feed, littleEndian)) {
    const { id, start, size } = chunk
    next = start + size
    if (id === "fmt " && size >= 16 && start + 16 <= bytes.length) format = bytes.subarray(start, start + size)
    if (id === "ds64" && isLong) long = longSize(bytes, chunk)
    if (id === "data" && (sound === undefined || isEmpty(feed, sound, littleEndian))) sound = chunk
    if (format === undefined || sound === undefined || isEmpty(feed, sound, littleEndian)) continue
    return openFound(feed, sound, format, { littleEndian, long: isLong ? long : undefined })
  }
  if (!feed.ended && next < feed.size) return feed.want(next + 16)
  if (sound === undefined) return Result.fail("is a WAV file without a data chunk, or cut short before it")
  if (format === undefined) return Result.fail("is a WAV file that does not say its sample format")
  return openFound(feed, sound, format, { littleEndian, long: undefined })
}

/** Whether a data chunk holds nothing, and another chunk follows: what has no size and none behind it is unfinished. */
const isEmpty = (feed: Feed, { start, size }: Chunk, littleEndian: boolean): boolean =>
  size === 0 && isChunk(feed.bytes, start, littleEndian, feed.size)

/** @param long its size where 32 bits are too few for it. */
const openFound = (
  feed: Feed,
  sound: Chunk,
  format: Uint8Array,
  { littleEndian, long }: { readonly littleEndian: boolean; readonly long: number | undefined }
): Opened | typeof MORE => {
  const { start, size } = sound
  if (size === 0xffff_ffff && long !== undefined) {
    return openSound(feed, longExtent(feed, start, long), format, littleEndian)
  }
  const rest = unclaimed(feed, sound, format, littleEndian)
  if (rest === 0) {
    return openSound(feed, soundExtent(feed, sound, littleEndian, "a WAV file"), format, littleEndian)
  }
  const claim = `claims ${count(size)} bytes of sound, and ${count(rest)} bytes follow: its recorder never finished the header`
  if (feed.isStrict) return Result.fail(`${claim}, which a sound editor can repair`)
  feed.forgives(claim)
  return openSound(feed, { begin: start, length: feed.size - start }, format, littleEndian)
}

/** Opens a W64 file (Sony): chunks named by 16 bytes, whose first four are WAV's, with sizes of 8 that count both. */
export const openW64 = (feed: Feed): Opened | typeof MORE => {
  const { bytes } = feed
  const data = view(bytes)
  let format: Uint8Array | undefined
  let at = 40
  while (at + 24 <= bytes.length) {
    const size = Number(data.getBigUint64(at + 16, true))
    const id = text(bytes, at, 4)
    if (id === "fmt " && size >= 40 && at + size <= bytes.length) format = bytes.subarray(at + 24, at + size)
    if (id === "data" && format !== undefined) {
      // What streams says nothing, or the largest number.
      const present = Math.max(0, feed.size - at - 24)
      const length = size > 24 && size < NO_SIZE ? size - 24 : present
      const fault = length > present ? shortfall(length, present) : undefined
      const extent = {
        begin: at + 24,
        length: Math.min(length, present),
        ...(fault && { fault, isFarOff: isFarOff(length, present) })
      }
      return openSound(feed, extent, format, true, "w64")
    }
    if (size < 24) break
    at += Math.ceil(size / 8) * 8
  }
  if (!feed.ended && at + 24 > bytes.length && at < feed.size) return feed.want(at + 48)
  return Result.fail("is a W64 file without sound, or cut short before it")
}
