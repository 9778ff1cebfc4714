import type { FrontEnd } from "../embedder/frontEnd.ts"
import type { Clip } from "../sound/clip.ts"
import { FieldDecoder, type Piece } from "../sound/field/fieldDecoder.ts"
import { concatenate } from "../sound/floats.ts"
import { resample } from "../sound/resample.ts"
import { isFlat } from "../sound/silence.ts"
import { WindowCutter } from "./field/windowCutter.ts"

/** Seconds whose windows are in memory at once, 31 MB of YAMNet's: of what is longer still, the loudest so many are used. */
const MOST_SECONDS = 600
const BLOCK_BYTES = 1 << 20

/** A clip that is longer than others may be. */
export interface LongClip {
  /** Of the sound that is used. */
  readonly seconds: number
  /** Of all of its windows, [n * patchSize]. */
  readonly patches: Float32Array
  /** Its loudest stretch, as long as clips are at most: what variants are made of. */
  readonly loudest: Clip
  readonly isFlat: boolean
  /** What was done with it, and what is wrong with it: a sentence each. */
  readonly notes: ReadonlyArray<string>
}

/**
 * Decodes a clip of any length as a stream, twice: to find where it is loudest, then for its windows. So memory does not grow
 * with it. What is damaged is silence, which counts for nothing where windows count by their energy.
 *
 * @param stretch seconds of the loudest stretch. Fails with a `DecodeError` where there is no sound that can be read.
 */
export const hearLongClip = async (bytes: Uint8Array, frontEnd: FrontEnd, stretch: number): Promise<LongClip> => {
  const { energies, noted } = await energiesOf(bytes)
  const most = Math.max(MOST_SECONDS, stretch)
  const used = loudestStretch(energies, most)
  const own = loudestStretch(energies.slice(used, used + most), stretch)
  const chunks: Array<Float32Array> = []
  const loud: Array<Float32Array> = []
  let cutter: WindowCutter | undefined
  let rate = 0
  let heard = 0
  for await (const piece of piecesOf(new FieldDecoder(bytes.length, used, bytes.length), bytes)) {
    rate = piece.rate
    cutter ??= new WindowCutter(frontEnd, rate)
    const samples = piece.samples.subarray(0, most * rate - heard)
    const place = (second: number) => Math.max(0, Math.floor(second * rate) - heard)
    loud.push(samples.slice(place(own), place(own + stretch)))
    for (const { patches } of cutter.push(samples)) chunks.push(patches)
    heard += samples.length
    if (heard >= most * rate) break
  }
  for (const { patches } of cutter?.end() ?? []) chunks.push(patches)
  const loudest = concatenate(loud)
  const seconds = heard / rate
  const beyond = energies.length > most ? `, the loudest ${most} s of it,` : ""
  return {
    seconds,
    patches: concatenate(chunks),
    loudest: { samples: resample(loudest, rate, frontEnd.sampleRate), sampleRate: frontEnd.sampleRate },
    isFlat: isFlat(loudest),
    notes: [
      ...noted,
      `It lasts longer than CLIP_MAX_SECONDS: all of it${beyond} is heard, and its variants are made of the ${stretch} s from second ${used + own} on.`
    ]
  }
}

/** How loud each second is, about its own mean. */
const energiesOf = async (bytes: Uint8Array) => {
  const decoder = new FieldDecoder(bytes.length, 0, bytes.length)
  const energies: Array<number> = []
  let second = { count: 0, sum: 0, squares: 0 }
  const end = () => {
    energies.push(Math.max(0, second.squares - second.sum ** 2 / second.count))
    second = { count: 0, sum: 0, squares: 0 }
  }
  for await (const { samples, rate } of piecesOf(decoder, bytes)) {
    for (const sample of samples) {
      second.sum += sample
      second.squares += sample * sample
      if (++second.count === rate) end()
    }
  }
  if (second.count > 0) end()
  return { energies, noted: decoder.noted }
}

/** The second at which the loudest stretch of so many begins. */
export const loudestStretch = (energies: ReadonlyArray<number>, seconds: number): number => {
  const length = Math.ceil(seconds)
  let sum = energies.slice(0, length).reduce((total, energy) => total + energy, 0)
  let [most, first] = [sum, 0]
  for (let at = length; at < energies.length; at++) {
    sum += energies[at]! - energies[at - length]!
    if (sum > most * (1 + 1e-9)) [most, first] = [sum, at - length + 1]
  }
  return first
}

async function* piecesOf(decoder: FieldDecoder, bytes: Uint8Array): AsyncGenerator<Piece> {
  try {
    for (let at = 0; at < bytes.length; at += BLOCK_BYTES) yield* decoder.push(bytes.subarray(at, at + BLOCK_BYTES))
    yield* decoder.end()
  } finally {
    await decoder.close()
  }
}
