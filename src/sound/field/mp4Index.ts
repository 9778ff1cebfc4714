import { Effect } from "effect"
import { text } from "../decode/container.ts"
import { isTop } from "../decode/mp4.ts"
import { boxes } from "../decode/mp4Boxes.ts"
import type { Box, Index } from "../decode/mp4Layout.ts"
import type { ReadRange } from "./readRange.ts"

/** Bytes in which a box's header ends. */
const HEADER_BYTES = 16
/** Boxes of a file that is not cut into fragments, whose index is theirs: more are not walked. */
const MOST_BOXES = 32
/** More is no index: that of a day of the shortest packets takes a quarter of it. */
const MOST_BYTES = 64 << 20

/**
 * The index of an MP4, M4A or QuickTime file, wherever it lies, by the headers of what stands in front of it: then the sound
 * can be decoded as it comes. Undefined of other files, and of those that have to be read whole: cut into fragments, or damaged.
 */
export const readIndex = Effect.fn("readIndex")(function* <E, R>(
  read: ReadRange<E, R>,
  size: number,
  head: Uint8Array
): Effect.fn.Return<Index | undefined, E, R> {
  if (text(head, 4, 4) !== "ftyp") return undefined
  const top: Array<Box> = []
  for (let at = 0; at < size && top.length < MOST_BOXES; ) {
    const isNear = at + HEADER_BYTES <= head.length
    const header = isNear ? head.subarray(at, at + HEADER_BYTES) : yield* read(at, Math.min(size, at + HEADER_BYTES))
    const [box] = boxes(header, 0, header.length)
    if (box === undefined || !isTop(box) || box.type === "moof") break
    // A box of no size goes on to the end.
    const end = box.end === header.length && header.every((byte, i) => i > 3 || byte === 0) ? size : at + box.end
    top.push({ ...box, start: at, content: at + box.content, end })
    at = end
  }
  const place = top.find(({ type }) => type === "moov")
  if (place === undefined || place.end > size || place.end - place.start > MOST_BYTES) return undefined
  const isNear = place.end <= head.length
  const moov = isNear ? head.slice(place.start, place.end) : yield* read(place.start, place.end)
  return [...boxes(moov, 8, moov.length)].some(({ type }) => type === "mvex")
    ? undefined
    : { top, at: place.start, moov }
})
