import type { FrontEnd } from "../embedder/frontEnd.ts"
import type { Clip } from "../sound/clip.ts"
import { FieldDecoder, type Piece } from "../sound/field/fieldDecoder.ts"
import { concatenate } from "../sound/floats.ts"
import { resample } from "../sound/resample.ts"
import { isFlat } from "../sound/silence.ts"
import { WindowCutter } from "./field/windowCutter.ts"
import { LoudestSound, LoudestStretch, SecondCutter } from "./loudness.ts"

/** Seconds whose windows are in memory at once, 31 MB of YAMNet's: of what is longer still, so many are used, or `stretch`. */
const MOST_SECONDS = 600
const BLOCK_BYTES = 1 << 20

/** Seconds that are used at most of a recording whose loudest stretch lasts `stretch` seconds. */
export const mostSeconds = (stretch: number): number => Math.max(MOST_SECONDS, stretch)

/** A clip that is longer than others may be. */
export interface LongClip {
  /** Of the sound that is used. */
  readonly seconds: number
  /** Of all of its windows, [n * patchSize]. */
  readonly patches: Float32Array
  /** Its loudest stretch, as long as clips are at most: what variants are made of. */
  readonly loudest: Clip
  readonly isFlat: boolean
  /** What was done with it, and what is wrong with it: a sentence each. */
  readonly notes: ReadonlyArray<string>
}

/**
 * Hears a clip as it is decoded, piece by piece, in memory that does not grow with it but by its windows' patches: up to ten
 * minutes of it, and no less than `stretch` seconds, which the loudest stretch lasts.
 */
export class LongClipHearing {
  readonly #frontEnd: FrontEnd
  readonly #stretch: number
  readonly #most: number
  readonly #chunks: Array<Float32Array> = []
  #loudest: LoudestSound | undefined
  #cutter: WindowCutter | undefined
  #rate = 0
  #heard = 0

  constructor(frontEnd: FrontEnd, stretch: number) {
    this.#frontEnd = frontEnd
    this.#stretch = stretch
    this.#most = mostSeconds(stretch)
  }

  /** Seconds that are used at most. */
  get most(): number {
    return this.#most
  }

  /** Seconds that were heard. */
  get seconds(): number {
    return this.#rate > 0 ? this.#heard / this.#rate : 0
  }

  /** Whether no more is used. */
  get isDone(): boolean {
    return this.#rate > 0 && this.#heard >= this.#most * this.#rate
  }

  push({ samples, rate }: Piece): void {
    this.#rate = rate
    this.#cutter ??= new WindowCutter(this.#frontEnd, rate)
    this.#loudest ??= new LoudestSound(rate, this.#stretch)
    const used = samples.subarray(0, Math.max(0, this.#most * rate - this.#heard))
    this.#heard += used.length
    this.#loudest.push(used)
    for (const { patches } of this.#cutter.push(used)) this.#chunks.push(patches)
  }

  /**
   * @param from second of the recording at which it began. @param whole how the notes say what was used: "all of it is".
   * @param noted what is wrong with the recording.
   */
  end({
    from = 0,
    whole,
    noted
  }: {
    readonly from?: number
    readonly whole: string
    readonly noted: ReadonlyArray<string>
  }): LongClip {
    for (const { patches } of this.#cutter?.end() ?? []) this.#chunks.push(patches)
    const { first, samples } = this.#loudest?.end() ?? { first: 0, samples: new Float32Array() }
    const { sampleRate } = this.#frontEnd
    return {
      seconds: this.seconds,
      patches: concatenate(this.#chunks),
      loudest: { samples: resample(samples, this.#rate, sampleRate), sampleRate },
      isFlat: isFlat(samples),
      notes: [
        ...noted,
        `It lasts longer than CLIP_MAX_SECONDS: ${whole} heard, and its variants are made of the ${this.#stretch} s from second ${from + first} on.`
      ]
    }
  }
}

/**
 * Decodes a clip of any length as a stream, and once more where it lasts longer than is used and the loudest part is not the
 * first. What is damaged is silence, which counts for nothing where windows count by their energy.
 *
 * @param stretch seconds of the loudest stretch. Fails with a `DecodeError` where there is no sound that can be read.
 */
export const hearLongClip = async (bytes: Uint8Array, frontEnd: FrontEnd, stretch: number): Promise<LongClip> => {
  const decoder = new FieldDecoder(bytes.length, 0, bytes.length)
  const first = new LongClipHearing(frontEnd, stretch)
  const { most } = first
  const loudest = new LoudestStretch(most)
  let cutter: SecondCutter | undefined
  let count = 0
  const add = (seconds: ReturnType<SecondCutter["push"]>) => {
    for (const { energy } of seconds) {
      loudest.add(energy)
      count++
    }
  }
  for await (const piece of piecesOf(decoder, bytes)) {
    first.push(piece)
    cutter ??= new SecondCutter(piece.rate)
    add(cutter.push(piece.samples))
  }
  if (cutter !== undefined) add(cutter.end())
  const { noted } = decoder
  const { first: from } = loudest
  const whole = count > most ? `of it the loudest ${most} s are` : "all of it is"
  if (from === 0) return first.end({ whole, noted })
  const again = new LongClipHearing(frontEnd, stretch)
  for await (const piece of piecesOf(new FieldDecoder(bytes.length, from, bytes.length), bytes)) {
    again.push(piece)
    if (again.isDone) break
  }
  return again.end({ from, whole, noted })
}

async function* piecesOf(decoder: FieldDecoder, bytes: Uint8Array): AsyncGenerator<Piece> {
  try {
    for (let at = 0; at < bytes.length; at += BLOCK_BYTES) yield* decoder.push(bytes.subarray(at, at + BLOCK_BYTES))
    yield* decoder.end()
  } finally {
    await decoder.close()
  }
}
