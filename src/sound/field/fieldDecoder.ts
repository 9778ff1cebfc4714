import { Result } from "effect"
import { type Block, codedBlocks } from "../decode/coded.ts"
import type { Foreign, Format } from "../decode/container.ts"
import { count } from "../decode/container.ts"
import { DecodeError, MAX_PEAKS, refuse, whyNot } from "../decode/decode.ts"
import { MAX_PEAK } from "../decode/fault.ts"
import { Feed, MORE } from "../decode/feed.ts"
import type { Index } from "../decode/mp4Layout.ts"
import { openFeed } from "../decode/openContainer.ts"
import { type PcmBlock, pcmBlocks } from "../decode/pcm.ts"
import { BlockMixer } from "./blockMixer.ts"
import { clockOf } from "./clock.ts"
import { adviceOn, foreignSound } from "./foreignSound.ts"
import { SaneSamples } from "./saneSamples.ts"

/** Some of a recording's sound, mono, at its own rate. A recording's pieces follow each other without a gap. */
export interface Piece {
  /** Which sample of the recording it begins with. */
  readonly start: number
  readonly samples: Float32Array
  /** Samples a second: of all pieces of a recording the same. */
  readonly rate: number
  /** Nothing but zeros: the recorder wrote none, or they stand for sound that is lost. */
  readonly isEmpty: boolean
}

/** Zeros at the end of a recording that are worth a word. */
const EMPTY_SECONDS = 10

/** What a recording that cannot be read piece by piece may have, in bytes, unless said. */
const MAX_WHOLE = 200e6

/**
 * Decodes a recording of any length from its bytes, as they come, in memory that does not grow with it.
 *
 * `push` takes the next bytes of the file, from its first, cut anywhere, and keeps them: they must not be written over.
 * It gives the pieces that they complete; these have to be taken before more is pushed. `end` says that no more bytes will
 * come. Both fail with a `DecodeError` where there is no sound that can be read; once there was some, damage is a
 * sentence in `noted`. It loads decoders and frees them itself; `close` does so where the end is not wanted.
 *
 * MP4 whose index is not given, for it may stand at the end, and what ffmpeg reads have to come whole, up to `maxWholeBytes`. For files of up to 30 s, samples are those of `decodeClip`
 * before it changes their rate.
 */
export class FieldDecoder {
  private readonly feed: Feed
  private readonly mixer = new BlockMixer()
  private readonly blocks: AsyncGenerator<PcmBlock | typeof MORE>
  private readonly found: Array<string> = []
  private readonly sane = new SaneSamples()
  private rate = 0
  /** Samples that were given, or left out in front; up to the last that is not zero; and that were decoded. */
  private done = 0
  private soundEnd = 0
  private decoded = 0
  /** As many as there should be, where the file says so. */
  private promised: number | undefined
  private finished = false

  /**
   * @param size of the file in bytes, as the store lists it.
   * @param from the second of the recording at which its pieces begin; those before it are decoded where the format
   *   does not say where its samples lie (all but uncompressed ones).
   * @param index of MP4, as `readIndex` finds it.
   * @param ffmpeg what reads recordings of kinds that are not read here, if anything does; without it, these are refused.
   */
  constructor(
    size: number,
    private readonly from = 0,
    private readonly maxWholeBytes = MAX_WHOLE,
    index?: Index,
    private readonly ffmpeg?: { readonly program: string | undefined }
  ) {
    this.feed = Feed.growing(size, index)
    this.blocks = this.read()
  }

  /** @param at where in the file the bytes begin: behind those pushed before, unless said, or at `next`. */
  async *push(bytes: Uint8Array, at?: number): AsyncGenerator<Piece> {
    if (!this.finished && this.feed.push(bytes, at)) yield* this.goOn()
  }

  /** From which byte of the file on the decoder needs what follows, as far as it knows; undefined where it is done. */
  get next(): number | undefined {
    return this.finished || this.feed.next >= this.feed.total ? undefined : this.feed.next
  }

  /** Bytes that are read, of those that have come. */
  get bytes(): number {
    return this.feed.start
  }

  /** Seconds that are decoded, or left out in front. */
  get seconds(): number {
    return this.rate > 0 ? this.decoded / this.rate : 0
  }

  async *end(): AsyncGenerator<Piece> {
    if (!this.finished) {
      this.feed.end()
      yield* this.goOn()
    }
    for (const samples of this.mixer.end()) yield* this.pieces(samples)
    this.judgeEnd()
    // Of what is read from its middle on, the beginning may be sound.
    const fault = this.from === 0 ? this.sane.fault : undefined
    if (fault !== undefined) throw refuse(fault)
    if (this.rate > 0 || this.done > 0) return
    const reason = this.feed.noted.length > 0 ? this.feed.noted.join(" ") : "The file holds no sound."
    throw new DecodeError({ reason })
  }

  async close(): Promise<void> {
    this.finished = true
    await this.blocks.return(undefined)
  }

  /** What is wrong with the recording so far, and how it was read all the same: a sentence each. */
  get noted(): ReadonlyArray<string> {
    const { alone } = this.mixer
    const { lost } = this.feed
    const from = alone === undefined || alone.from === 0 ? "" : ` from ${clockOf(alone.from / this.rate)} on`
    return [
      ...this.feed.noted,
      ...(lost === undefined
        ? []
        : [
            `It is damaged${lost.places === 1 ? "" : ` at ${count(lost.places)} places, the first`} at ${clockOf(lost.first)}; silence stands for the ${clockOf(lost.seconds)} that are lost.`
          ]),
      ...this.found,
      ...(alone === undefined
        ? []
        : [`Its channels cancel each other out${from}, so channel ${alone.channel + 1} is used alone.`]),
      ...this.sane.noted(this.rate)
    ]
  }

  /** Holds what was decoded against what the file says, once there is no more. */
  private judgeEnd(): void {
    const { rate, found, decoded, promised, soundEnd, done } = this
    if (rate === 0) return
    if (promised !== undefined && decoded < promised && this.found.length === 0) {
      found.push(`Its header promises ${clockOf(promised / rate)} of sound, ${clockOf(decoded / rate)} are there.`)
    }
    if (done - soundEnd >= EMPTY_SECONDS * rate) {
      found.push(
        `From ${clockOf(soundEnd / rate)} on it holds nothing but zeros, as it does where a recorder that had set the space aside was cut off.`
      )
    }
  }

  /** Reads what has come. */
  private async *goOn(): AsyncGenerator<Piece> {
    for (;;) {
      const next = await this.nextBlock()
      if (next === MORE) return
      if (next === undefined) break
      this.rate = next.rate
      this.decoded += next.channels[0]!.length
      for (const samples of this.mixer.add(next)) yield* this.pieces(samples)
    }
    this.finished = true
  }

  /** The next block, undefined behind the last one. What is wrong once there was sound ends it there. */
  private async nextBlock(): Promise<PcmBlock | typeof MORE | undefined> {
    try {
      const { value, done } = await this.blocks.next()
      return done === true ? undefined : value
    } catch (cause) {
      if (!(cause instanceof DecodeError) || this.rate === 0) throw cause
      const at = clockOf(this.decoded / this.rate)
      this.found.push(`From ${at} on it is not read: ${cause.reason.replace(/^The file/, "it")}`)
      return undefined
    }
  }

  private async *read(): AsyncGenerator<PcmBlock | typeof MORE> {
    const { feed } = this
    let result = openFeed(feed)
    while (result === MORE) {
      yield this.wait()
      result = openFeed(feed)
    }
    if (Result.isFailure(result)) throw refuse(result.failure)
    const opened = result.success
    if ("demuxer" in opened) {
      yield* this.readForeign(opened)
      return
    }
    if ("begin" in opened) {
      const { rate } = opened
      if (!(rate >= 1000 && rate <= 1_000_000)) throw refuse(`claims a sample rate of ${rate} Hz`)
      const block = opened.channels * opened.width
      const frames = Math.min(Math.floor(opened.length / block), Math.floor(this.from * rate))
      this.done = this.decoded = this.soundEnd = frames
      this.promised = Math.floor(opened.length / block)
      if (opened.length % block > 0) this.found.push("Its last sample is not whole, and left out.")
      const sound = { begin: opened.begin + frames * block, length: opened.length - frames * block }
      // Integers are sound, whatever they are.
      this.sane.isBounded = opened.coding !== "float"
      yield* pcmBlocks(feed, { ...opened, ...sound })
      return
    }
    this.promised = opened.length
    this.sane.maxPeak = MAX_PEAKS[opened.format] ?? MAX_PEAK
    yield* unmixed(codedBlocks(opened), opened.format)
  }

  /** Waits for more of what is at the front, which has to be in memory all at once. */
  private wait(): typeof MORE {
    if (this.feed.wanted <= this.maxWholeBytes) return MORE
    const limit = count(Math.floor(this.maxWholeBytes / 1e6))
    throw refuse(
      `is of a kind that has to be read whole, and larger than the ${limit} MB allowed: convert it to WAV or FLAC`
    )
  }

  /** Has ffmpeg read it, once all of it has come: half of these formats keep their index at the end. */
  private async *readForeign(foreign: Foreign): AsyncGenerator<PcmBlock | typeof MORE> {
    const { feed, ffmpeg } = this
    if (ffmpeg?.program === undefined) {
      throw refuse(`${adviceOn(foreign)}${ffmpeg === undefined ? "" : ", or install ffmpeg"}`)
    }
    while (!feed.ended && feed.bytes.length < feed.size) {
      feed.wantAll()
      yield this.wait()
    }
    this.found.push(`It is ${foreign.name}, decoded by ffmpeg.`)
    yield* foreignSound(ffmpeg.program, feed.bytes, foreign)
  }

  /** Where samples belong, but for those before the first that is asked for. */
  private *pieces(samples: Float32Array): Generator<Piece> {
    const early = Math.floor(this.from * this.rate) - this.done
    this.done += samples.length
    if (early >= samples.length) return
    const wanted = early > 0 ? samples.subarray(early) : samples
    const isEmpty = !this.sane.holdSound(wanted)
    if (!isEmpty) this.soundEnd = this.done - zerosBehind(wanted)
    yield { start: this.done - wanted.length, samples: wanted, rate: this.rate, isEmpty }
  }
}

/** How many samples at the end are zero. */
const zerosBehind = (samples: Float32Array): number => {
  let at = samples.length
  while (at > 0 && samples[at - 1] === 0) at--
  return samples.length - at
}

async function* unmixed(
  blocks: AsyncGenerator<Block | typeof MORE>,
  format: Format
): AsyncGenerator<PcmBlock | typeof MORE> {
  try {
    for await (const block of blocks) yield block === MORE ? MORE : { ...block, positiveScale: 1 }
  } catch (cause) {
    throw cause instanceof DecodeError ? cause : refuse(whyNot(cause, format))
  }
}
