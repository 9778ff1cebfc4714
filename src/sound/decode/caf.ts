import { Result } from "effect"
import type { Extent } from "./chunks.ts"
import { type Opened, type Pcm, shortfall, text, view } from "./container.ts"
import { Feed, type MORE } from "./feed.ts"
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

const openSound = (feed: Feed, extent: Extent, description: Description): Opened | typeof MORE => {
  if (extent.fault !== undefined && !feed.forgives(extent.fault)) return Result.fail(extent.fault)
  const { begin, length } = extent
  const { rate, coding, packetBytes, packetSamples, channels } = description
  if (coding === ".mp3") {
    if (!feed.ended) return feed.wantAll()
    const sound = feed.bytes.subarray(begin, begin + length)
    const frame = findMpeg(sound, 0)
    if (frame >= 0) return openMpeg(Feed.whole(sound), frame)
  }
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
    return Result.succeed(openIma4(feed, channels, rate, begin, length))
  }
  const plain = plainCoding(description)
  if (plain === undefined) {
    return Result.succeed({ name: `a CAF file compressed by ${NAMES[coding] ?? coding.trim()}`, demuxer: "caf" })
  }
  const isFloat = plain.coding === "float"
  if (isFloat ? plain.width !== 4 && plain.width !== 8 : plain.width === 0 || plain.width > 8) {
    return Result.fail("is a CAF file whose header contradicts itself")
  }
  return Result.succeed({ ...plain, channels, rate, begin, length })
}

/** Opens an Apple CAF file: chunks of a name, a size of 8 bytes, -1 if it runs to the end of the file, and content. */
export const openCaf = (feed: Feed): Opened | typeof MORE => {
  const { bytes } = feed
  const data = view(bytes)
  let description: Description | undefined
  let at = 8
  while (at + 12 <= bytes.length) {
    const size = Number(data.getBigInt64(at + 4))
    const id = text(bytes, at, 4)
    const start = at + 12
    if (id === "desc" && start + 32 <= bytes.length) description = readDescription(bytes, start)
    if (id === "data" && description !== undefined) {
      const present = feed.size - start
      const fault = size > present ? shortfall(size, present) : undefined
      const length = size < 0 ? present : Math.min(size, present)
      // Behind the count of edits.
      const extent = { begin: start + 4, length: Math.max(0, length - 4), ...(fault && { fault }) }
      return openSound(feed, extent, description)
    }
    if (size < 0) break
    at = start + size
  }
  if (!feed.ended && at + 12 > bytes.length && at < feed.size) return feed.want(at + 48)
  return Result.fail("is a CAF file without sound, or cut short before it")
}
