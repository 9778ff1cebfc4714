import { Result } from "effect"

/** Decoders of audio-decode that are used: those whose files can be told whole from cut short. */
export type Format = "wav" | "aiff" | "caf" | "flac" | "mp3" | "aac" | "m4a" | "oga" | "opus" | "webm"

/** A recording's container, opened: which decoder reads it and which bytes that decoder is given. */
export interface Container {
  readonly format: Format
  /** Given to the decoder one after the other. */
  readonly pieces: ReadonlyArray<Uint8Array>
  /** Samples per channel that the header promises, where it does. */
  readonly length?: number
  /** What samples above zero are multiplied by, to undo a decoder's own scaling. */
  readonly positiveScale?: number
}

/** A container, or what is wrong with it as the end of a sentence that begins with "the file ". */
export type Opened = Result.Result<Container, string>

/** "is cut short: the header promises 20 bytes of sound and 10 are there" */
export const cutShort = (promised: number, present: number, what = "bytes of sound"): Opened =>
  Result.fail(
    `is cut short: its header promises ${promised.toLocaleString("en")} ${what}, ${present.toLocaleString("en")} are there`
  )

/** The ASCII text of `length` bytes. */
export const text = (bytes: Uint8Array, at: number, length: number): string =>
  String.fromCharCode(...bytes.subarray(at, at + length))

export const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
