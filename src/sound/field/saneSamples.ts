import { count } from "../decode/container.ts"
import { refuse } from "../decode/decode.ts"
import { MAX_PEAK } from "../decode/fault.ts"
import { clockOf } from "./clock.ts"

/** The share of a piece's samples that may be no sound: of numbers that are none at all it is nearly all. */
const MOST_ABSURD = 0.01

/** The share of a recording's samples that may be no numbers: what was damaged has sound besides, what is no sound has not. */
const MOST_INVALID = 0.99

/** Makes a recording's samples such as sound has, piece by piece, and remembers what of them was not. */
export class SaneSamples {
  /** Whether no sample can be what sound has not: integers. */
  isBounded = false
  /** How loud a piece may be; where it is less than what is absurd, all of a louder one is wrong. */
  maxPeak = MAX_PEAK
  private seen = 0
  private invalid = 0
  private absurd = 0
  private tooLoud = 0

  /** Makes samples finite, in place, and says whether any of them is not zero. */
  holdSound(samples: Float32Array): boolean {
    this.seen += samples.length
    if (this.isBounded) return !isZero(samples)
    let peak = 0
    let sum = 0
    for (let i = 0; i < samples.length; i++) {
      const size = Math.abs(samples[i]!)
      if (size > peak) peak = size
      sum += size
    }
    if (!(sum < Number.POSITIVE_INFINITY)) peak = this.dropInvalid(samples)
    if (peak > this.maxPeak) {
      if (this.maxPeak === MAX_PEAK) return this.dropAbsurd(samples) > 0
      samples.fill(0)
      this.tooLoud += samples.length
      return false
    }
    return peak > 0
  }

  /** Why there is no sound, which completes "The file", where next to none of the samples so far were numbers. */
  get fault(): string | undefined {
    if (this.invalid <= MOST_INVALID * this.seen) return undefined
    return `holds samples that are not numbers (${count(this.invalid)} of ${count(this.seen)})`
  }

  /** What zeros stand for, a sentence each; `rate`: samples a second. */
  noted(rate: number): ReadonlyArray<string> {
    return [
      ...(this.invalid === 0 ? [] : [`${count(this.invalid)} of its samples are not numbers; zeros stand for them.`]),
      ...(this.absurd === 0
        ? []
        : [
            `${count(this.absurd)} of its samples are over ${count(MAX_PEAK)} times as loud as full scale; zeros stand for them.`
          ]),
      ...(this.tooLoud === 0
        ? []
        : [`${clockOf(this.tooLoud / rate)} of it decode to far more than full scale; zeros stand for them.`])
    ]
  }

  /** Puts zeros where a few numbers are no sound; the peak of the others. */
  private dropAbsurd(samples: Float32Array): number {
    let peak = 0
    let dropped = 0
    for (let i = 0; i < samples.length; i++) {
      const size = Math.abs(samples[i]!)
      if (size <= MAX_PEAK) peak = Math.max(peak, size)
      else {
        samples[i] = 0
        dropped++
      }
    }
    if (dropped > MOST_ABSURD * samples.length) {
      throw refuse(`is over ${count(MAX_PEAK)} times as loud as full scale, so it does not hold sound`)
    }
    this.absurd += dropped
    return peak
  }

  /** Puts zeros where there are no numbers; the peak of the others. */
  private dropInvalid(samples: Float32Array): number {
    let peak = 0
    for (let i = 0; i < samples.length; i++) {
      const size = Math.abs(samples[i]!)
      if (size < Number.POSITIVE_INFINITY) peak = Math.max(peak, size)
      else {
        samples[i] = 0
        this.invalid++
      }
    }
    return peak
  }
}

const isZero = (samples: Float32Array): boolean => {
  for (let i = 0; i < samples.length; i++) if (samples[i] !== 0) return false
  return true
}
