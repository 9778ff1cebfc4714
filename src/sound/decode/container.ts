import { Result } from "effect"

/** Decoders that are used: those whose files can be told whole from cut short. */
export type Format = "wav" | "aiff" | "caf" | "flac" | "mp3" | "aac" | "m4a" | "oga" | "opus" | "webm"

/** Between two pieces: what follows is a stream of its own, for a decoder of its own. */
export const NEXT_STREAM = "next stream"

/** A recording's container, opened: which decoder reads it and which bytes that decoder is given. */
export interface Container {
  readonly format: Format
  /** Given to the decoder one after the other, and only as far as sound is used; throws `Unreadable` at damage. */
  readonly pieces: Iterable<Uint8Array | typeof NEXT_STREAM>
  /** Samples per channel that the header promises, where it does. */
  readonly length?: number
  /** Seconds that the file promises at least, where it does and does not count samples. */
  readonly seconds?: number
  /** What samples above zero are multiplied by, to undo a decoder's own scaling. */
  readonly positiveScale?: number
}

/** What a piece may expand to, in samples of all channels together: 8 MiB of floats, of which decoders hold several. */
export const MAX_SAMPLES = 1 << 21
/** Small enough that a long recording is not decoded much beyond the limit, large enough to cost nothing. */
export const MAX_BYTES = 1 << 18

/** What is wrong with a file, found while its sound is read: the end of a sentence that begins with "the file ". */
export class Unreadable extends Error {}

/** A container, or what is wrong with it as the end of a sentence that begins with "the file ". */
export type Opened = Result.Result<Container, string>

export const count = (n: number): string => n.toLocaleString("en")

/** "is cut short: the header promises 20 bytes of sound and 10 are there" */
export const cutShort = (promised: number, present: number, what = "bytes of sound"): Opened =>
  Result.fail(`is cut short: its header promises ${count(promised)} ${what}, ${count(present)} are there`)

/** The ASCII text of `length` bytes. */
export const text = (bytes: Uint8Array, at: number, length: number): string =>
  String.fromCharCode(...bytes.subarray(at, at + length))

export const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
