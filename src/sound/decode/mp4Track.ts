import { text, view } from "./container.ts"
import { boxes, tables } from "./mp4Boxes.ts"
import type { Box } from "./mp4Layout.ts"

/** The first track of sound in a file's index. */
export interface Track {
  readonly id: number
  /** Four letters: mp4a, alac. */
  readonly coding: string
  /** Ticks a second in which the track's times are given. */
  readonly timescale: number
  /** Samples a second; with SBR, half of what is heard. */
  readonly rate: number
  /** Samples per channel in a packet of ALAC. */
  readonly frameLength?: number
  /** Its tables by name. */
  readonly tables: ReadonlyMap<string, Box>
  /** Bytes of a packet, where fragments do not say. */
  readonly size: number
}

export interface Sample {
  readonly start: number
  readonly size: number
}

/** Finds the first track that holds sound. */
export const findTrack = (bytes: Uint8Array, index: Box): Track | undefined => {
  const data = view(bytes)
  for (const trak of boxes(bytes, index.content, index.end)) {
    if (trak.type !== "trak") continue
    const found = new Map<string, Box>()
    // Of two of one name the first counts: QuickTime has a second handler, of where the data lies.
    for (const table of tables(bytes, trak.content, trak.end)) if (!found.has(table.type)) found.set(table.type, table)
    const [handler, description, media, header] = ["hdlr", "stsd", "mdhd", "tkhd"].map(
      (name) => found.get(name)?.content
    )
    if (handler === undefined || text(bytes, handler + 8, 4) !== "soun") continue
    if (description === undefined || media === undefined || header === undefined) continue
    if (Math.max(handler, description + 10, media, header) + 32 > bytes.length) continue
    const coding = text(bytes, description + 12, 4)
    const cookie = coding === "alac" ? text(bytes, description + 48, 4) : ""
    return {
      id: data.getUint32(header + (bytes[header] === 1 ? 20 : 12)),
      coding,
      timescale: data.getUint32(media + (bytes[media] === 1 ? 20 : 12)),
      rate: data.getUint16(description + 40),
      ...(cookie === "alac" && description + 60 <= bytes.length && { frameLength: data.getUint32(description + 56) }),
      tables: found,
      size: defaultSize(bytes, index)
    }
  }
  return undefined
}

/** The size that packets of fragments have unless they say otherwise. */
const defaultSize = (bytes: Uint8Array, index: Box): number => {
  for (const box of boxes(bytes, index.content, index.end)) {
    if (box.type !== "mvex") continue
    for (const inner of boxes(bytes, box.content, box.end)) {
      if (inner.type === "trex" && inner.content + 24 <= bytes.length) return view(bytes).getUint32(inner.content + 16)
    }
  }
  return 0
}

/** The track's packets in the order of its tables: of those in the index, or, where they are empty, of the fragments. */
export function* samplesOf(bytes: Uint8Array, track: Track, top: ReadonlyArray<Box>): Generator<Sample> {
  const sizes = track.tables.get("stsz")
  if (sizes !== undefined && view(bytes).getUint32(sizes.content + 8) > 0) return yield* indexed(bytes, track, sizes)
  for (const box of top) if (box.type === "moof") yield* fragment(bytes, track, box)
}

function* indexed(bytes: Uint8Array, track: Track, sizes: Box): Generator<Sample> {
  const data = view(bytes)
  const offsets = track.tables.get("co64") ?? track.tables.get("stco")
  const runs = track.tables.get("stsc")
  if (offsets === undefined || runs === undefined) return
  const fixed = data.getUint32(sizes.content + 4)
  const count = data.getUint32(sizes.content + 8)
  const chunks = data.getUint32(offsets.content + 4)
  const entries = data.getUint32(runs.content + 4)
  const wide = offsets.type === "co64"
  let sample = 0
  let entry = 0
  for (let chunk = 0; chunk < chunks && sample < count; chunk++) {
    while (entry + 1 < entries && data.getUint32(runs.content + 8 + 12 * (entry + 1)) <= chunk + 1) entry++
    const place = offsets.content + 8 + chunk * (wide ? 8 : 4)
    let start = wide ? Number(data.getBigUint64(place)) : data.getUint32(place)
    // The decoder takes all that is left from the last chunk.
    const each = chunk === chunks - 1 || entries === 0 ? count - sample : data.getUint32(runs.content + 12 + 12 * entry)
    for (const end = Math.min(count, sample + each); sample < end; sample++) {
      const size = fixed || data.getUint32(sizes.content + 12 + 4 * sample)
      yield { start, size }
      start += size
    }
  }
}

const FLAGS = { offset: 1, description: 2, duration: 8, size: 0x10 }
const RUN_FLAGS = { offset: 1, first: 4, duration: 0x100, size: 0x200, flags: 0x400, time: 0x800 }

function* fragment(bytes: Uint8Array, track: Track, moof: Box): Generator<Sample> {
  const data = view(bytes)
  for (const traf of boxes(bytes, moof.content, moof.end)) {
    if (traf.type !== "traf") continue
    let base = moof.start
    let size = track.size
    let mine = false
    let next: number | undefined
    for (const { type, content, end } of boxes(bytes, traf.content, Math.min(traf.end, moof.end))) {
      if (content + 8 > end || end > moof.end) continue
      const flags = data.getUint32(content) & 0xffffff
      let at = content + 8
      if (type === "tfhd") {
        mine = data.getUint32(content + 4) === track.id
        if (flags & FLAGS.offset && at + 8 <= end) base = Number(data.getBigUint64(at))
        at += (flags & FLAGS.offset ? 8 : 0) + (flags & FLAGS.description ? 4 : 0) + (flags & FLAGS.duration ? 4 : 0)
        if (flags & FLAGS.size && at + 4 <= end) size = data.getUint32(at)
      }
      if (type !== "trun" || !mine) continue
      let start = next ?? base
      if (flags & RUN_FLAGS.offset && at + 4 <= end) start = base + data.getInt32(at)
      at += (flags & RUN_FLAGS.offset ? 4 : 0) + (flags & RUN_FLAGS.first ? 4 : 0)
      const before = flags & RUN_FLAGS.duration ? 4 : 0
      const after = (flags & RUN_FLAGS.flags ? 4 : 0) + (flags & RUN_FLAGS.time ? 4 : 0)
      for (let i = data.getUint32(content + 4); i > 0; i--) {
        let own = size
        if (flags & RUN_FLAGS.size) own = at + before + 4 <= end ? data.getUint32(at + before) : 0
        at += before + (flags & RUN_FLAGS.size ? 4 : 0) + after
        yield { start, size: own }
        start += own
      }
      next = start
    }
  }
}

/** Packets that may be missing before a file is called damaged: encoders and players differ in what they trim. */
const TOLERANCE = 4096

/** Seconds that the tables promise at least: those of the packets, or of the edit that presents a part of them. */
export const secondsOf = (bytes: Uint8Array, index: Box, track: Track, packets: number): number => {
  const data = view(bytes)
  const [times, edits] = [track.tables.get("stts"), track.tables.get("elst")]
  if (times === undefined || track.timescale === 0) return 0
  if (data.getUint32(times.content + 4) === 0) {
    const isKnown = track.coding === "mp4a" && track.timescale === track.rate
    return isKnown ? Math.max(0, 1024 * packets - TOLERANCE) / track.rate : 0
  }
  let ticks = 0
  for (let i = data.getUint32(times.content + 4), at = times.content + 8; i > 0; i--, at += 8) {
    ticks += data.getUint32(at) * data.getUint32(at + 4)
  }
  let seconds = ticks / track.timescale
  const movie = [...boxes(bytes, index.content, index.end)].find(({ type }) => type === "mvhd")
  if (edits !== undefined && movie !== undefined && movie.content + 24 <= bytes.length) {
    // Of several edits the decoder plays none, of one in 64 bits the tables tell enough.
    if (data.getUint32(edits.content + 4) !== 1 || bytes[edits.content] !== 0) return 0
    const scale = data.getUint32(movie.content + (bytes[movie.content] === 1 ? 20 : 12))
    const [duration, start] = [data.getUint32(edits.content + 8), data.getInt32(edits.content + 12)]
    seconds -= Math.max(0, start) / track.timescale
    if (duration > 0 && scale > 0) seconds = Math.min(seconds, duration / scale)
  }
  return Math.max(0, seconds - TOLERANCE / track.timescale)
}
