import { Mixer } from "../decode/mix.ts"
import type { PcmBlock } from "../decode/pcm.ts"

/** What is held of unlike channels until it is known whether they cancel each other out. */
const HELD_SECONDS = 30
/** And no more samples of all channels than this: 64 MiB. */
const HELD_SAMPLES = 1 << 24

/**
 * Mixes the channels of a long recording to one, by the rule for clips, 30 s at a time.
 *
 * Channels that cancel each other out do so from the first to the last sample, since it is a matter of how a microphone
 * is wired; yet it cannot be told from silence. So each 30 s are held until it is known of them, and what is found once
 * holds for all that follows. A recording of no more than 30 s is mixed as a clip is.
 */
export class BlockMixer {
  /** Of the channel, from 0, that is used alone, and the sample from which on. */
  alone: { readonly channel: number; readonly from: number } | undefined
  private held: Array<PcmBlock> = []
  private mixer = new Mixer()
  private mixed: Array<Float32Array> = []
  private heldLength = 0
  private done = 0

  /** Takes a block and gives what can be mixed, in order. */
  add(block: PcmBlock): ReadonlyArray<Float32Array> {
    const { channels, rate, positiveScale } = block
    const length = channels[0]!.length
    if (this.alone !== undefined || (channels.length === 1 && this.held.length === 0)) {
      this.done += length
      return [new Mixer(this.alone?.channel).mix(channels, positiveScale)]
    }
    this.held.push(block)
    this.mixed.push(this.mixer.mix(channels, positiveScale))
    this.heldLength += length
    const isEnough = this.heldLength >= HELD_SECONDS * rate || this.heldLength * channels.length >= HELD_SAMPLES
    return isEnough ? this.end() : []
  }

  /** Gives what is held. */
  end(): ReadonlyArray<Float32Array> {
    const { held, mixed, mixer } = this
    const channel = held.length === 0 ? undefined : mixer.cancelling
    if (channel !== undefined) this.alone = { channel, from: this.done }
    this.done += this.heldLength
    this.held = []
    this.mixed = []
    this.mixer = new Mixer()
    this.heldLength = 0
    if (channel === undefined) return mixed
    return held.map(({ channels, positiveScale }) => new Mixer(channel).mix(channels, positiveScale))
  }
}
