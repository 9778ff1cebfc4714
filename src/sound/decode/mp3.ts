import type { MPEGDecoder } from "mpg123-decoder"
import { concatenate } from "../floats.ts"

// libmpg123 in WebAssembly, by the package that `audio-decode` brings for it. That makes an instance for each file, with 16 MB
// of its own, which takes up to 17 ms; and but for the first few, JavaScriptCore compiles them once more, with a check of each
// access. So an instance decodes one file after another (docs/decisions/coded-recordings.md).

/** What the package's WebAssembly exports; an address is in bytes from the start of `HEAP`. */
interface Mpg123 {
  readonly HEAP: ArrayBuffer
  readonly malloc: (bytes: number) => number
  readonly mpeg_frame_decoder_create: (decoder: number, isGapless: 0 | 1) => number
  readonly mpeg_frame_decoder_destroy: (decoder: number) => void
  readonly mpeg_decoder_feed: (decoder: number, input: number, bytes: number) => number
  readonly mpeg_decoder_read: (
    decoder: number,
    output: number,
    most: number,
    samples: number,
    rate: number,
    error: number
  ) => number
}

const INPUT_BYTES = 1 << 16
/** Samples of both channels together, those of the left one first. */
const OUTPUT_SAMPLES = 2 * 16 * 2889

/** Statuses that are no errors: the input is used up, and a stream of another kind begins. */
const NEED_MORE = -10
const NEW_FORMAT = -11

interface Instance {
  readonly wasm: Mpg123
  readonly input: Uint8Array
  readonly output: Float32Array
  /** The decoder's address, and of what was decoded last the samples, the rate and the error's address. */
  readonly words: Uint32Array
}

const instantiate = async (): Promise<Instance> => {
  const { MPEGDecoder } = await import("mpg123-decoder")
  const made = new MPEGDecoder() as MPEGDecoder & { readonly _common: { readonly wasm: Mpg123 } }
  await made.ready
  const { wasm } = made._common
  return {
    wasm,
    input: new Uint8Array(wasm.HEAP, wasm.malloc(INPUT_BYTES), INPUT_BYTES),
    output: new Float32Array(wasm.HEAP, wasm.malloc(4 * OUTPUT_SAMPLES), OUTPUT_SAMPLES),
    words: new Uint32Array(wasm.HEAP, wasm.malloc(16), 4)
  }
}

/** This thread's instances that have no file to decode, and how many of them wait for one at most. */
const idle: Array<Instance> = []
const MOST_IDLE = 3

/** A decoder that is given an MPEG stream piece by piece; two channels, alike where the stream has one. */
export const makeMp3Decoder = async () => {
  const instance = idle.pop() ?? (await instantiate())
  const { wasm, input, output, words } = instance
  const told = words.byteOffset
  const refusal = wasm.mpeg_frame_decoder_create(told, 1)
  if (refusal !== 0) throw new Error(`libmpg123 has no decoder: error ${refusal}`)
  /** Whether nothing has failed that may have left something in the instance. */
  let isClean = true
  const decoder = words[0]!
  const decode = async (bytes: Uint8Array = new Uint8Array()) => {
    const [left, right]: [Array<Float32Array>, Array<Float32Array>] = [[], []]
    // It is not, where the loop does not come to its end.
    let staysClean = isClean
    isClean = false
    for (let at = 0; at < bytes.length; at += INPUT_BYTES) {
      const piece = bytes.subarray(at, at + INPUT_BYTES)
      input.set(piece)
      let status = wasm.mpeg_decoder_feed(decoder, input.byteOffset, piece.length)
      while (status !== NEED_MORE) {
        words[1] = 0
        status = wasm.mpeg_decoder_read(decoder, output.byteOffset, OUTPUT_SAMPLES, told + 4, told + 8, told + 12)
        const length = words[1]
        if (length > 0) {
          left.push(output.slice(0, length))
          right.push(output.slice(length, 2 * length))
        }
        staysClean &&= status === 0 || status === NEED_MORE || status === NEW_FORMAT
      }
    }
    isClean = staysClean
    return { channelData: [concatenate(left), concatenate(right)], sampleRate: words[2]! }
  }
  const free = () => {
    wasm.mpeg_frame_decoder_destroy(decoder)
    if (isClean && idle.length < MOST_IDLE) idle.push(instance)
    isClean = false
  }
  return Object.assign(decode, { free })
}
