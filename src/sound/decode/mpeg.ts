import { Result } from "effect"
import { count, cutShort, MAX_BYTES, MAX_SAMPLES, type Opened, text, Unreadable, view } from "./container.ts"
import type { Feed } from "./feed.ts"
import { skipTags } from "./tags.ts"

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
const ADTS_RATES = [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8000, 7350]
/** The layer field's value for AAC, which has none. */
const ADTS = 4

interface Frame {
  readonly layer: number
  /** Samples a second: with the layer, what stays the same from frame to frame. */
  readonly rate: number
  /** Bytes of the frame, 0 if its header does not say (free format). */
  readonly length: number
  /** Samples of all channels that it makes, at most. */
  readonly samples: number
}

/** Reads the header of the MPEG audio or ADTS frame that begins at `at`, if one does. */
const readFrame = (bytes: Uint8Array, at: number): Frame | undefined => {
  if (at + 6 > bytes.length || bytes[at] !== 0xff || (bytes[at + 1]! & 0xe0) !== 0xe0) return undefined
  const version = (bytes[at + 1]! >> 3) & 3
  const layer = 4 - ((bytes[at + 1]! >> 1) & 3)
  if (layer === ADTS) {
    const rate = ADTS_RATES[(bytes[at + 2]! >> 2) & 15]
    const length = ((bytes[at + 3]! & 3) << 11) | (bytes[at + 4]! << 3) | (bytes[at + 5]! >> 5)
    if (version < 2 || rate === undefined || length < 7) return undefined
    const channels = ((bytes[at + 2]! & 1) << 2) | (bytes[at + 3]! >> 6)
    return {
      layer,
      rate,
      length,
      samples: 2048 * (1 + (bytes[at + 6]! & 3)) * (channels === 0 || channels > 2 ? 8 : 2)
    }
  }
  const bitrate = BITRATES[layer - 1 + (version === 3 ? 0 : 3)]![bytes[at + 2]! >> 4]
  const whole = RATES[(bytes[at + 2]! >> 2) & 3]
  if (version === 1 || bitrate === undefined || whole === undefined) return undefined
  const rate = version === 3 ? whole : version === 2 ? whole / 2 : whole / 4
  const padding = (bytes[at + 2]! >> 1) & 1
  const words = layer === 1 ? 12_000 : layer === 3 && version !== 3 ? 72_000 : 144_000
  const length = bitrate === 0 ? 0 : (Math.floor((words * bitrate) / rate) + padding) * (layer === 1 ? 4 : 1)
  return { layer, rate, length, samples: 2 * 1152 }
}

/** Whether as many frames of one kind as `most` follow each other from `at`, or fewer up to the end of the sound. */
const isRun = (bytes: Uint8Array, at: number, most: number): boolean => {
  const first = readFrame(bytes, at)
  if (first === undefined || first.length === 0) return false
  for (let i = 1, next = at + first.length; i < most; i++) {
    const frame = readFrame(bytes, next)
    if (frame === undefined) return skipTags(bytes, next) === bytes.length
    if (frame.layer !== first.layer || frame.rate !== first.rate || frame.length === 0) return false
    next += frame.length
  }
  return true
}

/** Bytes in front of the first frame that are looked through. */
const MAX_LEAD = 1 << 20
/** Bytes that a frame of free format has at most: at 8 kHz, 640 kbit/s. */
const MAX_FREE = 5760
/** By chance, in bytes of any kind, a run this long never occurs. */
const RUN = 4

/** Where the first frame of a run begins, from `from`: -1 if none does. Two do in its very place, four behind others. */
export const findMpeg = (bytes: Uint8Array, from: number): number => {
  if (isRun(bytes, from, 2)) return from
  const limit = from + MAX_LEAD
  for (let at = bytes.indexOf(0xff, from); at >= 0 && at < limit; at = bytes.indexOf(0xff, at + 1)) {
    if (isRun(bytes, at, RUN)) return at
  }
  return -1
}

/**
 * The frames from `from`, as many together as may be in one piece.
 *
 * Tags and zeros between frames are passed over, unless frames are missing of as many as are promised. Other bytes there,
 * and frames of another rate, which decoders go on to play at the first rate, are refused.
 */
function* readFrames(bytes: Uint8Array, from: number, promised = 0): Generator<Uint8Array> {
  const { layer, rate } = readFrame(bytes, from)!
  let start = from
  let samples = 0
  let frames = 0
  let zeros = 0
  for (let at = from; ; ) {
    const frame = readFrame(bytes, at)
    const goesOn = frame !== undefined && frame.length > 0 && frame.layer === layer && frame.rate === rate
    if (!goesOn || samples + frame.samples > MAX_SAMPLES || at + frame.length - start > MAX_BYTES) {
      if (at > start) yield bytes.subarray(start, at)
      start = at
      samples = 0
    }
    if (goesOn) {
      samples += frame.samples
      frames++
      at += frame.length
      continue
    }
    const next = skipTags(bytes, at)
    if (next > at) {
      if (bytes[at] === 0 && next < bytes.length) zeros++
      at = start = next
      continue
    }
    if (frame !== undefined && frame.rate !== rate && isRun(bytes, at, 2)) {
      throw new Unreadable(`changes its sample rate from ${count(rate)} to ${count(frame.rate)} Hz midway`)
    }
    const resumed = findMpeg(bytes, at)
    if (resumed < 0 && zeros > 0 && frames < promised) {
      throw new Unreadable(`is damaged: zeros stand where ${count(promised - frames)} of its MPEG frames should be`)
    }
    if (resumed < 0) return
    throw new Unreadable(`is damaged: ${count(resumed - at)} bytes at byte ${count(at)} are no MPEG frame`)
  }
}

/** What the header within the first frame of an MP3 promises, Xing's or Fraunhofer's: bytes and frames, 0 where it does not. */
const readPromise = (frame: Uint8Array) => {
  const mpeg1 = (frame[1]! & 8) !== 0
  const mono = frame[3]! >> 6 === 3
  const xing = 4 + (mpeg1 ? (mono ? 17 : 32) : mono ? 9 : 17)
  const name = text(frame, xing, 4)
  if ((name === "Xing" || name === "Info") && xing + 16 <= frame.length) {
    const flags = view(frame).getUint32(xing + 4)
    const frames = (flags & 1) !== 0 ? view(frame).getUint32(xing + 8) : 0
    return { frames, bytes: (flags & 2) !== 0 ? view(frame).getUint32(xing + ((flags & 1) !== 0 ? 12 : 8)) : 0 }
  }
  if (text(frame, 36, 4) !== "VBRI" || frame.length < 54) return { frames: 0, bytes: 0 }
  return { bytes: view(frame).getUint32(46), frames: view(frame).getUint32(50) }
}

/** Whether an MP3 of free format begins at `at`: headers that name no bitrate, as far from each other as the frames are long. */
export const isFreeFormat = (bytes: Uint8Array, at: number): boolean => {
  const first = readFrame(bytes, at)
  if (first === undefined || first.layer === ADTS || first.length > 0) return false
  const isLike = (place: number): boolean => {
    const frame = readFrame(bytes, place)
    return frame?.length === 0 && frame.layer === first.layer && frame.rate === first.rate
  }
  for (let length = 32; length < MAX_FREE; length++) {
    const second = at + length
    if (isLike(second) && [-1, 0, 1].some((padding) => isLike(second + length + padding))) return true
  }
  return false
}

/**
 * Opens an MP3 (layers I to III) or an ADTS AAC stream whose first frame is at `at`.
 *
 * Frames follow each other without a count, so only the header which encoders put into the first frame of an MP3 can
 * say that some are missing.
 */
export const openMpeg = ({ bytes }: Feed, at: number): Opened => {
  const { layer, length } = readFrame(bytes, at)!
  if (layer === ADTS) return Result.succeed({ format: "aac", pieces: readFrames(bytes, at) })
  const promised = readPromise(bytes.subarray(at, at + length))
  if (promised.bytes > bytes.length - at) return cutShort(promised.bytes, bytes.length - at)
  return Result.succeed({ format: "mp3", pieces: readFrames(bytes, at, promised.frames) })
}
