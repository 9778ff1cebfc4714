import { Effect, Result } from "effect"
import { Feed, MORE } from "../../sound/decode/feed.ts"
import { openFeed } from "../../sound/decode/openContainer.ts"
import { type ObjectInfo, Store } from "../../store/store.ts"

/** What a header takes, with what recorders write in front of the sound. */
const HEAD_BYTES = 1 << 16

/** How many seconds a field recording has, where its header tells: that of uncompressed formats does. Reads no more. */
export const lengthOf = Effect.fn("lengthOf")(function* ({ key, size }: ObjectInfo) {
  const store = yield* Store
  const feed = Feed.growing(size)
  feed.push(yield* store.getRange(key, 0, Math.min(size, HEAD_BYTES)))
  const opened = openFeed(feed)
  if (opened === MORE || Result.isFailure(opened) || !("begin" in opened.success)) return undefined
  const { begin, length, channels, width, rate } = opened.success
  return Math.floor(Math.min(length, size - begin) / (channels * width)) / rate
})
