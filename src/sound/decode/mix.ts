/** Below this share of the energy that unlike channels leave in their mean, they cancel: 6 dB are lost. */
const CANCELLING = 0.25

/** Of this many samples so many are looked at, all at once: events of 20 ms are not missed, and the cost is lost. */
const STRIDE = 1024
const LOOK = 64

/** The energy of a signal about its mean, as it comes, by a look at it in every stride. */
class Energy {
  private count = 0
  private sum = 0
  private squares = 0

  add(samples: Float32Array): void {
    let count = 0
    let sum = 0
    let squares = 0
    for (let from = 0; from < samples.length; from += STRIDE) {
      const to = Math.min(from + LOOK, samples.length)
      for (let i = from; i < to; i++) {
        const sample = samples[i]!
        sum += sample
        squares += sample * sample
      }
      count += to - from
    }
    this.count += count
    this.sum += sum
    this.squares += squares
  }

  get mean(): number {
    return this.squares / this.count - (this.sum / this.count) ** 2
  }
}

/**
 * Mixes the channels of a recording to one, piece by piece: their mean, or a single one of them.
 *
 * Where channels are the reverse of each other, as from a balanced microphone in a stereo socket, nothing is left in the
 * mean. Whether that is so only shows at the end: then the recording is read again, with `cancelling` for `channel`.
 */
export class Mixer {
  private channels: ReadonlyArray<Energy> = []
  private readonly mean = new Energy()

  constructor(private readonly channel?: number) {}

  /** @param positiveScale what samples above zero are multiplied by. */
  mix(channels: ReadonlyArray<Float32Array>, positiveScale = 1): Float32Array {
    const chosen = this.channel === undefined ? channels : channels.slice(this.channel, this.channel + 1)
    const mono = meanOf(chosen, positiveScale)
    if (chosen.length > 1) {
      if (this.channels.length === 0) this.channels = chosen.map(() => new Energy())
      this.channels.forEach((energy, i) => {
        if (chosen[i] !== undefined) energy.add(chosen[i])
      })
      this.mean.add(mono)
    }
    return mono
  }

  /** The first channel, from 0, that is about as loud as any, if the channels that were mixed cancel each other. */
  get cancelling(): number | undefined {
    const energies = this.channels.map(({ mean }) => mean)
    const unlike = energies.reduce((sum, energy) => sum + energy, 0) / energies.length ** 2
    if (!(this.mean.mean < CANCELLING * unlike)) return undefined
    const loud = 0.9 * energies.reduce((most, energy) => Math.max(most, energy))
    return energies.findIndex((energy) => energy >= loud)
  }
}

/** The mean of all channels; a single one is given as it is. */
const meanOf = (channels: ReadonlyArray<Float32Array>, positiveScale: number): Float32Array => {
  if (channels.length === 1 && positiveScale === 1) return channels[0]!
  const mono = new Float32Array(channels[0]?.length ?? 0)
  for (const channel of channels) {
    if (positiveScale === 1) add(mono, channel, 1 / channels.length)
    else addScaled(mono, channel, 1 / channels.length, positiveScale)
  }
  return mono
}

const add = (mono: Float32Array, channel: Float32Array, share: number): void => {
  for (let i = 0; i < mono.length; i++) mono[i] = mono[i]! + channel[i]! * share
}

const bitsOf = ({ buffer, byteOffset, length }: Float32Array) => new Uint32Array(buffer, byteOffset, length)

/** By a table of two, since nobody, and no processor, can guess on which side of zero the next sample is. */
const addScaled = (mono: Float32Array, channel: Float32Array, share: number, positiveScale: number): void => {
  const scales = Float64Array.of(positiveScale, 1)
  const bits = bitsOf(channel)
  for (let i = 0; i < mono.length; i++) mono[i] = mono[i]! + channel[i]! * share * scales[bits[i]! >>> 31]!
}

/** Multiplies the samples above zero, where they are. */
export const scaleBack = (samples: Float32Array, positiveScale: number): void => {
  if (positiveScale === 1) return
  const scales = Float64Array.of(positiveScale, 1)
  const bits = bitsOf(samples)
  for (let i = 0; i < samples.length; i++) samples[i] = samples[i]! * scales[bits[i]! >>> 31]!
}
