import { Result } from "effect"
import { cutShort, type Opened, type Pcm, text, view } from "./container.ts"
import { IMA4_BYTES, IMA4_SAMPLES, openIma4 } from "./ima4.ts"
import { findMpeg, openMpeg } from "./mpeg.ts"
import { MAX_PCM_CHANNELS } from "./pcm.ts"

const FLOAT = 1
const LITTLE_ENDIAN = 2

/** The description, 32 bytes from `at` on. */
const readDescription = (bytes: Uint8Array, at: number) => {
  const data = view(bytes)
  return {
    rate: data.getFloat64(at),
    coding: text(bytes, at + 8, 4),
    flags: data.getUint32(at + 12),
    packetBytes: data.getUint32(at + 16),
    packetSamples: data.getUint32(at + 20),
    channels: data.getUint32(at + 24),
    bits: data.getUint32(at + 28)
  }
}
type Description = ReturnType<typeof readDescription>

const NAMES: Readonly<Record<string, string>> = {
  "aac ": "AAC",
  alac: "Apple Lossless",
  opus: "Opus",
  flac: "FLAC",
  ".mp3": "MP3",
  agsm: "GSM 6.10"
}

/** What samples are; undefined if they are not plain numbers. */
const plainCoding = (description: Description): Pick<Pcm, "coding" | "width" | "littleEndian"> | undefined => {
  const { coding, flags, packetBytes, channels, bits } = description
  if (coding === "alaw") return { coding: "alaw", width: 1, littleEndian: false }
  if (coding === "ulaw") return { coding: "mulaw", width: 1, littleEndian: false }
  if (coding !== "lpcm") return undefined
  const least = Math.ceil(bits / 8)
  const packed = packetBytes / channels
  const width = Number.isInteger(packed) && packed > least && packed <= 8 ? packed : least
  return { coding: flags & FLOAT ? "float" : "integer", width, littleEndian: (flags & LITTLE_ENDIAN) !== 0 }
}

const openSound = (description: Description, sound: Uint8Array): Opened => {
  const { rate, coding, packetBytes, packetSamples, channels } = description
  const frame = coding === ".mp3" ? findMpeg(sound, 0) : -1
  if (frame >= 0) return openMpeg(sound, frame)
  if (channels === 0 || channels > MAX_PCM_CHANNELS) {
    return Result.fail(`is a CAF file that claims ${channels.toLocaleString("en")} channels`)
  }
  // Decoders make room by the rate before anyone looks at it.
  if (!(rate >= 1 && rate <= 1e9)) return Result.fail(`claims a sample rate of ${rate} Hz`)
  if (coding === "ima4") {
    if (packetSamples !== IMA4_SAMPLES || packetBytes !== IMA4_BYTES * channels) {
      const claim = `${packetSamples.toLocaleString("en")} samples in ${packetBytes.toLocaleString("en")} bytes`
      return Result.fail(`is a CAF file that claims packets of ${claim}, which its coding (IMA4) does not have`)
    }
    return Result.succeed(openIma4(channels, rate, sound))
  }
  const plain = plainCoding(description)
  if (plain === undefined) {
    return Result.succeed({ name: `a CAF file compressed by ${NAMES[coding] ?? coding.trim()}`, demuxer: "caf" })
  }
  const isFloat = plain.coding === "float"
  if (isFloat ? plain.width !== 4 && plain.width !== 8 : plain.width === 0 || plain.width > 8) {
    return Result.fail("is a CAF file whose header contradicts itself")
  }
  return Result.succeed({ ...plain, channels, rate, sound })
}

/** Opens an Apple CAF file: chunks of a name, a size of 8 bytes, -1 if it runs to the end of the file, and content. */
export const openCaf = (bytes: Uint8Array): Opened => {
  const data = view(bytes)
  let description: Description | undefined
  for (let at = 8; at + 12 <= bytes.length; ) {
    const size = Number(data.getBigInt64(at + 4))
    const id = text(bytes, at, 4)
    const start = at + 12
    if (id === "desc" && start + 32 <= bytes.length) description = readDescription(bytes, start)
    if (id === "data" && description !== undefined) {
      if (start + size > bytes.length) return cutShort(size, bytes.length - start)
      // Behind the count of edits.
      return openSound(description, bytes.subarray(start + 4, size < 0 ? bytes.length : start + size))
    }
    if (size < 0) break
    at = start + size
  }
  return Result.fail("is a CAF file without sound, or cut short before it")
}
