import { Result } from "effect"
import { cutShort, type Opened, text, view } from "./container.ts"

/** kbit/s by index, for layers I to III of MPEG-1, then of MPEG-2 and 2.5 (ISO 11172-3 and 13818-3). */
const BITRATES = [
  [0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
  [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
  [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
  [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
  [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
  [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160]
]
const RATES = [44_100, 48_000, 32_000]

/** Bytes of the MPEG audio or ADTS frame that begins at `at`, 0 if none does. */
const frameLength = (bytes: Uint8Array, at: number): number => {
  if (at + 6 > bytes.length || bytes[at] !== 0xff || (bytes[at + 1]! & 0xe0) !== 0xe0) return 0
  const version = (bytes[at + 1]! >> 3) & 3
  const layer = 4 - ((bytes[at + 1]! >> 1) & 3)
  if (layer === 4) {
    return version < 2 ? 0 : ((bytes[at + 3]! & 3) << 11) | (bytes[at + 4]! << 3) | (bytes[at + 5]! >> 5)
  }
  const bitrate = BITRATES[layer - 1 + (version === 3 ? 0 : 3)]![bytes[at + 2]! >> 4]
  const rate = RATES[(bytes[at + 2]! >> 2) & 3]
  if (version === 1 || !bitrate || rate === undefined) return 0
  const divided = version === 3 ? rate : version === 2 ? rate / 2 : rate / 4
  const padding = (bytes[at + 2]! >> 1) & 1
  if (layer === 1) return 4 * (Math.floor((12_000 * bitrate) / divided) + padding)
  return Math.floor(((layer === 3 && version !== 3 ? 72_000 : 144_000) * bitrate) / divided) + padding
}

/** Whether two frames of one kind follow each other from `at`, or one frame ends the file. */
export const isMpeg = (bytes: Uint8Array, at: number): boolean => {
  const length = frameLength(bytes, at)
  if (length === 0) return false
  const next = at + length
  return next === bytes.length || (frameLength(bytes, next) > 0 && bytes[next + 1] === bytes[at + 1])
}

/**
 * Opens an MP3 (layers I to III) or an ADTS AAC stream whose first frame is at `at`.
 *
 * Frames follow each other without a count, so only the Xing or Info header, which encoders put into the first frame
 * of an MP3, can say that some are missing.
 */
export const openMpeg = (bytes: Uint8Array, at: number): Opened => {
  const sound = bytes.subarray(at)
  if ((bytes[at + 1]! & 6) === 0) return Result.succeed({ format: "aac", pieces: [sound] })
  const mpeg1 = (bytes[at + 1]! & 8) !== 0
  const mono = bytes[at + 3]! >> 6 === 3
  const tag = 4 + (mpeg1 ? (mono ? 17 : 32) : mono ? 9 : 17)
  const name = text(sound, tag, 4)
  if ((name === "Xing" || name === "Info") && tag + 16 <= sound.length) {
    const flags = view(sound).getUint32(tag + 4)
    const size = (flags & 2) !== 0 ? view(sound).getUint32(tag + ((flags & 1) !== 0 ? 12 : 8)) : 0
    if (size > sound.length) return cutShort(size, sound.length)
  }
  return Result.succeed({ format: "mp3", pieces: [sound] })
}
