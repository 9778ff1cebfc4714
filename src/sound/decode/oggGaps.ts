import CodecParser, { type OggPage } from "codec-parser"
import { type Gap, Unreadable } from "./container.ts"
import type { Feed } from "./feed.ts"
import { goesOn, granuleOf, type Page, packetsOf, withoutContinued } from "./oggPages.ts"
import type { Found, Stream } from "./oggStreams.ts"

/** What stands in front of a stream's sound, in bytes, at most: it is kept, since decoders need it again behind damage. */
const MAX_HEAD = 16_000_000

/** Samples of one channel that a packet makes, at most, and packets that end in a page. */
const PACKET_SAMPLES = 65_536
const PAGE_PACKETS = 255

/** Longer silence is not believed to stand for what is lost, whatever pages say. */
const MAX_GAP_SECONDS = 86_400

/** Where a page's sound belongs. */
interface Placed {
  /** What is given of it; nothing where it ends a packet of which the beginning is lost. */
  readonly page: Page | undefined
  /** What is lost in front of it: a decoder of its own goes on, which is given `head` first. */
  readonly gap?: Gap
}

/**
 * Follows the pages of a file that is read in spite of damage, and tells how much of the sound is missing between them: pages
 * say at which sample they end, and by what is decoded of one its beginning is known.
 */
export class OggGaps {
  readonly #feed: Feed
  #stream: Stream | undefined
  /** The pages in front of the sound, and how many of their packets are still to come. */
  #head: Array<Uint8Array> = []
  #headPackets = 0
  /** Of the stream: the samples at which its sound begins, and to which it was given; of the file, those before the stream. */
  #origin = 0
  #end = 0
  #before = 0
  #isBegun = false
  #isLost = false

  constructor(feed: Feed) {
    this.#feed = feed
  }

  place({ page, stream, missing }: Found): Placed {
    if (stream !== this.#stream) this.#begin(stream)
    this.#isLost ||= missing !== 0
    if (this.#headPackets > 0) return this.#placeHead(page)
    const own = this.#isLost ? withoutContinued(page) : page
    const granule = granuleOf(page)
    if (own === undefined || (this.#isLost && granule === undefined)) return { page: undefined }
    if (granule === undefined) return { page: own }
    const end = granule - stream.preSkip
    const gap = this.#isLost ? this.#gapBefore(end - this.#samplesOf(own, this.head), missing) : undefined
    if (!this.#isBegun && gap === undefined) this.#origin = end - this.#samplesOf(own, this.#head)
    this.#isBegun = true
    this.#isLost = false
    this.#end = end
    return gap === undefined ? { page: own } : { page: own, gap }
  }

  /** What a decoder that goes on in the middle is given first: the stream's head, of whose sound nothing is left out. */
  get head(): ReadonlyArray<Uint8Array> {
    if (this.#stream?.format !== "opus") return this.#head
    const [first, ...rest] = this.#head
    const again = first!.slice()
    again.fill(0, 38, 40)
    return [again, ...rest]
  }

  #begin(stream: Stream): void {
    this.#before += this.#end - this.#origin
    this.#stream = stream
    this.#head = []
    this.#headPackets = stream.headPackets
    this.#origin = 0
    this.#end = 0
    this.#isBegun = false
    this.#isLost = false
  }

  #placeHead(page: Page): Placed {
    if (this.#isLost) throw new Unreadable("is damaged: the beginning of its Ogg stream is not whole")
    this.#head.push(page.bytes)
    this.#headPackets -= packetsOf(page).length - (goesOn(page) ? 1 : 0)
    const bytes = this.#head.reduce((sum, { length }) => sum + length, 0)
    if (bytes > MAX_HEAD) throw new Unreadable("has more in front of its sound than a recording has")
    return { page }
  }

  /** What is lost in front of the sample at `begin`. */
  #gapBefore(begin: number, missing: number): Gap {
    const { rate, channels } = this.#stream!
    const most = Math.min(missing * PAGE_PACKETS * PACKET_SAMPLES, MAX_GAP_SECONDS * rate)
    const missed = begin - this.#end
    const lost = missed >= 0 && missed <= most ? missed : 0
    this.#feed.lose(this.#before + this.#end - this.#origin, lost, rate)
    // Streams that were cut begin anywhere.
    this.#origin += missed - lost
    return { lost, rate, channels }
  }

  /** How many samples of each channel a decoder makes of a page behind a head. */
  #samplesOf(page: Page, head: ReadonlyArray<Uint8Array>): number {
    const parsed = new CodecParser("application/ogg", { enableFrameCRC32: false }).parseAll(
      new Uint8Array(Buffer.concat([...head, page.bytes]))
    )
    const last = parsed.at(-1) as OggPage | undefined
    return (last?.codecFrames ?? []).reduce((sum, { samples }) => sum + samples, 0)
  }
}
