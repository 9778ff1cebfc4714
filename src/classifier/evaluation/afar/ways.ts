import { lowPass } from "../../../augment/lowPass.ts"
import { type Random, seededRandom } from "../../../sound/random.ts"
import { sha256 } from "../../../store/sha256.ts"
import { loudestPart, power } from "../field/loudest.ts"
import type { FieldSound } from "../field/soundscape.ts"
import { throughForest } from "./forest.ts"

/** A way in which a recording made nearby is heard as if from afar, or by another recorder. */
export interface Way {
  /** As people ask for it: `0dB`, `2kHz`, `forest`, `quiet`. */
  readonly name: string
  /** Whether it is mixed into another source's background. */
  readonly isMixed: boolean
  /** As many samples, or more; `background` is for what is mixed. */
  readonly hear: (sound: CloseSound) => Float32Array
}

/** A recording made nearby, and what hearing it from afar may draw on. */
interface CloseSound {
  readonly samples: Float32Array
  /** In Hz. */
  readonly sampleRate: number
  readonly background: Float32Array
  readonly random: Random
}

/** What is asked for unless something else is. */
export const WAYS = ["10dB", "5dB", "0dB", "-5dB", "4kHz", "2kHz", "1kHz", "forest", "quiet"] as const

/** 20 dB less, as another recorder's gain or ten times the distance makes it. */
const QUIET = 0.1

/** In kHz: below, hardly anything is left. */
const LOWEST = 0.1

/** The way that a name means; undefined for one that means none. */
export const wayOf = (name: string): Way | undefined => {
  const ratio = /^(-?\d+(?:\.\d+)?)dB$/.exec(name)?.[1]
  if (ratio !== undefined) return { name, isMixed: true, hear: (sound) => mix(sound, Number(ratio)) }
  const cutoff = Number(/^(\d+(?:\.\d+)?)kHz$/.exec(name)?.[1])
  if (cutoff >= LOWEST) return alone(name, ({ samples, sampleRate }) => lowPass(samples, sampleRate, 1000 * cutoff))
  if (name === "forest") {
    return alone(name, ({ samples, sampleRate, random }) => throughForest(samples, sampleRate, 2 ** 32 * random()))
  }
  if (name === "quiet") return alone(name, ({ samples }) => samples.map((sample) => QUIET * sample))
  return undefined
}

const alone = (name: string, hear: Way["hear"]): Way => ({ name, isMixed: false, hear })

/**
 * Sound in a background that is quieter than its loudest second by so many dB, from a drawn place on and again and again.
 * Both together are as loud as the sound was, so that the ratio is all that changes.
 */
const mix = ({ samples, sampleRate, background, random }: CloseSound, ratio: number): Float32Array => {
  const gain = Math.sqrt(power(loudestPart(samples, sampleRate)) / power(background) / 10 ** (ratio / 10))
  const start = Math.floor(random() * background.length)
  const mixed = samples.map((sample, at) => sample + gain * background[(start + at) % background.length]!)
  const level = Math.sqrt(power(samples) / power(mixed))
  return mixed.map((sample) => level * sample)
}

/**
 * A recording heard in each of these ways, in their order; undefined where there is no other source's background to mix it
 * with. What is drawn depends on the seed, the recording's key and the way alone.
 */
export const hearAfar = (
  ways: ReadonlyArray<Way>,
  key: string,
  { source, samples }: FieldSound,
  sampleRate: number,
  backgrounds: ReadonlyArray<FieldSound>,
  seed: number
): ReadonlyArray<Float32Array | undefined> => {
  const sources = [...Map.groupBy(backgrounds, (own) => own.source)].filter(([own]) => own !== source)
  return ways.map(({ name, isMixed, hear }) => {
    const random = seededRandom(Number.parseInt(sha256(`${seed} ${name} ${key}`).slice(0, 8), 16))
    if (!isMixed) return hear({ samples, sampleRate, background: samples, random })
    if (sources.length === 0) return undefined
    const [, own] = sources[Math.floor(random() * sources.length)]!
    const { samples: background } = own[Math.floor(random() * own.length)]!
    return hear({ samples, sampleRate, background, random })
  })
}
