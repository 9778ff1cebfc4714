import { SAMPLE_RATE } from "../../sound/clip.ts"
import type { Random } from "../../sound/random.ts"

const between = (random: Random, low: number, high: number): number => low + (high - low) * random()

/** White noise through a one-pole low-pass at `cutoff` Hz. */
export const noise = (random: Random, length: number, cutoff: number): Float32Array => {
  const pole = Math.exp((-2 * Math.PI * cutoff) / SAMPLE_RATE)
  const out = new Float32Array(length)
  for (let i = 1; i < length; i++) out[i] = pole * out[i - 1]! + (1 - pole) * between(random, -1, 1)
  return normalise(out)
}

/** One to three shots: a sharp crack, a low thump, and a decaying echo. */
export const gunShot = (random: Random, length: number): Float32Array => {
  const out = new Float32Array(length)
  const crack = noise(random, length, between(random, 2000, 7000))
  const thump = between(random, 60, 180)
  const decay = between(random, 0.03, 0.25)
  const echo = between(random, 0.05, 0.5)
  for (let shots = 1 + Math.floor(random() * 3); shots > 0; shots--) {
    const onset = Math.floor(between(random, 0, 0.8) * length)
    for (let i = onset; i < length; i++) {
      const t = (i - onset) / SAMPLE_RATE
      const body = crack[i - onset]! + 0.7 * Math.sin(2 * Math.PI * thump * t)
      out[i]! += body * (Math.exp(-t / decay) + 0.2 * echo * Math.exp(-t / (4 * decay)))
    }
  }
  return normalise(out)
}

/** A few barks: harmonic bursts whose pitch falls, roughened by breath noise. */
export const dogBark = (random: Random, length: number): Float32Array => {
  const out = new Float32Array(length)
  const pitch = between(random, 250, 900)
  const breath = noise(random, length, 3500)
  const rough = between(random, 0.1, 0.8)
  for (let barks = 1 + Math.floor(random() * 4); barks > 0; barks--) {
    const onset = Math.floor(between(random, 0, 0.85) * length)
    const span = between(random, 0.08, 0.25)
    let phase = 0
    for (let i = onset; i < Math.min(length, onset + Math.floor(span * SAMPLE_RATE)); i++) {
      const t = (i - onset) / SAMPLE_RATE / span
      phase += (2 * Math.PI * pitch * (1.25 - 0.5 * t)) / SAMPLE_RATE
      let voice = 0
      for (let harmonic = 1; harmonic <= 6; harmonic++) voice += Math.sin(harmonic * phase) / harmonic
      out[i]! += Math.sin(Math.PI * t) * (voice + rough * breath[i]!)
    }
  }
  return normalise(out)
}

/** An idling engine: uneven low pulses over rumble. */
export const engineIdling = (random: Random, length: number): Float32Array => {
  const out = noise(random, length, between(random, 150, 900))
  const rate = between(random, 12, 45)
  const knock = between(random, 0.3, 1.5)
  const ring = between(random, 80, 400)
  for (let at = 0; at < length; at += (SAMPLE_RATE / rate) * between(random, 0.93, 1.07)) {
    const onset = Math.floor(at)
    for (let i = onset; i < Math.min(length, onset + 800); i++) {
      const t = (i - onset) / SAMPLE_RATE
      out[i]! += knock * Math.sin(2 * Math.PI * ring * t) * Math.exp(-t / 0.012)
    }
  }
  return normalise(out)
}

const normalise = (samples: Float32Array): Float32Array => {
  const peak = samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0)
  return peak === 0 ? samples : samples.map((sample) => sample / peak)
}
