import { Result } from "effect"
import { cutShort, type Opened, text, view } from "./container.ts"

interface Box {
  readonly type: string
  readonly start: number
  /** Where the content begins, after the box's header. */
  readonly content: number
  readonly end: number
}

/** Walks the boxes of an ISO media file between two places, up to one that is malformed; the last may end beyond. */
function* boxes(bytes: Uint8Array, from: number, end: number): Generator<Box> {
  const data = view(bytes)
  for (let start = from; start + 8 <= end; ) {
    const short = data.getUint32(start)
    const long = short === 1 && start + 16 <= end
    const size = long ? Number(data.getBigUint64(start + 8)) : short === 0 ? end - start : short
    const content = start + (long ? 16 : 8)
    if (start + size < content) return
    yield { type: text(bytes, start + 4, 4), start, content, end: start + size }
    start += size
  }
}

const CONTAINERS = new Set(["moov", "trak", "edts", "mdia", "minf", "stbl", "moof", "traf"])
/** moov, trak, mdia, minf, stbl: deeper nesting is damage. */
const MAX_DEPTH = 5

/** Walks what lies in containers, and in those within them. */
function* tables(bytes: Uint8Array, from: number, end: number, depth = 0): Generator<Box> {
  for (const box of boxes(bytes, from, end)) {
    const within = { ...box, end: Math.min(box.end, end) }
    if (!CONTAINERS.has(box.type)) yield within
    else if (depth < MAX_DEPTH) yield* tables(bytes, box.content, within.end, depth + 1)
  }
}

/** Bytes of one entry, in tables that begin with version, flags and a count. */
const ENTRY_BYTES: Readonly<Record<string, number>> = { stco: 4, co64: 8, stsc: 12, stts: 8, elst: 12, trun: 0 }

/** Whether a table can hold as many entries as it says: decoders believe it, and count to four billion. */
const countIsPossible = (bytes: Uint8Array, { type, content, end }: Box): boolean => {
  const data = view(bytes)
  const width = ENTRY_BYTES[type]
  if (width !== undefined) {
    const count = content + 8 <= end ? data.getUint32(content + 4) : Number.POSITIVE_INFINITY
    return count <= bytes.length && content + 8 + count * width <= end
  }
  if (type !== "stsz") return true
  if (content + 12 > end) return false
  const size = data.getUint32(content + 4)
  const count = data.getUint32(content + 8)
  return size > 0 ? count * size <= bytes.length : content + 12 + 4 * count <= end
}

/** Adds `shift` to the chunk offsets of an index that lie before `limit`. */
const shiftOffsets = (index: Uint8Array, shift: number, limit: number): void => {
  const data = view(index)
  for (const { type, content, end } of tables(index, 0, index.length)) {
    const wide = type === "co64"
    if (!wide && type !== "stco") continue
    const width = wide ? 8 : 4
    for (let at = content + 8; at + width <= end; at += width) {
      const offset = wide ? Number(data.getBigUint64(at)) : data.getUint32(at)
      if (offset >= limit) continue
      if (wide) data.setBigUint64(at, BigInt(offset + shift))
      else data.setUint32(at, offset + shift)
    }
  }
}

/**
 * Opens an M4A or MP4 file.
 *
 * Where the index (moov) follows the sound, as recorders write it, it is moved to the front: otherwise the decoder
 * would need the whole file first and return all of it at once, 1.3 GB for an hour in stereo.
 */
export const openMp4 = (bytes: Uint8Array): Opened => {
  const top = [...boxes(bytes, 0, bytes.length)]
  const last = top.at(-1)
  if (last === undefined) return Result.fail("is an MP4 file without content")
  if (last.end > bytes.length) return cutShort(last.end, bytes.length, "bytes")
  const sound = top.find((box) => box.type === "mdat")
  const index = top.find((box) => box.type === "moov")
  if (index === undefined) return Result.fail("is an MP4 file without an index, as a broken-off recording leaves it")
  for (const table of tables(bytes, 0, bytes.length)) {
    if (!countIsPossible(bytes, table)) return Result.fail("is an MP4 file whose index contradicts itself")
  }
  if (sound === undefined || index.start < sound.start) return Result.succeed({ format: "m4a", pieces: [bytes] })
  const moved = bytes.slice(index.start, index.end)
  shiftOffsets(moved, moved.length, index.start)
  return Result.succeed({
    format: "m4a",
    pieces: [bytes.subarray(0, sound.start), moved, bytes.subarray(sound.start, index.start), bytes.subarray(index.end)]
  })
}
