import { type Container, view } from "./container.ts"
import type { Feed } from "./feed.ts"

/** Bytes of a packet for each channel, and the samples that they hold. */
export const IMA4_BYTES = 34
export const IMA4_SAMPLES = 64

/**
 * Apple's IMA ADPCM, from whatever container, under a CAF header made here: of audio-decode's readers, the one of CAF
 * has the order of the half bytes right.
 */
export const openIma4 = (feed: Feed, channels: number, rate: number, begin: number, length: number): Container => {
  const header = new Uint8Array(68)
  const fields = view(header)
  const mark = (at: number, text: string) => header.set(new TextEncoder().encode(text), at)
  mark(0, "caff")
  fields.setUint16(4, 1)
  mark(8, "desc")
  fields.setBigInt64(12, 32n)
  fields.setFloat64(20, rate)
  mark(28, "ima4")
  fields.setUint32(36, IMA4_BYTES * channels)
  fields.setUint32(40, IMA4_SAMPLES)
  fields.setUint32(44, channels)
  mark(52, "data")
  fields.setBigInt64(56, BigInt(4 + length))
  return { format: "caf", pieces: feed.slices(header, begin, length) }
}
