import decode, { type StreamDecoder } from "audio-decode"
import { Effect, Schema } from "effect"
import { type Clip, SAMPLE_RATE } from "../clip.ts"
import { concatenate } from "../floats.ts"
import { resample } from "../resample.ts"
import type { Container, Format } from "./container.ts"
import { fault, type Sound } from "./fault.ts"
import { mix } from "./mix.ts"
import { openContainer } from "./openContainer.ts"

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
const drain = async (container: Container, seconds: number): Promise<Sound> => {
  const decoder = await decoders[container.format]()
  const parts: Array<Float32Array> = []
  let rate = 0
  let length = 0
  let limit = Number.POSITIVE_INFINITY
  const take = ({ channelData, sampleRate }: Awaited<ReturnType<StreamDecoder>>): void => {
    const part = mix(channelData, container.positiveScale ?? 1)
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
    catch: (cause) => refuse(`is damaged or of a kind not read here: ${cause instanceof Error ? cause.message : cause}`)
  })
  const found = fault(sound)
  if (found !== undefined) return yield* refuse(found)
  return { samples: resample(sound.samples, sound.rate, sampleRate), sampleRate }
})
