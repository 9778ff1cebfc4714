import { Result } from "effect"
import { type Opened, text } from "./container.ts"

const PAGE_HEADER = 27
const MAX_PAGE = PAGE_HEADER + 255 + 255 * 255
const END_OF_STREAM = 4

/** Whether the last whole page in the file says that it ends its stream. */
const endsProperly = (bytes: Uint8Array): boolean => {
  for (let at = bytes.length - PAGE_HEADER; at >= Math.max(0, bytes.length - 2 * MAX_PAGE); at--) {
    if (bytes[at] !== 0x4f || text(bytes, at, 4) !== "OggS") continue
    const segments = bytes[at + 26]!
    let end = at + PAGE_HEADER + segments
    for (let i = at + PAGE_HEADER; i < at + PAGE_HEADER + segments; i++) end += bytes[i] ?? 0
    if (end <= bytes.length) return (bytes[at + 5]! & END_OF_STREAM) !== 0
  }
  return false
}

/** Opens an Ogg file of Vorbis, Opus or FLAC. */
export const openOgg = (bytes: Uint8Array): Opened => {
  const packet = text(bytes, PAGE_HEADER + 1, 8)
  const format = packet.startsWith("\x01vorbis")
    ? "oga"
    : packet.startsWith("OpusHead")
      ? "opus"
      : packet.startsWith("\x7fFLAC")
        ? "flac"
        : undefined
  if (format === undefined) return Result.fail("is an Ogg file of neither Vorbis, Opus nor FLAC")
  if (!endsProperly(bytes)) return Result.fail("is cut short: its last Ogg page does not end the stream")
  return Result.succeed({ format, pieces: [bytes] })
}
