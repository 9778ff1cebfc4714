import { Result } from "effect"
import { type Container, MAX_BYTES, MAX_SAMPLES, NEXT_STREAM, type Opened, text } from "./container.ts"
import { type Feed, MORE } from "./feed.ts"
import { makeHead, needsHead, openStream, readFrame } from "./flac.ts"
import { OggGaps } from "./oggGaps.ts"
import { dividePage, endsWithinPage, goesOn, packetsOf } from "./oggPages.ts"
import { findStream, readPages, type Stream } from "./oggStreams.ts"

const join = (parts: ReadonlyArray<Uint8Array>): Uint8Array => new Uint8Array(Buffer.concat(parts))

/** The pages that are to be decoded, each with the silence in front of it, where pages are missing, and its stream's head. */
function* placedPages(feed: Feed, first: Stream) {
  const gaps = feed.isStrict ? undefined : new OggGaps(feed)
  for (const found of readPages(feed, first)) {
    if (found === MORE) {
      yield MORE
      continue
    }
    const { stream } = found
    const { page, gap } = gaps?.place(found) ?? { page: found.page, gap: undefined }
    if (page !== undefined) yield { page, gap, stream, head: gaps?.head ?? [] }
  }
}

/** Pages one after the other, together as far as they may be in one piece; one that makes too much is divided. */
function* groupPages(feed: Feed, first: Stream): Container["pieces"] & Generator {
  let group: Array<Uint8Array> = []
  let bytes = 0
  let samples = 0
  let stream = first
  for (const found of placedPages(feed, first)) {
    if (found === MORE) {
      yield MORE
      continue
    }
    const { page, gap, head } = found
    const packets = packetsOf(page)
    const more = packets.reduce((sum, packet) => sum + found.stream.samplesOf(packet), 0)
    const begins = found.stream !== stream && stream !== first
    stream = found.stream
    if (begins || gap !== undefined || samples + more > MAX_SAMPLES || bytes + page.length > MAX_BYTES) {
      if (group.length > 0) yield join(group)
      if (begins || gap !== undefined) yield NEXT_STREAM
      if (gap !== undefined) yield gap
      group = gap === undefined ? [] : [...head]
      bytes = 0
      samples = 0
    }
    if (more > MAX_SAMPLES) {
      yield* group
      group = []
      yield* dividePage(page, Math.max(1, Math.floor((packets.length * MAX_SAMPLES) / more)))
      continue
    }
    group.push(page.bytes)
    bytes += page.length
    samples += more
  }
  if (group.length > 0) yield join(group)
}

/** The packets of a FLAC stream: its head, blocks of what else is known of it, then its frames. */
function* readFlac(feed: Feed, first: Stream): Container["pieces"] & Generator {
  let stream = first
  let begun: Array<Uint8Array> = []
  let isFirst = true
  let head: Uint8Array = makeHead(first.first.subarray(17))
  for (const found of placedPages(feed, first)) {
    if (found === MORE) {
      yield MORE
      continue
    }
    const { page, gap } = found
    if (gap !== undefined || (found.stream !== stream && stream !== first)) {
      yield NEXT_STREAM
      isFirst = true
      begun = []
    }
    if (gap !== undefined) yield gap
    stream = found.stream
    const packets = packetsOf(page)
    for (const [i, part] of packets.entries()) {
      begun.push(part)
      if (goesOn(page) && i === packets.length - 1) break
      const packet = begun.length === 1 ? part : join(begun)
      begun = []
      if (packet[0] === 0x7f) head = makeHead(packet.subarray(17))
      if (packet[0] !== 0xff) continue
      if (isFirst && needsHead(packet, 0, head)) yield head
      isFirst = false
      yield readFrame(packet, head)
    }
  }
}

/** Opens an Ogg file of Vorbis, Opus or FLAC, of one stream after the other; a recorder that was killed leaves one whole. */
export const openOgg = (feed: Feed): Opened => {
  const stream = findStream(feed.bytes)
  if (stream === undefined && text(feed.bytes, 28, 8) === "Speex   ") {
    return Result.succeed({ name: "an Ogg file compressed by Speex", demuxer: "ogg" })
  }
  if (stream === undefined) return Result.fail("is an Ogg file of neither Vorbis, Opus nor FLAC")
  if (feed.isStrict && endsWithinPage(feed.bytes)) return Result.fail("is cut short within its last Ogg page")
  if (stream.format !== "flac") return Result.succeed({ format: stream.format, pieces: groupPages(feed, stream) })
  return Result.map(
    openStream(makeHead(stream.first.subarray(17)), () => readFlac(feed, stream)),
    (opened) => ("demuxer" in opened ? { name: `an Ogg file of ${opened.name}`, demuxer: "ogg" } : opened)
  )
}
