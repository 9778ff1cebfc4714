import decode, { type StreamDecoder } from "audio-decode"
import { Effect, Result, Schema } from "effect"
import { type Clip, SAMPLE_RATE } from "../clip.ts"
import { concatenate } from "../floats.ts"
import { resample } from "../resample.ts"
import { isFlat } from "../silence.ts"
import type { Container, Foreign, Format, Pcm } from "./container.ts"
import { fault, type Sound } from "./fault.ts"
import { decodeByFfmpeg, Ffmpeg } from "./ffmpeg.ts"
import { Mixer } from "./mix.ts"
import { openContainer } from "./openContainer.ts"
import { readPcm } from "./pcm.ts"
import { openWave } from "./wave.ts"

/** Small enough that a long recording is not decoded much beyond the limit, large enough to cost nothing. */
const CHUNK_BYTES = 1 << 18

/** A recording that cannot be used. `reason` is a sentence for the run record. */
export class DecodeError extends Schema.TaggedError<DecodeError>()("DecodeError", { reason: Schema.String }) {}

/** audio-decode's declarations know only the names, not that each makes a decoder fed chunk by chunk. */
const decoders: Record<Format, () => Promise<StreamDecoder>> = decode

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
  const decoder = await decoders[container.format]()
  const parts: Array<Float32Array> = []
  let rate = 0
  let length = 0
  let limit = Number.POSITIVE_INFINITY
  const take = ({ channelData, sampleRate }: Awaited<ReturnType<StreamDecoder>>): void => {
    const part = mixer.mix(channelData)
    if (part.length === 0) return
    if (rate !== 0 && sampleRate !== rate) throw new Error(`its sample rate changes from ${rate} to ${sampleRate} Hz`)
    rate = sampleRate
    limit = Math.max(1, Math.floor(seconds * rate))
    parts.push(part)
    length += part.length
  }
  try {
    for (const piece of container.pieces) {
      for (let at = 0; at < piece.length && length < limit; at += CHUNK_BYTES) {
        take(await quietly(() => decoder(piece.subarray(at, at + CHUNK_BYTES))))
      }
    }
    if (length < limit) take(await quietly(() => decoder()))
  } finally {
    decoder.free()
  }
  if (container.length !== undefined && length < Math.min(container.length, limit)) {
    throw new Error(`${length} of its ${container.length} samples could be decoded`)
  }
  return { samples: concatenate(parts, Math.min(length, limit)), rate }
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
  const found = fault(sound)
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
        catch: (cause) =>
          refuse(`is damaged or of a kind not read here: ${cause instanceof Error ? cause.message : cause}`)
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
