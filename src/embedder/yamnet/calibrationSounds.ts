import { SAMPLE_RATE } from "../../sound/clip.ts"
import { type Random, seededRandom } from "../../sound/random.ts"
import { FIRST_PATCH, logMelPatches, PATCH_SIZE } from "./logMel.ts"

const COUNT = 32

/**
 * Log-mel patches [32, 96, 64] of made sounds of all kinds and levels: noise, voices of many harmonics, chirps and knocks,
 * alone and mixed. They are the same everywhere, so that equal weights are rounded to equal whole numbers, and cost a run
 * no recording's second decoding.
 */
export const calibrationPatches = (): Float32Array => {
  const random = seededRandom(1)
  const patches = new Float32Array(COUNT * PATCH_SIZE)
  for (let at = 0; at < COUNT; at++) {
    const sound = SOUNDS[at % SOUNDS.length]!(random)
    const other = SOUNDS[Math.floor(random() * SOUNDS.length)]!(random)
    const share = at < COUNT / 2 ? 0 : random()
    // From -46 dB to full scale.
    const level = 10 ** (-2.3 * random())
    patches.set(logMelPatches(sound.map((value, n) => level * (value + share * other[n]!))), at * PATCH_SIZE)
  }
  return patches
}

const between = (random: Random, low: number, high: number): number => low * (high / low) ** random()

const make = (value: (t: number) => number): Float32Array => {
  const samples = Float32Array.from({ length: FIRST_PATCH }, (_, n) => value(n / SAMPLE_RATE))
  const most = samples.reduce((highest, sample) => Math.max(highest, Math.abs(sample)), 1e-9)
  return samples.map((sample) => sample / most)
}

const filteredNoise = (random: Random) => {
  const pole = Math.exp((-2 * Math.PI * between(random, 100, 8000)) / SAMPLE_RATE)
  let state = 0
  return make(() => {
    state = pole * state + (1 - pole) * (2 * random() - 1)
    return state
  })
}

/** Harmonics, gliding and swelling, the higher ones the softer, as voices, barks and engines have. */
const voice = (random: Random) => {
  const [pitch, glide, tilt] = [between(random, 40, 1200), 0.6 * (random() - 0.5), 0.9 * random()]
  const [beat, depth, onset] = [between(random, 1, 40), random(), 0.5 * random()]
  // The sum of so many cosines has a closed form (Dirichlet's kernel), which is softened above.
  const harmonics = Math.floor(7000 / pitch)
  let softened = 0
  return make((t) => {
    const half = Math.PI * pitch * (t + glide * t * t)
    const sine = Math.sin(half)
    const sum = Math.abs(sine) < 1e-6 ? 2 * harmonics : Math.sin((2 * harmonics + 1) * half) / sine - 1
    softened = tilt * softened + (1 - tilt) * sum
    return t < onset ? 0 : softened * (1 - depth * Math.sin(Math.PI * beat * t) ** 2)
  })
}

const chirp = (random: Random) => {
  const [from, to, times] = [between(random, 500, 7000), between(random, 500, 7000), Math.ceil(6 * random())]
  return make((t) => {
    const place = (t * times) % 1
    return (
      Math.sin((2 * Math.PI * (from * place + ((to - from) * place * place) / 2)) / times) * Math.sin(Math.PI * place)
    )
  })
}

const knocks = (random: Random) => {
  const [first, decay, every] = [0.7 * random(), between(random, 0.005, 0.2), between(random, 0.05, 1)]
  const [ring, share] = [between(random, 60, 4000), random()]
  return make((t) => {
    const since = (t - first) % every
    if (t < first) return 0
    return Math.exp(-since / decay) * (share * (2 * random() - 1) + (1 - share) * Math.sin(2 * Math.PI * ring * since))
  })
}

const SOUNDS: ReadonlyArray<(random: Random) => Float32Array> = [filteredNoise, voice, chirp, knocks, voice]
