import decode from "audio-decode"
import { Effect, Schema } from "effect"
import { type Clip, SAMPLE_RATE } from "../clip.ts"
import { concatenate } from "../floats.ts"
import { resample } from "../resample.ts"
import { type Container, count, type Format, MAX_BYTES, NEXT_STREAM, Unreadable } from "./container.ts"
import { fault, type Sound } from "./fault.ts"
import { makeFlacDecoder } from "./flac.ts"
import { mix } from "./mix.ts"
import { openContainer } from "./openContainer.ts"

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
const drain = async (container: Container, seconds: number): Promise<Sound> => {
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
    const part = mix(channelData, container.positiveScale ?? 1)
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
  aiff: "a kind of AIFF",
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

/**
 * Decodes a recording, recognised by its content, to mono at `sampleRate` (16 kHz unless said), cut at `maxSeconds`.
 *
 * Decoding stops once `maxSeconds` are there, before the sample rate is changed, so an hour at 192 kHz costs no more
 * than the seconds used. Samples are finite and at least 25 ms of them; silence is sound like any other.
 */
export const decodeClip = Effect.fn("audio.decodeClip")(function* (
  bytes: Uint8Array,
  options: { readonly maxSeconds: number; readonly sampleRate?: number }
): Effect.fn.Return<Clip, DecodeError> {
  const { maxSeconds, sampleRate = SAMPLE_RATE } = options
  const container = yield* Effect.fromResult(openContainer(bytes)).pipe(Effect.mapError(refuse))
  const sound = yield* Effect.tryPromise({
    try: () => drain(container, maxSeconds),
    // What else decoders throw is the text of an error within them, which tells nobody what is wrong.
    catch: (cause) =>
      refuse(cause instanceof Unreadable ? cause.message : `is damaged, or ${KINDS[container.format]} not read here`)
  })
  const found = fault(sound, MAX_PEAKS[container.format])
  if (found !== undefined) return yield* refuse(found)
  return { samples: resample(sound.samples, sound.rate, sampleRate), sampleRate }
})
