import { Result } from "effect"
import type { MORE } from "./feed.ts"

/** Decoders that are used: those whose files can be told whole from cut short. */
export type Format = "wav" | "caf" | "flac" | "mp3" | "aac" | "m4a" | "oga" | "opus" | "webm"

/** Between two pieces: what follows is a stream of its own, for a decoder of its own. */
export const NEXT_STREAM = "next stream"

/** Between two pieces: so many samples of each channel, at a rate in Hz, are lost. */
export interface Gap {
  readonly lost: number
  readonly rate: number
  readonly channels: number
}

/** What a decoder is given, one after the other. */
export type Given = Uint8Array | typeof NEXT_STREAM | Gap

/** A recording's container, opened: which decoder reads it and which bytes that decoder is given. */
export interface Container {
  readonly format: Format
  /** Given to the decoder one after the other, and only as far as sound is used; throws `Unreadable` at damage. */
  readonly pieces: Iterable<Given | typeof MORE>
  /** Samples per channel that the header promises, where it does. */
  readonly length?: number
  /** Seconds that the file promises at least, where it does and does not count samples. */
  readonly seconds?: number
  /** Seconds that its head says it has, where it does: about, and nothing is promised. */
  readonly told?: number
  /** What a short file is read in spite of, as a sentence. */
  readonly note?: string
}

/** Sound as plain numbers, one after another, channel by channel, whatever container they lie in. */
export interface Pcm {
  /** Integers have a sign, but for bytes that are said to have none; A-law and µ-law are bytes (ITU-T G.711). */
  readonly coding: "integer" | "unsigned" | "float" | "alaw" | "mulaw"
  /** Of one sample: integers of fewer bits stand at the upper end. */
  readonly width: number
  readonly littleEndian: boolean
  readonly channels: number
  /** In Hz. */
  readonly rate: number
  /** Where in the file the sound lies, in bytes. */
  readonly begin: number
  readonly length: number
  /**
   * Steps to +1, where they are not as many as to -1. The sample is scaled back where channels are mixed: it ends where
   * everyone else has it, but for the last bit.
   */
  readonly positiveSteps?: number
  /** What a short file is read in spite of, as a sentence. */
  readonly note?: string
}

/** A recording that is recognised and not read here; a program beside this one may. */
export interface Foreign {
  /** What it is: "a WAV file compressed by GSM 6.10". */
  readonly name: string
  /** ffmpeg's name for what opens it. */
  readonly demuxer: string
}

/** What a piece may expand to, in samples of all channels together: 8 MiB of floats, of which decoders hold several. */
export const MAX_SAMPLES = 1 << 21
/** Small enough that a long recording is not decoded much beyond the limit, large enough to cost nothing. */
export const MAX_BYTES = 1 << 18

/** What is wrong with a file, found while its sound is read: the end of a sentence that begins with "the file ". */
export class Unreadable extends Error {}

/** A container, or what is wrong with it as the end of a sentence that begins with "the file ". */
export type Opened = Result.Result<Container | Pcm | Foreign, string>

export const count = (n: number): string => n.toLocaleString("en")

/** "is cut short: the header promises 20 bytes of sound and 10 are there" */
export const shortfall = (promised: number, present: number, what = "bytes of sound"): string =>
  `is cut short: its header promises ${count(promised)} ${what}, ${count(present)} are there`

/** No clip has as many bytes of sound; a recording that has them, and is cut, keeps more of them than one in `FAR`. */
const ABSURD = 2 ** 30
const FAR = 10

/** Whether a header promises so much that it does not tell of sound that was lost, but is wrong. */
export const isFarOff = (promised: number, present: number): boolean =>
  present > 0 && promised >= ABSURD && promised > FAR * present

export const cutShort = (promised: number, present: number, what?: string): Result.Result<never, string> =>
  Result.fail(shortfall(promised, present, what))

/** The ASCII text of `length` bytes. */
export const text = (bytes: Uint8Array, at: number, length: number): string =>
  String.fromCharCode(...bytes.subarray(at, at + length))

export const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
