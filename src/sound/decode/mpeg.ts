import { Result } from "effect"
import {
  count,
  type Given,
  MAX_BYTES,
  MAX_SAMPLES,
  type Opened,
  shortfall,
  text,
  Unreadable,
  view
} from "./container.ts"
import type { Feed, MORE } from "./feed.ts"
import { passTags, skipTags } from "./tags.ts"

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

/** What frames of a layer are, in words. */
const kindOf = (layer: number): string => (layer === ADTS ? "AAC" : `MPEG layer ${"I".repeat(layer)}`)

/** Bytes that tell what a frame is. */
const FRAME_HEADER = 8

interface Frame {
  readonly layer: number
  /** Samples a second: with the layer, what stays the same from frame to frame. */
  readonly rate: number
  /** Bytes of the frame, 0 if its header does not say (free format). */
  readonly length: number
  /** Samples of all channels that it makes, at most. */
  readonly samples: number
  /** Samples of each channel, and how many channels, as far as the header says. */
  readonly duration: number
  readonly channels: number
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
    const blocks = 1 + (bytes[at + 6]! & 3)
    const samples = 2048 * blocks * (channels === 0 || channels > 2 ? 8 : 2)
    return { layer, rate, length, samples, duration: 1024 * blocks, channels: channels || 1 }
  }
  const bitrate = BITRATES[layer - 1 + (version === 3 ? 0 : 3)]![bytes[at + 2]! >> 4]
  const whole = RATES[(bytes[at + 2]! >> 2) & 3]
  if (version === 1 || bitrate === undefined || whole === undefined) return undefined
  const rate = version === 3 ? whole : version === 2 ? whole / 2 : whole / 4
  const padding = (bytes[at + 2]! >> 1) & 1
  const words = layer === 1 ? 12_000 : layer === 3 && version !== 3 ? 72_000 : 144_000
  const length = bitrate === 0 ? 0 : (Math.floor((words * bitrate) / rate) + padding) * (layer === 1 ? 4 : 1)
  const duration = layer === 1 ? 384 : layer === 3 && version !== 3 ? 576 : 1152
  return { layer, rate, length, samples: 2 * 1152, duration, channels: bytes[at + 3]! >> 6 === 3 ? 1 : 2 }
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
export const MAX_LEAD = 1 << 20
/** Bytes that a frame of free format has at most: at 8 kHz, 640 kbit/s. */
const MAX_FREE = 5760
/** By chance, in bytes of any kind, a run this long never occurs. */
const RUN = 4
/** Bytes of tags behind the sound, at most, so that what an MP3 promises is all of it. */
const MOST_TAGS = 1 << 15
/** Bytes in which such a run ends. */
export const RUN_BYTES = 1 << 15

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
 * The frames at the front, as many together as may be in one piece.
 *
 * Tags and zeros between frames are passed over, unless frames are missing of as many as are promised. Other bytes there,
 * and frames of another layer or rate, which decoders go on to play at the first rate, are refused. Where a damaged file is read
 * on, as much is lost as frames of the mean length so far would fill.
 */
function* readFrames(feed: Feed, promised = 0): Generator<Given | typeof MORE> {
  yield* feed.need(FRAME_HEADER)
  const first = readFrame(feed.bytes, 0)!
  const { layer, rate, duration, channels } = first
  /** Of the piece that is gathered at the front. */
  let length = 0
  let samples = 0
  let frames = 0
  let bytesOfFrames = 0
  let zeroes = 0
  let time = 0
  function* lose(bytes: number): Generator<Given> {
    const lost = duration * Math.round((bytes * frames) / bytesOfFrames)
    if (lost > 0) yield { lost, rate, channels }
    feed.lose(time, lost, rate)
    time += lost
  }
  for (;;) {
    yield* feed.need(length + FRAME_HEADER)
    const frame = readFrame(feed.bytes, length)
    const goesOn = frame !== undefined && frame.length > 0 && frame.layer === layer && frame.rate === rate
    if (length > 0 && (!goesOn || samples + frame.samples > MAX_SAMPLES || length + frame.length > MAX_BYTES)) {
      yield feed.take(length)
      length = 0
      samples = 0
      continue
    }
    if (goesOn) {
      samples += frame.samples
      length += frame.length
      frames++
      bytesOfFrames += frame.length
      time += frame.duration
      continue
    }
    const { tags, zeros } = yield* passTags(feed)
    if (tags + zeros > 0) {
      const isBetween = zeros > 0 && feed.bytes.length > 0
      if (isBetween) zeroes++
      if (isBetween && !feed.isStrict && zeros * frames >= bytesOfFrames) yield* lose(zeros)
      continue
    }
    yield* feed.need(RUN_BYTES)
    if (frame !== undefined && isRun(feed.bytes, 0, 2)) {
      throw new Unreadable(
        frame.rate === rate
          ? `changes from ${kindOf(layer)} to ${kindOf(frame.layer)} midway`
          : `changes its sample rate from ${count(rate)} to ${count(frame.rate)} Hz midway`
      )
    }
    const { start } = feed
    const resumed = yield* findNext(feed)
    if (resumed === undefined) {
      const missing = `${count(promised - frames)} of its MPEG frames`
      if (!feed.isStrict && promised > frames && feed.noted.length === 0)
        feed.noted.push(`At its end, ${missing} are missing.`)
      if (!feed.isStrict || zeroes === 0 || promised <= frames) return
      throw new Unreadable(`is damaged: zeros stand where ${missing} should be`)
    }
    if (feed.isStrict) {
      throw new Unreadable(`is damaged: ${count(resumed)} bytes at byte ${count(start)} are no MPEG frame`)
    }
    yield* lose(resumed)
  }
}

/** Goes on to the next run of frames, behind so many bytes of something else; undefined if there is none. */
function* findNext(feed: Feed): Generator<typeof MORE, number | undefined> {
  for (let passed = 0; ; ) {
    yield* feed.need(MAX_LEAD + RUN_BYTES)
    const at = findMpeg(feed.bytes, 0)
    if (at >= 0 && (feed.ended || at <= MAX_LEAD)) {
      if (!feed.isStrict) feed.take(at)
      return passed + at
    }
    if (feed.isStrict || (feed.ended && feed.bytes.length <= MAX_LEAD)) return undefined
    passed += feed.take(MAX_LEAD).length
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
export const openMpeg = (feed: Feed, at: number): Opened => {
  const { layer, length, duration, rate } = readFrame(feed.bytes, at)!
  const isAdts = layer === ADTS
  const promised = isAdts ? undefined : readPromise(feed.bytes.subarray(at, at + length))
  const present = feed.size - at
  if (promised !== undefined && promised.bytes > present) {
    const fault = shortfall(promised.bytes, present)
    if (!feed.forgives(fault)) return Result.fail(fault)
  }
  function* pieces() {
    yield* feed.skip(at)
    yield* readFrames(feed, promised?.frames)
  }
  // Not where something else was added to it.
  const isAll = promised !== undefined && promised.frames > 0 && present - promised.bytes < MOST_TAGS
  return Result.succeed({
    format: isAdts ? "aac" : "mp3",
    pieces: pieces(),
    ...(isAll && { told: (promised.frames * duration) / rate })
  })
}
