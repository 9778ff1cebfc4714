import type { Index } from "./mp4Layout.ts"

/** A reader goes on once more bytes of its file are there, as many as it has `wanted`. */
export const MORE = "more"

/** What decoders are given at once. */
const SLICE_BYTES = 1 << 18

/**
 * The bytes of a file, as they come: all of them at once, or piece by piece, so that a recording of a day takes no more
 * memory than one of a minute. Readers take from the front; what they have taken is gone.
 *
 * Readers are generators that yield `MORE` where they need bytes that have not come. So one of them reads both: a file
 * that is at hand has ended, and none is asked for more.
 */
export class Feed {
  /** At hand, and not taken yet. */
  bytes: Uint8Array
  /** Where in the file they begin. */
  start = 0
  /** No more will come. */
  ended: boolean
  /** How many bytes have to be at hand for the reader to go on. */
  wanted = 0
  /** What is wrong with the file, and was read all the same: a sentence each. */
  readonly noted: Array<string> = []
  /** Where in the file the bytes begin that the reader needs next; those in front of them need not come. */
  next = 0
  /** Whether its header names a size that it can hardly have had. */
  isFarOff = false
  /** What is lost of the sound: at how many places, the first of them, and how much together, in seconds. */
  lost: { readonly first: number; places: number; seconds: number } | undefined
  /** What a file holds whose index need not stand in front of its sound, where that was read before. */
  index: Index | undefined
  /** Bytes in front of what is read, which are no part of it. */
  private dropped = 0
  private readonly waiting: Array<Uint8Array> = []
  private waitingBytes = 0

  /** @param total size of the whole file in bytes; @param isStrict whether files that are not whole are refused. */
  private constructor(
    bytes: Uint8Array,
    readonly total: number,
    readonly isStrict: boolean
  ) {
    this.bytes = bytes
    this.ended = isStrict
  }

  /** Bytes of the file, without those dropped. */
  get size(): number {
    return this.total - this.dropped
  }

  /** Leaves out `length` bytes in front, before anything is read: those behind are a file of their own. */
  drop(length: number): void {
    this.dropped += this.take(length).length
  }

  /** A short file, which is used only if it is whole. */
  static whole(bytes: Uint8Array): Feed {
    return new Feed(bytes, bytes.length, true)
  }

  /** A file of so many bytes, of which as much is used as can be read. */
  static growing(size: number, index?: Index): Feed {
    const feed = new Feed(new Uint8Array(0), size, false)
    feed.index = index
    return feed
  }

  /** Adds bytes, which begin at `next` or where those before them ended; whether the reader can go on now. */
  push(bytes: Uint8Array, at = this.received): boolean {
    if (at > this.received) this.start += at - this.received
    this.waiting.push(bytes)
    this.waitingBytes += bytes.length
    const isEnough = this.bytes.length + this.waitingBytes >= this.wanted && this.gather()
    this.next = Math.max(this.next, this.received)
    return isEnough
  }

  /** Says that no more will come. */
  end(): void {
    this.gather()
    this.ended = true
  }

  /** Where in the file the bytes end that have come. */
  private get received(): number {
    return this.start + this.bytes.length + this.waitingBytes
  }

  private gather(): true {
    const parts = [this.bytes, ...this.waiting.splice(0)].filter((part) => part.length > 0)
    const whole = parts.length === 1 ? parts[0]! : new Uint8Array(this.bytes.length + this.waitingBytes)
    if (parts.length > 1) {
      let at = 0
      for (const part of parts) {
        whole.set(part, at)
        at += part.length
      }
    }
    this.bytes = whole
    this.waitingBytes = 0
    return true
  }

  /** Waits for `length` bytes to be at hand, or for the end of the file. */
  *need(length: number): Generator<typeof MORE> {
    while (this.bytes.length < length && !this.ended) {
      this.wanted = length
      yield MORE
    }
  }

  /** Goes on behind the next `length` bytes, which may not have come. */
  *skip(length: number): Generator<typeof MORE> {
    const target = this.start + length
    for (;;) {
      this.take(target - this.start)
      if (this.start >= target || this.ended) return
      this.next = target
      this.wanted = 1
      yield MORE
    }
  }

  /** Asks for so many bytes from the front, as far as the file has them, before what is at hand is read again. */
  want(length: number): typeof MORE {
    this.wanted = Math.min(length, this.size)
    return MORE
  }

  /** Asks for the whole file, which cannot be read from the front. */
  wantAll(): typeof MORE {
    return this.want(this.size)
  }

  /** A header for the decoder, then the sound that begins at a byte of the file, in pieces. */
  *slices(header: Uint8Array, begin: number, length: number): Generator<Uint8Array | typeof MORE> {
    yield header
    yield* this.skip(begin)
    for (let left = length; left > 0; ) {
      yield* this.need(Math.min(left, SLICE_BYTES))
      const piece = this.take(Math.min(left, SLICE_BYTES))
      if (piece.length === 0) return
      left -= piece.length
      yield piece
    }
  }

  /** Takes the first `length` bytes at hand. */
  take(length: number): Uint8Array {
    const taken = this.bytes.subarray(0, length)
    this.bytes = this.bytes.subarray(length)
    this.start += taken.length
    return taken
  }

  /** Says that so many samples from the one at `at` are lost, and silence stands for them. */
  lose(at: number, samples: number, rate: number): void {
    this.lost ??= { first: at / rate, places: 0, seconds: 0 }
    this.lost.places++
    this.lost.seconds += samples / rate
  }

  /**
   * Whether the file is used in spite of this, which is the end of a sentence that begins with "the file ": a short one only
   * where the header `isFarOff`, so that it does not tell of a file that lost its end.
   */
  forgives(fault: string, isFarOff = false): boolean {
    if (this.isStrict && !isFarOff) return false
    this.noted.push(`It ${fault}.`)
    this.isFarOff ||= isFarOff
    return true
  }
}
