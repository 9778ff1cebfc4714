import { Effect, Result, Schema } from "effect"
import { type Clip, SAMPLE_RATE } from "../clip.ts"
import { concatenate } from "../floats.ts"
import { resample } from "../resample.ts"
import { isFlat } from "../silence.ts"
import { codedBlocks } from "./coded.ts"
import { type Container, count, type Foreign, type Format, type Pcm, Unreadable } from "./container.ts"
import { fault, type Sound } from "./fault.ts"
import { MORE } from "./feed.ts"
import { decodeByFfmpeg, Ffmpeg } from "./ffmpeg.ts"
import { Mixer } from "./mix.ts"
import { openContainer } from "./openContainer.ts"
import { readPcm } from "./pcm.ts"

/** A recording that cannot be used. `reason` is a sentence for the run record. */
export class DecodeError extends Schema.TaggedError<DecodeError>()("DecodeError", { reason: Schema.String }) {}

/** Decodes until the container ends or `seconds` are there. */
const drain = async (container: Container, seconds: number, mixer: Mixer): Promise<Sound> => {
  const parts: Array<Float32Array> = []
  let rate = 0
  let length = 0
  let limit = Number.POSITIVE_INFINITY
  for await (const block of codedBlocks(container)) {
    if (block === MORE) break
    rate = block.rate
    limit = Math.max(1, Math.floor(seconds * rate))
    parts.push(mixer.mix(block.channels))
    length += block.channels[0]!.length
    if (length >= limit) break
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
export const MAX_PEAKS: Partial<Record<Format, number>> = {
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

/** Refuses a recording by the end of a sentence that begins with "the file ". */
export const refuse = (ending: string): DecodeError => new DecodeError({ reason: `The file ${ending}.` })

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
  const notes: Array<string> = []
  const opened = yield* open(bytes)
  if ("demuxer" in opened) notes.push(`It is ${opened.name}, decoded by ffmpeg.`)
  const file = "demuxer" in opened ? yield* convert(bytes, opened, maxSeconds) : bytes
  const container = "demuxer" in opened ? yield* open(file) : opened
  if ("note" in container && container.note !== undefined) notes.push(container.note)
  const mixer = new Mixer()
  let sound = yield* read(file, container, maxSeconds, mixer)
  const alone = mixer.cancelling
  if (alone !== undefined) {
    notes.push(`Its channels cancel each other out, so channel ${alone + 1} is used alone.`)
    // A container is read once, so it is opened again.
    sound = yield* read(file, yield* open(file), maxSeconds, new Mixer(alone))
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

const open = (bytes: Uint8Array) => Effect.fromResult(openContainer(bytes)).pipe(Effect.mapError(refuse))

const read = (file: Uint8Array, opened: Container | Pcm | Foreign, seconds: number, mixer: Mixer) => {
  if ("begin" in opened) return Effect.sync(() => readPcm(file, opened, seconds, mixer))
  if ("demuxer" in opened) return Effect.fail(refuse(`is ${opened.name}, which is not read here`))
  return Effect.tryPromise({
    try: () => drain(opened, seconds, mixer),
    catch: (cause) => refuse(whyNot(cause, opened.format))
  })
}

/** What else decoders throw is the text of an error within them, which tells nobody what is wrong. */
export const whyNot = (cause: unknown, format: Format): string =>
  cause instanceof Unreadable ? cause.message : `is damaged, or ${KINDS[format]} not read here`

/** Has ffmpeg make a WAV file of what is not read here. */
const convert = Effect.fnUntraced(function* (bytes: Uint8Array, foreign: Foreign, seconds: number) {
  const program = yield* Ffmpeg
  const advice = `is ${foreign.name}, which is not read here: convert it to WAV or FLAC`
  if (program === undefined) return yield* refuse(`${advice}, or install ffmpeg`)
  const wav = yield* decodeByFfmpeg(program, bytes, foreign, seconds)
  if (wav === undefined || Result.isFailure(openContainer(wav))) {
    return yield* refuse(`${advice}; ffmpeg makes nothing of it either, it may be damaged`)
  }
  return wav
})
