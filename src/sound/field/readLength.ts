import { Effect, Result } from "effect"
import { text } from "../decode/container.ts"
import { Feed, MORE } from "../decode/feed.ts"
import { findStream, secondsAtEnd } from "../decode/oggStreams.ts"
import { openFeed } from "../decode/openContainer.ts"
import { skipTags } from "../decode/tags.ts"
import { foreignLength } from "./foreignLength.ts"
import { readIndex } from "./mp4Index.ts"
import type { ReadRange } from "./readRange.ts"

/** What a header takes, with what recorders write in front of the sound. */
const HEAD_BYTES = 1 << 16
/** The same with pictures in it; more is not read. */
const MOST_BYTES = 1 << 20

/**
 * How many seconds a recording has, as its header says, or its last page; undefined where these do not: of MP3 without a count
 * of frames, ADTS, WebM and what has to be read whole. Of what is not decoded here, WMA and WavPack are told. Reads no sound.
 */
export const readLength = Effect.fn("readLength")(function* <E, R>(
  read: ReadRange<E, R>,
  size: number
): Effect.fn.Return<number | undefined, E, R> {
  const head = yield* read(0, Math.min(size, HEAD_BYTES))
  const sound = skipTags(head, 0)
  if (text(head, sound, 4) === "OggS") {
    const stream = findStream(head.subarray(sound))
    const tail = yield* read(Math.max(0, size - HEAD_BYTES), size)
    return stream === undefined ? undefined : secondsAtEnd(tail, stream, size)
  }
  const feed = Feed.growing(size, yield* readIndex(read, size, head))
  feed.push(head)
  let opened = openFeed(feed)
  if (opened === MORE && feed.wanted > head.length && feed.wanted <= MOST_BYTES) {
    feed.push(yield* read(head.length, feed.wanted))
    opened = openFeed(feed)
  }
  if (opened === MORE || Result.isFailure(opened)) return undefined
  if ("demuxer" in opened.success) return foreignLength(head.subarray(sound))
  if (!("begin" in opened.success)) return opened.success.told ?? (opened.success.seconds || undefined)
  const { begin, length, channels, width, rate } = opened.success
  return Math.floor(Math.min(length, size - begin) / (channels * width)) / rate
})
