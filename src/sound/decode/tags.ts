import { text, view } from "./container.ts"
import type { Feed, MORE } from "./feed.ts"

/** The longest header of a tag. */
const TAG_HEADER = 32

/** Bytes of an ID3v2 tag that begins at `at`: 0 if none does. */
const id3Length = (bytes: Uint8Array, at: number): number => {
  if (text(bytes, at, 3) !== "ID3" || at + 10 > bytes.length) return 0
  if (((bytes[at + 6]! | bytes[at + 7]! | bytes[at + 8]! | bytes[at + 9]!) & 0x80) !== 0) return 0
  const size = (bytes[at + 6]! << 21) | (bytes[at + 7]! << 14) | (bytes[at + 8]! << 7) | bytes[at + 9]!
  return 10 + size + ((bytes[at + 5]! & 0x10) !== 0 ? 10 : 0)
}

/** Bytes of an APE tag that begins with its header, or of an ID3v1 tag, at `at`: 0 if none does. */
const otherLength = (bytes: Uint8Array, at: number): number => {
  if (text(bytes, at, 8) === "APETAGEX" && at + 32 <= bytes.length) return 32 + view(bytes).getUint32(at + 12, true)
  return text(bytes, at, 3) === "TAG" ? 128 : 0
}

/** Bytes of the tag that begins at `at`: 0 if none does. */
const tagLength = (bytes: Uint8Array, at: number): number => id3Length(bytes, at) || otherLength(bytes, at)

/** Goes on behind any number of tags and the zeros around them: how many bytes of either were passed over. */
export function* passTags(feed: Feed): Generator<typeof MORE, { readonly tags: number; readonly zeros: number }> {
  let [tags, zeros] = [0, 0]
  for (;;) {
    yield* feed.need(TAG_HEADER)
    const tag = tagLength(feed.bytes, 0)
    if (tag > 0) {
      yield* feed.skip(tag)
      tags += tag
      continue
    }
    let length = 0
    while (feed.bytes[length] === 0) length++
    if (length === 0) return { tags, zeros }
    zeros += feed.take(length).length
  }
}

/** Where what is no tag begins, from `at`: behind any number of tags and the zeros around them. */
export const skipTags = (bytes: Uint8Array, at: number): number => {
  for (;;) {
    const tag = tagLength(bytes, at)
    if (tag > 0) at += tag
    else if (bytes[at] === 0) while (bytes[at] === 0) at++
    else return at
  }
}
