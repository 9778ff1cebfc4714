import { Result } from "effect"
import { cutShort, type Opened, text, view } from "./container.ts"

/** Data sizes that programs write when they stream and cannot know better (ffmpeg 0xFFFFFFFF, SoX 0x7FFFF000 and up). */
const UNKNOWN_SIZE = 0x7fff_0000

interface Chunk {
  readonly id: string
  /** Where the content begins, and how long the header says it is. */
  readonly start: number
  readonly size: number
}

/** Walks the chunks of a RIFF or IFF file, which are padded to even lengths. */
function* chunks(bytes: Uint8Array, littleEndian: boolean): Generator<Chunk> {
  const data = view(bytes)
  for (let at = 12; at + 8 <= bytes.length; ) {
    const size = data.getUint32(at + 4, littleEndian)
    yield { id: text(bytes, at, 4), start: at + 8, size }
    at += 8 + size + (size % 2)
  }
}

const INTEGER = 1
const FLOAT = 3
const EXTENSIBLE = 0xfffe
/** Codings of whole bytes per sample: integers, floats, A-law and µ-law. */
const PLAIN = [INTEGER, FLOAT, 6, 7]
/** Microsoft's and IMA's ADPCM: blocks of samples of half a byte. */
const PACKED = [2, 0x11]

/** The content of a WAV file's format chunk, at least 16 bytes. */
const readFormat = (chunk: Uint8Array) => {
  const fields = view(chunk)
  const code = fields.getUint16(0, true)
  return {
    coding: code === EXTENSIBLE && chunk.length >= 26 ? fields.getUint16(24, true) : code,
    channels: fields.getUint16(2, true),
    blockSize: fields.getUint16(12, true),
    bits: fields.getUint16(14, true),
    blockLength: chunk.length >= 20 ? fields.getUint16(18, true) : 0
  }
}

/** Whether the fields agree, so that no decoder reads samples where none are or makes room for millions of them. */
const isConsistent = ({ coding, channels, blockSize, bits, blockLength }: ReturnType<typeof readFormat>): boolean => {
  if (channels === 0 || blockSize === 0) return false
  if (coding === FLOAT && bits !== 32 && bits !== 64) return false
  if (PLAIN.includes(coding)) return blockSize === channels * Math.ceil(bits / 8)
  return !PACKED.includes(coding) || (channels <= 2 && blockLength > 0 && blockLength <= 2 * blockSize)
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

/**
 * Opens a WAV file.
 *
 * audio-decode gets the format chunk and the samples under a header made here, for three reasons: it loses the samples
 * behind a chunk of odd length, it reads what follows an empty data chunk as sound, and it believes format chunks that
 * contradict themselves. It also divides positive integers by 2^(bits-1) - 1 and negative ones by 2^(bits-1); the
 * latter, for both, is what everyone else does (8-bit files would differ by 0.8 %).
 */
export const openWav = (bytes: Uint8Array): Opened => {
  let format: Uint8Array | undefined
  for (const { id, start, size } of chunks(bytes, true)) {
    if (id === "fmt " && size >= 16) format = bytes.subarray(start, start + size)
    if (id !== "data") continue
    if (format === undefined) return Result.fail("is a WAV file that does not say its sample format")
    const present = bytes.length - start
    if (size > present && size < UNKNOWN_SIZE) return cutShort(size, present)
    if (size === 0) return Result.fail("is a WAV file without sound: its data chunk is empty")
    const fields = readFormat(format)
    if (!isConsistent(fields)) return Result.fail("is a WAV file whose header contradicts itself")
    const sound = bytes.subarray(start, start + Math.min(size, present))
    return Result.succeed({
      format: "wav",
      pieces: [makeHeader(format, sound.length), sound],
      ...(fields.coding === INTEGER && { positiveScale: 1 - 2 ** (1 - fields.bits) })
    })
  }
  return Result.fail("is a WAV file without a data chunk, or cut short before it")
}

/** Opens an AIFF or AIFF-C file; audio-decode is given it up to the end of the sound, since it does not stop there. */
export const openAiff = (bytes: Uint8Array): Opened => {
  let bits = 0
  for (const { id, start, size } of chunks(bytes, false)) {
    if (id === "COMM" && start + 18 <= bytes.length) bits = view(bytes).getUint16(start + 6)
    if (id !== "SSND") continue
    if (start + size > bytes.length) return cutShort(size, bytes.length - start)
    if (bits === 8) return Result.fail("is an AIFF file of 8 bits, which its decoder misreads")
    return Result.succeed({ format: "aiff", pieces: [bytes.subarray(0, start + size)] })
  }
  return Result.fail("is an AIFF file without sound, or cut short before it")
}
