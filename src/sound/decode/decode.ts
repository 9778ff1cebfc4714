import decode from "audio-decode"
import { Effect, Result, Schema } from "effect"
import { type Clip, SAMPLE_RATE } from "../clip.ts"
import { concatenate } from "../floats.ts"
import { resample } from "../resample.ts"
import { isFlat } from "../silence.ts"
import {
  type Container,
  count,
  type Foreign,
  type Format,
  MAX_BYTES,
  NEXT_STREAM,
  type Pcm,
  Unreadable
} from "./container.ts"
import { fault, type Sound } from "./fault.ts"
import { decodeByFfmpeg, Ffmpeg } from "./ffmpeg.ts"
import { makeFlacDecoder } from "./flac.ts"
import { Mixer } from "./mix.ts"
import { openContainer } from "./openContainer.ts"
import { readPcm } from "./pcm.ts"
import { openWave } from "./wave.ts"

/** More than any array of microphones that is sold; a file may claim 255 and take a decoder for each. */
const MAX_CHANNELS = 64

/** A recording that cannot be used. `reason` is a sentence for the run record. */
export class DecodeError extends Schema.TaggedError<DecodeError>()("DecodeError", { reason: Schema.String }) {}

/** Decodes piece after piece; without a piece, what it still holds. */
interface Decoder {
  (piece?: Uint8Array): Promise<{ readonly channelData: ReadonlyArray<Float32Array>; readonly sampleRate: number }>
  readonly free: () => void
}

/** audio-decode's declarations know only the names, not that each makes a decoder fed chunk by chunk. */
const audioDecode: Record<Format, () => Promise<Decoder>> = decode

const decoders: Record<Format, () => Promise<Decoder>> = { ...audioDecode, flac: makeFlacDecoder }

/** Runs a decoder without the line that some of them write to the console for every damaged frame. */
const quietly = <A>(run: () => A): A => {
  const { error } = console
  console.error = () => {}
  try {
    return run()
  } finally {
    console.error = error
  }
}

/** Decodes until the container ends or `seconds` are there. */
const drain = async (container: Container, seconds: number, mixer: Mixer): Promise<Sound> => {
  const makeDecoder = decoders[container.format]
  // A FLAC frame stays whole, however long.
  const slice = container.format === "flac" ? Number.POSITIVE_INFINITY : MAX_BYTES
  const parts: Array<Float32Array> = []
  let rate = 0
  let length = 0
  let limit = Number.POSITIVE_INFINITY
  let decoder = await makeDecoder()
  const take = async (piece?: Uint8Array): Promise<void> => {
    const { channelData, sampleRate } = await quietly(() => decoder(piece))
    if (channelData.length > MAX_CHANNELS) {
      throw new Unreadable(`has ${channelData.length} channels; up to ${MAX_CHANNELS} are read`)
    }
    const part = mixer.mix(channelData)
    if (part.length === 0) return
    if (rate !== 0 && sampleRate !== rate) {
      throw new Unreadable(`changes its sample rate from ${count(rate)} to ${count(sampleRate)} Hz midway`)
    }
    rate = sampleRate
    limit = Math.max(1, Math.floor(seconds * rate))
    parts.push(part)
    length += part.length
  }
  try {
    for (const piece of container.pieces) {
      if (length >= limit) break
      if (piece === NEXT_STREAM) {
        await take()
        decoder.free()
        decoder = await makeDecoder()
        continue
      }
      for (let at = 0; at < piece.length && length < limit; at += slice) await take(piece.subarray(at, at + slice))
    }
    if (length < limit) await take()
  } finally {
    decoder.free()
  }
  if (container.length !== undefined && length < Math.min(container.length, limit)) {
    throw new Unreadable(`is damaged: ${count(length)} of its ${count(container.length)} samples could be decoded`)
  }
  const promised = Math.floor((container.seconds ?? 0) * rate)
  if (length < Math.min(promised, limit)) {
    throw new Unreadable(`is damaged: ${count(length)} of at least ${count(promised)} samples could be decoded`)
  }
  return { samples: concatenate(parts, Math.min(length, limit)), rate }
}

/** Above this, as a multiple of full scale, what has been decoded is not what was encoded. */
const CODED_PEAK = 2
const MAX_PEAKS: Partial<Record<Format, number>> = {
  mp3: CODED_PEAK,
  aac: CODED_PEAK,
  m4a: CODED_PEAK,
  oga: CODED_PEAK,
  opus: CODED_PEAK,
  webm: CODED_PEAK
}

/** What a file is whose decoder gives up on it, if it is not damaged. */
const KINDS: Record<Format, string> = {
  wav: "a kind of WAV",
  caf: "a kind of CAF",
  flac: "a kind of FLAC",
  mp3: "a kind of MPEG audio",
  aac: "a kind of AAC",
  m4a: "an MP4 file of a coding",
  oga: "a kind of Ogg Vorbis",
  opus: "a kind of Ogg Opus",
  webm: "a WebM file of a coding"
}

const refuse = (ending: string): DecodeError => new DecodeError({ reason: `The file ${ending}.` })

/** A decoded recording. */
export interface Decoded extends Clip {
  /** Whether the recording, before its sample rate is changed, is nothing but a constant. */
  readonly isFlat: boolean
  /** What was done to it that is not usual, a sentence each. */
  readonly notes: ReadonlyArray<string>
}

/**
 * Decodes a recording, recognised by its content, to mono at `sampleRate` (16 kHz unless said), cut at `maxSeconds`.
 *
 * Decoding stops once `maxSeconds` are there, before the sample rate is changed, so an hour at 192 kHz costs no more
 * than the seconds used. Samples are finite and at least 25 ms of them; silence is sound like any other. Where channels
 * cancel each other out, one of them is taken. What no decoder here reads is left to ffmpeg, where that is installed.
 */
export const decodeClip = Effect.fn("audio.decodeClip")(function* (
  bytes: Uint8Array,
  options: { readonly maxSeconds: number; readonly sampleRate?: number }
): Effect.fn.Return<Decoded, DecodeError> {
  const { maxSeconds, sampleRate = SAMPLE_RATE } = options
  const opened = yield* Effect.fromResult(openContainer(bytes)).pipe(Effect.mapError(refuse))
  const notes: Array<string> = []
  if ("demuxer" in opened) notes.push(`It is ${opened.name}, decoded by ffmpeg.`)
  const container = "demuxer" in opened ? yield* convert(bytes, opened, maxSeconds) : opened
  const mixer = new Mixer()
  let sound = yield* read(container, maxSeconds, mixer)
  const alone = mixer.cancelling
  if (alone !== undefined) {
    notes.push(`Its channels cancel each other out, so channel ${alone + 1} is used alone.`)
    sound = yield* read(container, maxSeconds, new Mixer(alone))
  }
  const found = fault(sound, "format" in container ? MAX_PEAKS[container.format] : undefined)
  if (found !== undefined) return yield* refuse(found)
  return {
    samples: resample(sound.samples, sound.rate, sampleRate),
    sampleRate,
    isFlat: isFlat(sound.samples),
    notes
  }
})

const read = (container: Container | Pcm, seconds: number, mixer: Mixer) =>
  "sound" in container
    ? Effect.sync(() => readPcm(container, seconds, mixer))
    : Effect.tryPromise({
        try: () => drain(container, seconds, mixer),
        // What else decoders throw is the text of an error within them, which tells nobody what is wrong.
        catch: (cause) =>
          refuse(
            cause instanceof Unreadable ? cause.message : `is damaged, or ${KINDS[container.format]} not read here`
          )
      })

/** Has ffmpeg make a WAV file of what is not read here. */
const convert = Effect.fnUntraced(function* (bytes: Uint8Array, foreign: Foreign, seconds: number) {
  const program = yield* Ffmpeg
  const advice = `is ${foreign.name}, which is not read here: convert it to WAV or FLAC`
  if (program === undefined) return yield* refuse(`${advice}, or install ffmpeg`)
  const wav = yield* decodeByFfmpeg(program, bytes, foreign, seconds)
  const opened = wav === undefined ? undefined : openWave(wav)
  if (opened === undefined || Result.isFailure(opened) || !("sound" in opened.success)) {
    return yield* refuse(`${advice}; ffmpeg makes nothing of it either, it may be damaged`)
  }
  return opened.success
})
