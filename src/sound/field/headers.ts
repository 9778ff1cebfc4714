import { Effect } from "effect"
import { text, view } from "../decode/container.ts"
import { skipTags } from "../decode/tags.ts"
import { type Fields, readBext, readComments, readGuano, readId3, readInfo, readWamd } from "./fields.ts"
import type { ReadRange } from "./readRange.ts"

/** What a recording's header says, by the standard that it follows; absent where the file has none of it. */
export interface Headers {
  /** WAV's LIST chunk, in which AudioMoth has its comment. */
  readonly info?: Fields
  readonly guano?: Fields
  readonly wamd?: Fields
  readonly bext?: Fields
  /** Vorbis comments of FLAC and Ogg. */
  readonly comments?: Fields
  readonly id3?: Fields
}

const HEAD_BYTES = 1 << 16
/** What is looked at behind the sound. */
const TAIL_BYTES = 1 << 18
/** More of a header is not read: pictures, and what is damaged. */
const MOST_BYTES = 1 << 20

/** Reads what a recording's header says: of a WAV file that is in front of the sound and behind it. */
export const readHeaders = Effect.fn("readHeaders")(function* <E, R>(read: ReadRange<E, R>, size: number) {
  const head = yield* read(0, Math.min(size, HEAD_BYTES))
  const mark = text(head, 0, 4)
  if (["RIFF", "RF64", "BW64"].includes(mark) && text(head, 8, 4) === "WAVE") {
    const front = riffHeaders(head, 12)
    if (front.next >= size || front.next < head.length) return front.headers
    // Careless programs do not pad what is of odd length.
    const tail = yield* read(front.next - 1, Math.min(size, front.next + TAIL_BYTES))
    const behind = [1, 0].map((from) => riffHeaders(tail, from).headers)
    return { ...behind[1], ...behind[0], ...front.headers }
  }
  if (mark === "OggS") return oggHeaders(head)
  const begin = skipTags(head, 0)
  const id3 = begin > 0 ? readId3(yield* rest(read, head, size, begin)) : {}
  const found: Headers = Object.keys(id3).length > 0 ? { id3 } : {}
  const flac = begin + 4 <= head.length ? head : yield* read(begin, Math.min(size, begin + HEAD_BYTES))
  const from = flac === head ? begin : 0
  if (text(flac, from, 4) !== "fLaC") return found
  return { ...found, ...flacHeaders(flac.subarray(from)) }
})

/** The first bytes of a file, so many of them or as many as are worth it. */
const rest = <E, R>(read: ReadRange<E, R>, head: Uint8Array, size: number, length: number) =>
  length <= head.length ? Effect.succeed(head) : read(0, Math.min(size, length, MOST_BYTES))

const READERS: Readonly<Record<string, (content: Uint8Array) => Headers>> = {
  LIST: (content) => (text(content, 0, 4) === "INFO" ? { info: readInfo(content) } : {}),
  guan: (content) => ({ guano: readGuano(content) }),
  wamd: (content) => ({ wamd: readWamd(content) }),
  bext: (content) => ({ bext: readBext(content) })
}

/** The headers among the chunks from a byte on, and where the first chunk begins that is not among these bytes. */
const riffHeaders = (bytes: Uint8Array, from: number): { readonly headers: Headers; readonly next: number } => {
  const data = view(bytes)
  let headers: Headers = {}
  let long: number | undefined
  let at = from
  while (at + 8 <= bytes.length) {
    const id = text(bytes, at, 4)
    if (!/^[ -~]{4}$/.test(id)) break
    const size = data.getUint32(at + 4, true)
    const content = bytes.subarray(at + 8, at + 8 + size)
    if (id === "ds64" && content.length >= 16) long = Number(view(content).getBigUint64(8, true))
    const reader = content.length === size ? READERS[id] : undefined
    if (reader !== undefined) headers = { ...reader(content), ...headers }
    const length = id === "data" && size === 0xffff_ffff && long !== undefined ? long : size
    at += 8 + length + (length % 2)
  }
  return { headers, next: at }
}

const flacHeaders = (bytes: Uint8Array): Headers => {
  for (let at = 4; at + 4 <= bytes.length; ) {
    const kind = bytes[at]! & 127
    const size = view(bytes).getUint32(at) % 2 ** 24
    if (kind === 4) return { comments: readComments(bytes.subarray(at + 4, at + 4 + size)) }
    if (bytes[at]! >= 128) break
    at += 4 + size
  }
  return {}
}

/** Comments that end within the first page that they are on. */
const oggHeaders = (bytes: Uint8Array): Headers => {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  for (const [mark, length] of [
    ["\x03vorbis", 7],
    ["OpusTags", 8]
  ] as const) {
    const at = head.indexOf(mark, 0, "latin1")
    if (at >= 0) return { comments: readComments(bytes.subarray(at + length)) }
  }
  return {}
}
