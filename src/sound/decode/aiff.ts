import { Result } from "effect"
import { type Chunk, chunks, soundExtent } from "./chunks.ts"
import { type Opened, type Pcm, shortfall, text, view } from "./container.ts"
import type { Feed, MORE } from "./feed.ts"
import { IMA4_BYTES, openIma4 } from "./ima4.ts"
import { MAX_PCM_CHANNELS } from "./pcm.ts"

/** An IEEE 754 number of 80 bits, as AIFF writes sample rates. */
const readExtended = (data: DataView, at: number): number => {
  const exponent = data.getUint16(at)
  const fraction = data.getUint32(at + 2) + data.getUint32(at + 6) / 2 ** 32
  if ((exponent & 0x7fff) === 0x7fff) return Number.NaN
  return (exponent & 0x8000 ? -1 : 1) * fraction * 2 ** ((exponent & 0x7fff) - 16_383 - 31)
}

/** The common chunk, at least 18 bytes. */
const readCommon = (bytes: Uint8Array, { start, size }: Chunk) => {
  const data = view(bytes)
  return {
    channels: data.getUint16(start),
    frames: data.getUint32(start + 2),
    bits: data.getUint16(start + 6),
    rate: readExtended(data, start + 8),
    coding: size >= 22 && text(bytes, 8, 4) === "AIFC" ? text(bytes, start + 18, 4) : "NONE"
  }
}

/** What samples are, by AIFF-C's name of the coding; undefined if they are not plain numbers. */
const plainCoding = (coding: string, bits: number): Pick<Pcm, "coding" | "width" | "littleEndian"> | undefined => {
  const big = (kind: Pcm["coding"], width: number) => ({ coding: kind, width, littleEndian: false })
  const little = (width: number) => ({ coding: "integer", width, littleEndian: true }) as const
  const width = Math.ceil(bits / 8)
  switch (coding) {
    case "sowt":
      return little(width)
    case "42ni":
    case "42n1":
      return little(3)
    case "23ni":
    case "23n1":
      return little(4)
    case "in24":
      return big("integer", 3)
    case "in32":
      return big("integer", 4)
    case "raw ":
      return width === 1 ? big("unsigned", 1) : undefined
  }
  switch (coding.toLowerCase()) {
    case "none":
    case "twos":
      return big("integer", width)
    case "fl32":
      return big("float", 4)
    case "fl64":
      return big("float", 8)
    case "alaw":
      return big("alaw", 1)
    case "ulaw":
      return big("mulaw", 1)
  }
  return undefined
}

const NAMES: Readonly<Record<string, string>> = {
  "GSM ": "GSM 6.10",
  agsm: "GSM 6.10",
  MAC3: "MACE",
  MAC6: "MACE",
  QDMC: "QDesign Music",
  QDM2: "QDesign Music",
  Qclp: "QCELP"
}

/** Opens an AIFF or AIFF-C file, whose chunks may come in any order. */
export const openAiff = (feed: Feed): Opened | typeof MORE => {
  const { bytes } = feed
  let common: ReturnType<typeof readCommon> | undefined
  let sound: Chunk | undefined
  let next = 12
  for (const chunk of chunks(feed, false)) {
    next = chunk.start + chunk.size
    if (chunk.id === "COMM" && chunk.size >= 18 && chunk.start + 18 <= bytes.length) common = readCommon(bytes, chunk)
    if (chunk.id === "SSND" && chunk.start + 8 <= bytes.length) sound = chunk
  }
  const isFound = sound !== undefined && common !== undefined
  if (!isFound && !feed.ended && next < feed.size) return feed.want(next + 40)
  if (sound === undefined) return Result.fail("is an AIFF file without sound, or cut short before it")
  const extent = soundExtent(feed, sound, false, "an AIFF file")
  if (extent.fault !== undefined && !feed.forgives(extent.fault, extent.isFarOff)) return Result.fail(extent.fault)
  if (common === undefined) return Result.fail("is an AIFF file that does not say its sample format")
  const { channels, frames, bits, rate, coding } = common
  // The sound begins behind two fields, and so many bytes as the first of them says.
  const begin = sound.start + 8 + view(bytes).getUint32(sound.start)
  const present = Math.max(0, sound.start + extent.length - begin)
  if (channels === 0 || channels > MAX_PCM_CHANNELS)
    return Result.fail("is an AIFF file whose header contradicts itself")
  if (coding === "ima4") {
    const packets = Math.floor(present / (IMA4_BYTES * channels))
    const missing = frames > packets ? shortfall(frames, packets, "packets of sound") : undefined
    if (missing !== undefined && !feed.forgives(missing)) return Result.fail(missing)
    return Result.succeed(openIma4(feed, channels, rate, begin, present))
  }
  const plain = plainCoding(coding, bits)
  if (plain === undefined)
    return Result.succeed({ name: `an AIFF file compressed by ${NAMES[coding] ?? coding.trim()}`, demuxer: "aiff" })
  if (plain.width === 0 || plain.width > 8) return Result.fail("is an AIFF file whose header contradicts itself")
  const promised = frames * channels * plain.width
  const length = promised > 0 ? Math.min(promised, present) : present
  return Result.succeed({ ...plain, channels, rate, begin, length })
}
