import { WaveFile } from "wavefile"
import type { Clip } from "./clip.ts"

/** The largest 16-bit step. Full scale is 2^15 steps, as in every decoder here, so +1 itself is one step too many. */
const MAX = 32_767
const MIN = -32_768

/**
 * The header of a WAV file of `samples` 16-bit mono samples, as wavefile writes it for none.
 *
 * wavefile packs samples one by one, in 3 ms for 4 seconds, so they are written under its header here.
 */
const makeHeader = (samples: number, sampleRate: number): Uint8Array => {
  const wav = new WaveFile()
  wav.fromScratch(1, sampleRate, "16", new Int16Array(0))
  const header = wav.toBuffer()
  const sizes = new DataView(header.buffer)
  sizes.setUint32(4, header.length - 8 + 2 * samples, true)
  sizes.setUint32(header.length - 4, 2 * samples, true)
  return header
}

/**
 * Writes a clip as a mono 16-bit PCM WAV file.
 *
 * Samples are rounded to the nearest step, halves up. Those that round beyond 16 bits are cut and counted in
 * `clipped`; `peak` is the largest absolute sample before rounding.
 */
export const encodeWav = (
  clip: Clip
): { readonly bytes: Uint8Array; readonly clipped: number; readonly peak: number } => {
  const { samples } = clip
  const header = makeHeader(samples.length, clip.sampleRate)
  const bytes = new Uint8Array(header.length + 2 * samples.length)
  bytes.set(header)
  const steps = new Int16Array(bytes.buffer, header.length)
  let clipped = 0
  let peak = 0
  for (let i = 0; i < steps.length; i++) {
    const sample = samples[i]!
    const size = Math.abs(sample)
    if (size > peak) peak = size
    const step = Math.floor(sample * 32_768 + 0.5)
    if (step > MAX || step < MIN) clipped++
    steps[i] = Math.max(MIN, Math.min(MAX, step))
  }
  return { bytes, clipped, peak }
}
