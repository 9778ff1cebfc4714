import { WaveFile } from "wavefile"
import type { Clip } from "./clip.ts"

/** The largest 16-bit step. Full scale is 2^15 steps, as in every decoder here, so +1 itself is one step too many. */
const MAX = 32_767
const MIN = -32_768

/**
 * A WAV file of 16-bit mono samples.
 *
 * wavefile packs them one by one, in 3 ms for 4 seconds, so it writes the header alone and they are copied under it.
 */
const wavFile = (samples: Int16Array, sampleRate: number): Uint8Array => {
  const wav = new WaveFile()
  wav.fromScratch(1, sampleRate, "16", new Int16Array(0))
  const header = wav.toBuffer()
  const bytes = new Uint8Array(header.length + samples.byteLength)
  bytes.set(header)
  bytes.set(new Uint8Array(samples.buffer), header.length)
  const sizes = new DataView(bytes.buffer)
  sizes.setUint32(4, bytes.length - 8, true)
  sizes.setUint32(header.length - 4, samples.byteLength, true)
  return bytes
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
  const steps = new Int16Array(clip.samples.length)
  let clipped = 0
  let peak = 0
  for (let i = 0; i < steps.length; i++) {
    const sample = clip.samples[i]!
    const size = Math.abs(sample)
    if (size > peak) peak = size
    const step = Math.floor(sample * 32_768 + 0.5)
    if (step > MAX || step < MIN) clipped++
    steps[i] = Math.max(MIN, Math.min(MAX, step))
  }
  return { bytes: wavFile(steps, clip.sampleRate), clipped, peak }
}
