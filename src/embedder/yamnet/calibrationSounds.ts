import { SAMPLE_RATE } from "../../sound/clip.ts"
import { type Random, seededRandom } from "../../sound/random.ts"
import { logMelPatches } from "./logMel.ts"

// Two patches a sound.
const SECONDS = 1.44
const LENGTH = SECONDS * SAMPLE_RATE

const between = (random: Random, low: number, high: number): number => low + (high - low) * random()

/** As often from one octave as from the next. */
const octaves = (random: Random, low: number, high: number): number => low * (high / low) ** random()

/** White noise less what lies above one frequency and below another, by one pole each; its root mean square is 1. */
const noise = (random: Random, high: number, low: number): Float64Array => {
  const [upper, lower] = [high, low].map((cutoff) => 1 - Math.exp((-2 * Math.PI * cutoff) / SAMPLE_RATE))
  const out = new Float64Array(LENGTH)
  let [smooth, slow, energy] = [0, 0, 0]
  for (let n = 0; n < LENGTH; n++) {
    smooth += upper! * (2 * random() - 1 - smooth)
    slow += lower! * (smooth - slow)
    out[n] = smooth - slow
    energy += out[n]! ** 2
  }
  return out.map((value) => value / Math.sqrt(energy / LENGTH))
}

/** Adds one call: partials of a gliding pitch, roughened by noise, that rise and die away within `seconds`. */
const addCall = (out: Float64Array, random: Random): void => {
  const seconds = octaves(random, 0.02, 1.5)
  const start = Math.floor(between(random, -0.2, 0.9) * LENGTH)
  const level = octaves(random, 0.02, 2)
  const [pitch, glide] = [octaves(random, 60, 4000), between(random, -1, 1)]
  const partials = 1 + Math.floor(random() * 8)
  const breath = noise(random, octaves(random, 300, 8000), 50)
  const rough = random() ** 2
  const attack = octaves(random, 0.002, 0.3)
  let phase = random()
  for (let n = Math.max(0, start); n < LENGTH; n++) {
    const t = (n - start) / SAMPLE_RATE / seconds
    const envelope = Math.min(1, t / attack) * Math.exp(-3 * t)
    const frequency = pitch * 2 ** (glide * Math.min(t, 1))
    phase += frequency / SAMPLE_RATE
    let voice = 0
    for (let partial = 1; partial <= partials && partial * frequency < SAMPLE_RATE / 2; partial++)
      voice += Math.sin(2 * Math.PI * partial * phase) / partial
    out[n]! += level * envelope * ((1 - rough) * voice + rough * breath[n]!)
  }
}

/** Adds short pulses, evenly or not, as engines and hammers make them. */
const addPulses = (out: Float64Array, random: Random): void => {
  const [rate, uneven] = [octaves(random, 2, 60), random() ** 2]
  const [ring, decay, level] = [octaves(random, 60, 3000), octaves(random, 0.002, 0.05), octaves(random, 0.05, 2)]
  for (
    let at = (random() * SAMPLE_RATE) / rate;
    at < LENGTH;
    at += (SAMPLE_RATE / rate) * (1 + uneven * (random() - 0.5))
  ) {
    const onset = Math.ceil(at)
    for (let n = onset; n < Math.min(LENGTH, onset + 5 * decay * SAMPLE_RATE); n++) {
      const t = (n - onset) / SAMPLE_RATE
      out[n]! += level * Math.exp(-t / decay) * Math.cos(2 * Math.PI * ring * t)
    }
  }
}

const sound = (seed: number): Float32Array => {
  const random = seededRandom(seed)
  const out = noise(random, octaves(random, 200, 8000), octaves(random, 10, 200)).map((value) => value * 0.3)
  const floor = octaves(random, 0.003, 1)
  for (let n = 0; n < LENGTH; n++) out[n]! *= floor
  for (let calls = Math.floor(random() * 5); calls > 0; calls--) addCall(out, random)
  if (random() < 0.3) addPulses(out, random)
  const peak = out.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
  const level = octaves(random, 0.01, 1)
  return Float32Array.from(out, (value) => (level * value) / peak)
}

/** Log-mel patches [2 * sounds * 96 * 64] of made sounds: calls, pulses and noise at many levels. Always the same ones. */
export const calibrationPatches = (sounds: number): Float32Array => {
  const all = Array.from({ length: sounds }, (_, at) => logMelPatches(sound(9000 + at)))
  const patches = new Float32Array(all.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const some of all) {
    patches.set(some, at)
    at += some.length
  }
  return patches
}
