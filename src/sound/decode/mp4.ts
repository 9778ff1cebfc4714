import { Result } from "effect"
import { count, cutShort, MAX_SAMPLES, type Opened } from "./container.ts"
import { type Box, boxes, countIsPossible, shiftOffsets, tables } from "./mp4Boxes.ts"
import { findTrack, type Sample, samplesOf, secondsOf, type Track } from "./mp4Track.ts"

/** What stands in a file side by side; anything else behind it is no part of it. */
const TOP = "ftyp moov mdat moof mfra free skip wide uuid meta sidx ssix styp prft emsg pdin udta pnot PICT junk".split(
  " "
)

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

/** How many packets there are, and places up to which the file may be given to the decoder at once: every so many. */
const findCuts = (samples: Iterable<Sample>, each: number, length: number) => {
  const cuts: Array<number> = []
  let end = 0
  let packets = 0
  for (const sample of samples) {
    // Packets that share bytes would expand without bound.
    if (sample.size === 0 || sample.start < end || ++packets > MAX_PACKETS) return undefined
    end = sample.start + sample.size
    if (packets % each === 0) cuts.push(end)
  }
  return packets === 0 || end > length ? undefined : { cuts, packets }
}

/** The bytes from `from` to `to`, divided at the cuts between. */
function* divide(bytes: Uint8Array, from: number, to: number, cuts: ReadonlyArray<number>): Generator<Uint8Array> {
  let at = from
  for (const cut of cuts) {
    if (cut <= at || cut >= to) continue
    yield bytes.subarray(at, cut)
    at = cut
  }
  if (to > at) yield bytes.subarray(at, to)
}

/**
 * The file, its index in front.
 *
 * Where the index (moov) follows the sound, as recorders write it, it is moved: otherwise the decoder would need the
 * whole file first and return all of it at once, 1.3 GB for an hour in stereo.
 */
function* inOrder(bytes: Uint8Array, index: Box, sound: Box, end: number, cuts: ReadonlyArray<number>) {
  if (index.start < sound.start) return yield* divide(bytes, 0, end, cuts)
  const moved = bytes.slice(index.start, index.end)
  shiftOffsets(moved, moved.length, index.start)
  yield bytes.subarray(0, sound.start)
  yield moved
  yield* divide(bytes, sound.start, index.start, cuts)
  yield* divide(bytes, index.end, end, cuts)
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

/** Opens an M4A, MP4 or QuickTime file. */
export const openMp4 = (bytes: Uint8Array): Opened => {
  const top: Array<Box> = []
  for (const box of boxes(bytes, 0, bytes.length)) {
    if (TOP.includes(box.type)) top.push(box)
    else if (!holdsBoxes(bytes, box.start)) break
    else return Result.fail(`is damaged: no MP4 box begins at byte ${count(box.start)}`)
  }
  const last = top.at(-1)
  if (last === undefined) return Result.fail("is an MP4 file without content")
  if (last.end > bytes.length) return cutShort(last.end, bytes.length, "bytes")
  const sound = top.find((box) => box.type === "mdat")
  const index = top.find((box) => box.type === "moov")
  if (index === undefined) return Result.fail("is an MP4 file without an index, as a broken-off recording leaves it")
  if (sound === undefined) return Result.fail("is an MP4 file without content")
  for (const table of tables(bytes, 0, last.end)) if (!countIsPossible(bytes, table)) return CONTRADICTION
  const track = findTrack(bytes, index)
  if (track === undefined) return Result.fail("is an MP4 file without sound")
  const refusal = refuseCoding(track)
  if (refusal !== undefined) return Result.fail(refusal)
  const each = Math.max(1, Math.floor(MAX_SAMPLES / (PACKET_SAMPLES[track.coding] ?? 8)))
  const found = findCuts(samplesOf(bytes, track, top), each, last.end)
  if (found === undefined) return CONTRADICTION
  return Result.succeed({
    format: "m4a",
    pieces: inOrder(bytes, index, sound, last.end, found.cuts),
    seconds: secondsOf(bytes, index, track, found.packets)
  })
}
