import { WaveFile } from "wavefile"
import type { Clip } from "./clip.ts"
import { floatsAt, kernels, Room } from "./kernels/kernels.ts"

/** Headers as wavefile writes them for no samples, by rate: it takes as long for one as the samples take. */
const empty = new Map<number, Uint8Array>()
const emptyAt = (sampleRate: number): Uint8Array => {
  const known = empty.get(sampleRate)
  if (known !== undefined) return known
  const wav = new WaveFile()
  wav.fromScratch(1, sampleRate, "16", new Int16Array(0))
  const header = wav.toBuffer()
  empty.set(sampleRate, header)
  return header
}

/**
 * The header of a WAV file of `samples` 16-bit mono samples.
 *
 * wavefile packs samples one by one, which is slow (docs/decisions/front-end.md), so they are written under its header here.
 */
const makeHeader = (samples: number, sampleRate: number): Uint8Array => {
  const header = emptyAt(sampleRate).slice()
  const sizes = new DataView(header.buffer)
  sizes.setUint32(4, header.length - 8 + 2 * samples, true)
  sizes.setUint32(header.length - 4, 2 * samples, true)
  return header
}

/** Writes a clip as a mono WAV file of 32-bit floats, to the bit. */
export const encodeFloatWav = ({ samples, sampleRate }: Clip): Uint8Array => {
  const wav = new WaveFile()
  wav.fromScratch(1, sampleRate, "32f", new Float32Array(0))
  const header = wav.toBuffer()
  const bytes = new Uint8Array(header.length + 4 * samples.length)
  bytes.set(header)
  const fields = new DataView(bytes.buffer)
  fields.setUint32(4, bytes.length - 8, true)
  fields.setUint32(header.length - 4, 4 * samples.length, true)
  bytes.set(new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength), header.length)
  return bytes
}

/**
 * Writes a clip as a mono 16-bit PCM WAV file.
 *
 * Full scale is 2^15 steps, as in every decoder here, so +1 itself is one step too many. Samples are rounded to the
 * nearest step, halves to the even one. Those that round beyond 16 bits are cut and counted in
 * `clipped`; `peak` is the largest absolute sample before rounding.
 */
export const encodeWav = (
  clip: Clip
): { readonly bytes: Uint8Array; readonly clipped: number; readonly peak: number } => {
  const { samples, sampleRate } = clip
  const header = makeHeader(samples.length, sampleRate)
  const bytes = new Uint8Array(header.length + 2 * samples.length)
  bytes.set(header)
  using room = new Room()
  const length = Math.ceil(samples.length / 8) * 8
  const placed = room.place(samples, 0, length - samples.length)
  const steps = room.allocate(2 * length)
  const encoded = room.record([], [0, 0])
  kernels.encode(placed, length, steps, encoded)
  bytes.set(new Uint8Array(kernels.memory.buffer, steps, 2 * samples.length), header.length)
  const clipped = new Int32Array(kernels.memory.buffer, encoded, 1)[0]!
  return { bytes, clipped, peak: floatsAt(encoded + 4, 1)[0]! }
}
