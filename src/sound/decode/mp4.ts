import { Result } from "effect"
import { count, MAX_BYTES, MAX_SAMPLES, type Opened, shortfall } from "./container.ts"
import type { Feed, MORE } from "./feed.ts"
import { boxes, countIsPossible, shiftOffsets, tables } from "./mp4Boxes.ts"
import type { Box, Index } from "./mp4Layout.ts"
import { findTrack, type Sample, samplesOf, secondsOf, type Track } from "./mp4Track.ts"

/** What stands in a file side by side; anything else behind it is no part of it. */
const TOP = "ftyp moov mdat moof mfra free skip wide uuid meta sidx ssix styp prft emsg pdin udta pnot PICT junk".split(
  " "
)

export const isTop = ({ type }: Pick<Box, "type">): boolean => TOP.includes(type)

/** The most samples of all channels that one of a track's samples, which are packets, is decoded to. */
const PACKET_SAMPLES: Readonly<Record<string, number>> = {
  mp4a: 2048 * 8,
  ".mp3": 1152 * 2,
  alac: 4096 * 8,
  fLaC: 65_535 * 8,
  Opus: 5760 * 8,
  samr: 320,
  sawb: 320,
  "ac-3": 1536 * 6,
  "ec-3": 1536 * 8
}
const UNCOMPRESSED = "sowt twos in24 in32 fl32 fl64 lpcm ipcm fpcm raw  NONE ulaw alaw"
  .match(/.{4} ?/g)!
  .map((it) => it.slice(0, 4))
/** The decoder makes a list of them all: this many uncompressed samples take 64 MiB in it. */
const MAX_PACKETS = 1 << 23

const CONTRADICTION: Opened = Result.fail("is an MP4 file whose index contradicts itself")

/**
 * How many packets there are, where the last one ends, and places up to which the file may be given to the decoder at once:
 * every so many. Of a file that is cut short, those before the first that is not whole.
 */
const findCuts = (samples: Iterable<Sample>, each: number, length: number, isCut: boolean) => {
  const cuts: Array<number> = []
  let end = 0
  let packets = 0
  for (const sample of samples) {
    if (isCut && sample.start + sample.size > length) break
    // Packets that share bytes would expand without bound.
    if (sample.size === 0 || sample.start < end || ++packets > MAX_PACKETS) return undefined
    end = sample.start + sample.size
    if (packets % each === 0) cuts.push(end)
  }
  return packets === 0 || end > length ? undefined : { cuts, packets, end }
}

/** The bytes from the front to `to`, divided at the cuts between. */
function* divide(feed: Feed, to: number, cuts: ReadonlyArray<number>): Generator<Uint8Array | typeof MORE> {
  for (const cut of [...cuts.filter((cut) => cut < to), to]) {
    while (feed.start < cut) {
      const length = Math.min(MAX_BYTES, cut - feed.start)
      yield* feed.need(length)
      if (feed.bytes.length === 0) return
      yield feed.take(length)
    }
  }
}

/**
 * The file, its index in front.
 *
 * Where the index (moov) follows the sound, as recorders write it, it is moved: otherwise the decoder would need the
 * whole file first and return all of it at once, 1.3 GB for an hour in stereo.
 */
function* inOrder(feed: Feed, { moov, at }: Index, sound: Box, end: number, cuts: ReadonlyArray<number>) {
  if (at < sound.start) return yield* divide(feed, end, cuts)
  const moved = moov.slice()
  shiftOffsets(moved, moved.length, at)
  yield* divide(feed, sound.start, [])
  yield moved
  yield* divide(feed, at, cuts)
  yield* feed.skip(at + moov.length - feed.start)
  yield* divide(feed, end, cuts)
}

/** Why a track's coding is not read, if it is not. */
const refuseCoding = ({ coding, frameLength }: Track): string | undefined => {
  if (coding === "enca" || coding === "drms") return "is an MP4 file protected by encryption"
  if (frameLength !== undefined && frameLength > 4096 * 4) return "is an ALAC file whose header contradicts itself"
  if (coding in PACKET_SAMPLES || UNCOMPRESSED.includes(coding)) return undefined
  return `is an MP4 file whose sound is coded as “${coding.replace(/[^ -~]/g, "?")}”, which is not read here`
}

/** Whether what begins at `from`, though it is no box, has boxes behind it: then bytes are missing, or are no tag. */
const holdsBoxes = (bytes: Uint8Array, from: number): boolean => {
  const rest = Buffer.from(bytes.buffer, bytes.byteOffset + from, bytes.length - from)
  return ["moov", "moof", "mdat"].some((name) => rest.includes(name))
}

/** The boxes of a file side by side, where all of it is there. */
const topOf = (bytes: Uint8Array): Result.Result<ReadonlyArray<Box>, string> => {
  const top: Array<Box> = []
  for (const box of boxes(bytes, 0, bytes.length)) {
    if (isTop(box)) top.push(box)
    else if (!holdsBoxes(bytes, box.start)) break
    else return Result.fail(`is damaged: no MP4 box begins at byte ${count(box.start)}`)
  }
  return Result.succeed(top)
}

/** What is missing at the end of a file, if something is. */
const faultOf = (top: ReadonlyArray<Box>, size: number): string | undefined => {
  const last = top.at(-1)
  if (last === undefined) return undefined
  if (last.end > size) return shortfall(last.end, size, "bytes")
  return last.type === "moof" ? "is cut short: the sound of its last fragment is missing" : undefined
}

/** The boxes of which anything can be read: what is wholly there, but for a fragment without its sound, and sound. */
const readable = (top: ReadonlyArray<Box>, size: number): ReadonlyArray<Box> => {
  const inFragments = top.some(({ type }) => type === "moof")
  const there = top.flatMap((box) => {
    if (box.end <= size) return [box]
    return box.type === "mdat" && !inFragments ? [{ ...box, end: size }] : []
  })
  return there.at(-1)?.type === "moof" ? there.slice(0, -1) : there
}

/** Opens an M4A, MP4 or QuickTime file, of which all is there, or the index. */
export const openMp4 = (feed: Feed): Opened => {
  const { bytes, size, index: given } = feed
  const found = given === undefined ? topOf(bytes) : Result.succeed(given.top)
  if (Result.isFailure(found)) return Result.fail(found.failure)
  const fault = faultOf(found.success, size)
  const top = readable(found.success, size)
  const last = top.at(-1)
  if (last === undefined) return Result.fail("is an MP4 file without content")
  const sound = top.find((box) => box.type === "mdat")
  const place = top.find((box) => box.type === "moov")
  const isUsed = fault === undefined || (place !== undefined && sound !== undefined && feed.forgives(fault))
  if (!isUsed) return Result.fail(fault)
  if (place === undefined) return Result.fail("is an MP4 file without an index, as a broken-off recording leaves it")
  if (sound === undefined) return Result.fail("is an MP4 file without content")
  // With the whole file at hand, that is its index: fragments tell of themselves.
  const index =
    given === undefined ? place : { ...place, start: 0, content: place.content - place.start, end: given.moov.length }
  const own = given?.moov ?? bytes
  const tablesEnd = given === undefined ? last.end : given.moov.length
  for (const table of tables(own, 0, tablesEnd)) if (!countIsPossible(own, table, size)) return CONTRADICTION
  const track = findTrack(own, index)
  if (track === undefined) return Result.fail("is an MP4 file without sound")
  const refusal = refuseCoding(track)
  if (refusal !== undefined) return Result.fail(refusal)
  const each = Math.max(1, Math.floor(MAX_SAMPLES / (PACKET_SAMPLES[track.coding] ?? 8)))
  const packed = findCuts(samplesOf(own, track, given === undefined ? top : []), each, last.end, fault !== undefined)
  if (packed === undefined) return fault === undefined ? CONTRADICTION : Result.fail(fault)
  const moved: Index = given ?? { top, at: place.start, moov: bytes.subarray(place.start, place.end) }
  return Result.succeed({
    format: "m4a",
    pieces: inOrder(feed, moved, sound, fault === undefined ? last.end : packed.end, packed.cuts),
    ...(fault === undefined && { seconds: secondsOf(own, index, track, packed.packets) })
  })
}
