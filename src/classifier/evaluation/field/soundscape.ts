import { addNormal } from "../../../augment/normalDeviates.ts"
import { type Random, seededRandom } from "../../../sound/random.ts"
import { fadedPower, loudestPart, power, ramp } from "./loudest.ts"

/** A recording of a corpus, decoded: a soundscape is made of such. */
export interface FieldSound {
  readonly className: string
  /** The source that it was cut from. */
  readonly source: string
  /** Mono, at the soundscape's rate. */
  readonly samples: Float32Array
}

/** What a soundscape is like; equal settings and sounds give equal samples. */
export interface SoundscapeSettings {
  readonly seconds: number
  /** In Hz. */
  readonly sampleRate: number
  /** Events in an hour, of all classes together; those that would lie closer than a second to another are left out. */
  readonly perHour: number
  /** Signal-to-noise ratios in dB are drawn evenly between these. */
  readonly snr: readonly [least: number, most: number]
  /** Seconds of an event at most: it is cut to its loudest part. */
  readonly eventSeconds: (className: string) => number
  readonly seed: number
}

/** An event that is known to be in a recording. */
export interface TrueEvent {
  /** Seconds from the recording's start. */
  readonly start: number
  readonly end: number
  readonly class: string
  /** The source that it comes from. */
  readonly source: string
  /** In dB against the background under it; absent where nobody knows. */
  readonly snr?: number
}

/** From here on, until the next begins, the background is of this source. */
export interface BedPart {
  readonly start: number
  readonly source: string
}

/** A long recording whose events are known, made as it is heard. */
export interface Soundscape {
  readonly seconds: number
  readonly events: ReadonlyArray<TrueEvent>
  readonly bed: ReadonlyArray<BedPart>
  /** So many samples from this one on; the same ones however they are asked for. */
  readonly render: (from: number, length: number) => Float32Array
  /** The events alone, as they are in it. */
  readonly foreground: (from: number, length: number) => Float32Array
}

/** The background's level: -40 dB of full scale. */
const BED_LEVEL = 0.01
/** What a recorder adds of its own. */
const HISS = 0.001
/** Seconds over which one background goes over into the next, and an event comes and goes. */
const CROSSFADE = 0.5
const EVENT_FADE = 0.01
/** Seconds between two events at least. */
const APART = 1
/** Quieter recordings hold nothing to be heard. */
const SILENT = 1e-9

/** A sound at its place, in samples. */
interface Placed {
  readonly at: number
  readonly samples: Float32Array
  readonly gain: number
  /** Samples over which it comes, and goes. */
  readonly fade: number
}

/**
 * Lays events of a corpus into its own background: backgrounds one after the other, cross-faded, all at one level, with a
 * little hiss; events cut to their loudest part, faded in and out and never overlapping. Of each, first the class is drawn,
 * then the source, then the recording. Undefined where there is no background or no event that can be heard.
 */
export const makeSoundscape = (
  backgrounds: ReadonlyArray<FieldSound>,
  sounds: ReadonlyArray<FieldSound>,
  settings: SoundscapeSettings
): Soundscape | undefined => {
  const { sampleRate, seed } = settings
  const beds = bySource(backgrounds.filter(isHeard))
  const kinds = [...Map.groupBy(sounds.filter(isHeard), ({ className }) => className).values()].map(bySource)
  if (beds.length === 0 || kinds.length === 0) return undefined
  const random = seededRandom(seed)
  const length = Math.floor(settings.seconds * sampleRate)
  const bed = layBed(beds, length, sampleRate, random)
  const hear = renderer(bed, sampleRate, seed)
  const events: Array<TrueEvent> = []
  const placed: Array<Placed> = []
  const drawn = poisson((settings.perHour * settings.seconds) / 3600, random)
  for (let draw = 0; draw < drawn; draw++) {
    const sound = drawSound(oneOf(kinds, random), random)
    const part = loudestPart(sound.samples, Math.round(settings.eventSeconds(sound.className) * sampleRate))
    const fade = Math.min(Math.round(EVENT_FADE * sampleRate), Math.floor(part.length / 2))
    const at = Math.floor(random() * (length - part.length))
    const snr = settings.snr[0] + random() * (settings.snr[1] - settings.snr[0])
    const [start, end] = [at / sampleRate, (at + part.length) / sampleRate]
    if (at < 0 || events.some((other) => start < other.end + APART && end > other.start - APART)) continue
    const gain = Math.sqrt((power(hear(at, part.length)) * 10 ** (snr / 10)) / fadedPower(part, fade))
    placed.push({ at, samples: part, gain, fade })
    events.push({ start, end, class: sound.className, source: sound.source, snr })
  }
  const lay = (samples: Float32Array, from: number): Float32Array => {
    for (const sound of placed) mixIn(samples, from, sound)
    return samples
  }
  return {
    seconds: length / sampleRate,
    events: events.sort((a, b) => a.start - b.start),
    bed: bed.map(({ at, source }) => ({ start: at / sampleRate, source })),
    render: (from, count) => limit(lay(hear(from, count), from)),
    foreground: (from, count) => lay(new Float32Array(count), from)
  }
}

const isHeard = ({ samples }: FieldSound): boolean => power(samples) > SILENT

/** Sounds by their sources. */
const bySource = (sounds: ReadonlyArray<FieldSound>): ReadonlyArray<ReadonlyArray<FieldSound>> => [
  ...Map.groupBy(sounds, ({ source }) => source).values()
]

const oneOf = <A>(values: ReadonlyArray<A>, random: Random): A => values[Math.floor(random() * values.length)]!

const drawSound = (sources: ReadonlyArray<ReadonlyArray<FieldSound>>, random: Random): FieldSound =>
  oneOf(oneOf(sources, random), random)

const layBed = (
  sources: ReadonlyArray<ReadonlyArray<FieldSound>>,
  length: number,
  sampleRate: number,
  random: Random
): ReadonlyArray<Placed & { readonly source: string }> => {
  const bed: Array<Placed & { readonly source: string }> = []
  for (let at = 0; at < length; ) {
    const { samples, source } = drawSound(sources, random)
    const fade = Math.min(Math.floor(CROSSFADE * sampleRate), Math.floor(samples.length / 2))
    bed.push({ at, samples, gain: BED_LEVEL / Math.sqrt(power(samples)), fade, source })
    at += Math.max(1, samples.length - fade)
  }
  return bed
}

/** The background alone, at any place. */
const renderer = (bed: ReadonlyArray<Placed>, sampleRate: number, seed: number) => {
  const hiss = new Float32Array(sampleRate)
  return (from: number, length: number) => {
    const samples = new Float32Array(length)
    for (const sound of bed) mixIn(samples, from, sound)
    // Hiss is drawn second by second, so that it is the same wherever a reader begins.
    for (let second = Math.floor(from / sampleRate); second * sampleRate < from + length; second++) {
      addNormal(hiss.fill(0), HISS, (Math.imul(seed + 1, 0x9e3779b9) + second) | 0)
      mixIn(samples, from, { at: second * sampleRate, samples: hiss, gain: 1, fade: 0 })
    }
    return samples
  }
}

const mixIn = (samples: Float32Array, from: number, { at, samples: own, gain, fade }: Placed): void => {
  const start = Math.max(from, at)
  const end = Math.min(from + samples.length, at + own.length)
  if (start >= end) return
  const first = start - at
  const into = samples.subarray(start - from, end - from)
  const sound = own.subarray(first, end - at)
  const rampUntil = Math.min(into.length, Math.max(0, fade - first))
  const rampFrom = Math.min(into.length, Math.max(rampUntil, own.length - fade - first))
  for (let i = 0; i < rampUntil; i++) into[i]! += gain * ramp(first + i, own.length, fade) * sound[i]!
  for (let i = rampUntil; i < rampFrom; i++) into[i]! += gain * sound[i]!
  for (let i = rampFrom; i < into.length; i++) into[i]! += gain * ramp(first + i, own.length, fade) * sound[i]!
}

/** Holds samples to full scale, in place. */
const limit = (samples: Float32Array): Float32Array => {
  for (let i = 0; i < samples.length; i++) {
    const sample = samples[i]!
    if (sample > 1) samples[i] = 1
    else if (sample < -1) samples[i] = -1
  }
  return samples
}

/** How many events there are where so many are expected (Knuth, by sums of waiting times). */
const poisson = (expected: number, random: Random): number => {
  let [count, waited] = [-1, 0]
  while (waited <= expected) {
    waited -= Math.log(1 - random())
    count++
  }
  return count
}
