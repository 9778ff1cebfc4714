import decode from "audio-decode"
import { type Container, count, type Format, type Gap, MAX_BYTES, NEXT_STREAM, Unreadable } from "./container.ts"
import { MORE } from "./feed.ts"
import { makeFlacDecoder } from "./flac.ts"
import { makeMp3Decoder } from "./mp3.ts"

/** More than any array of microphones that is sold; a file may claim 255 and take a decoder for each. */
const MAX_CHANNELS = 64

/** Decodes piece after piece; without a piece, what it still holds. */
interface Decoder {
  (piece?: Uint8Array): Promise<{ readonly channelData: ReadonlyArray<Float32Array>; readonly sampleRate: number }>
  readonly free: () => void
}

/** audio-decode's declarations know only the names, not that each makes a decoder fed chunk by chunk. */
const audioDecode: Record<Format, () => Promise<Decoder>> = decode

const decoders: Record<Format, () => Promise<Decoder>> = {
  ...audioDecode,
  flac: makeFlacDecoder,
  mp3: makeMp3Decoder
}

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

/** Some of a recording's sound: as many samples of each channel, at a rate in Hz. */
export interface Block {
  readonly channels: ReadonlyArray<Float32Array>
  readonly rate: number
}

const SILENCE = 1 << 16

/** Zeros in place of what is lost. */
function* silence({ lost, rate, channels }: Gap): Generator<Block> {
  for (let left = lost; left > 0; left -= SILENCE) {
    const length = Math.min(left, SILENCE)
    yield { channels: Array.from({ length: channels }, () => new Float32Array(length)), rate }
  }
}

/** Decodes a container block by block, all of one rate; the decoder is freed where its reader stops. */
export async function* codedBlocks(container: Container): AsyncGenerator<Block | typeof MORE> {
  const makeDecoder = decoders[container.format]
  // A FLAC frame stays whole, however long.
  const slice = container.format === "flac" ? Number.POSITIVE_INFINITY : MAX_BYTES
  let rate = 0
  let decoder = await makeDecoder()
  const take = async (piece?: Uint8Array): Promise<ReadonlyArray<Block>> => {
    const { channelData: channels, sampleRate } = await quietly(() => decoder(piece))
    if (channels.length > MAX_CHANNELS) {
      throw new Unreadable(`has ${channels.length} channels; up to ${MAX_CHANNELS} are read`)
    }
    if (channels.length === 0 || channels[0]!.length === 0) return []
    if (rate !== 0 && sampleRate !== rate) {
      throw new Unreadable(`changes its sample rate from ${count(rate)} to ${count(sampleRate)} Hz midway`)
    }
    rate = sampleRate
    return [{ channels, rate }]
  }
  try {
    for (const piece of container.pieces) {
      if (piece === MORE) {
        yield MORE
      } else if (piece === NEXT_STREAM) {
        yield* await take()
        decoder.free()
        decoder = await makeDecoder()
      } else if ("lost" in piece) {
        yield* silence(piece)
      } else {
        for (let at = 0; at < piece.length; at += slice) yield* await take(piece.subarray(at, at + slice))
      }
    }
    yield* await take()
  } finally {
    decoder.free()
  }
}
