import { text, view } from "./container.ts"
import type { Box } from "./mp4Layout.ts"

/** Walks the boxes of an ISO media file between two places, up to one that is malformed; the last may end beyond. */
export function* boxes(bytes: Uint8Array, from: number, end: number): Generator<Box> {
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
export function* tables(bytes: Uint8Array, from: number, end: number, depth = 0): Generator<Box> {
  for (const box of boxes(bytes, from, end)) {
    const within = { ...box, end: Math.min(box.end, end) }
    if (!CONTAINERS.has(box.type)) yield within
    else if (depth < MAX_DEPTH) yield* tables(bytes, box.content, within.end, depth + 1)
  }
}

/** Bytes of one entry, in tables that begin with version, flags and a count. */
const ENTRY_BYTES: Readonly<Record<string, number>> = { stco: 4, co64: 8, stsc: 12, stts: 8, elst: 12, trun: 0 }

/** Whether a table of a file of `size` bytes can hold as many entries as it says: decoders believe it, and count to four billion. */
export const countIsPossible = (bytes: Uint8Array, { type, content, end }: Box, size: number): boolean => {
  const data = view(bytes)
  const width = ENTRY_BYTES[type]
  if (width !== undefined) {
    const count = content + 8 <= end ? data.getUint32(content + 4) : Number.POSITIVE_INFINITY
    return count <= bytes.length && content + 8 + count * width <= end
  }
  if (type !== "stsz") return true
  if (content + 12 > end) return false
  const each = data.getUint32(content + 4)
  const count = data.getUint32(content + 8)
  return each > 0 ? count * each <= size : content + 12 + 4 * count <= end
}

/** Adds `shift` to the chunk offsets of an index that lie before `limit`. */
export const shiftOffsets = (index: Uint8Array, shift: number, limit: number): void => {
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
