import type { Block } from "./coded.ts"
import { type Pcm, view } from "./container.ts"
import type { Sound } from "./fault.ts"
import { Feed, MORE } from "./feed.ts"
import { type Mixer, scaleBack } from "./mix.ts"

/** More channels than libsndfile takes are damage. */
export const MAX_PCM_CHANNELS = 1024

/** Samples that are converted at once. */
const CHUNK = 1 << 16
/** What is left over of what has come is copied to what comes next: more is not, where it is the same wherever it is cut. */
const MOST_LEFT = 1 << 12

const ALAW = (byte: number): number => {
  const flipped = byte ^ 0x55
  const segment = (flipped >> 4) & 7
  const steps = ((flipped & 15) << 4) + 8
  const size = segment === 0 ? steps : (steps + 256) << (segment - 1)
  return ((flipped & 0x80) !== 0 ? size : -size) / 32_768
}

const MULAW = (byte: number): number => {
  const flipped = ~byte & 0xff
  const size = ((((flipped & 15) << 3) + 132) << ((flipped >> 4) & 7)) - 132
  return ((flipped & 0x80) !== 0 ? 0 - size : size) / 32_768
}

/** Steps of full scale, by the sign bit of a sample. */
const fullScale = ({ width, positiveSteps }: Pcm): readonly [positive: number, negative: number] => {
  const steps = 2 ** (8 * Math.min(width, 4) - 1)
  return [positiveSteps ?? steps, steps]
}

/** What each byte of a coding of one byte means. */
const bytesMean = (pcm: Pcm): Float32Array => {
  const scale = fullScale(pcm)
  const integer = (step: number): number => step / scale[step < 0 ? 1 : 0]
  const meaning = {
    alaw: ALAW,
    mulaw: MULAW,
    integer: (byte: number) => integer((byte << 24) >> 24),
    unsigned: (byte: number) => integer(byte - 128),
    float: () => Number.NaN
  }[pcm.coding]
  return Float32Array.from({ length: 256 }, (_, byte) => meaning(byte))
}

const isLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1

/** What each code of 16 bits means, by the steps to +1 and whether it is scaled back already. */
const meanings = new Map<string, Float32Array>()
const stepsMean = (pcm: Pcm, positiveScale: number): Float32Array => {
  const [positive, negative] = fullScale(pcm)
  const key = `${positive} ${positiveScale}`
  const known = meanings.get(key)
  if (known !== undefined) return known
  const meaning = Float32Array.from(
    new Int16Array(1 << 16).map((_, code) => code),
    (step) => step / (step < 0 ? negative : positive)
  )
  scaleBack(meaning, positiveScale)
  meanings.set(key, meaning)
  return meaning
}

/** Fills `samples` with one channel's, -1 to +1, from the byte at `from` on. Each loop does one thing: they are hot. */
const fill = (samples: Float32Array, bytes: Uint8Array, from: number, pcm: Pcm, positiveScale: number): void => {
  const { coding, width, littleEndian, channels } = pcm
  const { length } = samples
  const block = channels * width
  const data = view(bytes)
  if (width === 1) {
    const meaning = bytesMean(pcm)
    for (let i = 0, at = from; i < length; i++, at += block) samples[i] = meaning[bytes[at]!]!
    scaleBack(samples, positiveScale)
    return
  }
  if (coding === "float") {
    if (width === 8)
      for (let i = 0, at = from; i < length; i++, at += block) samples[i] = data.getFloat64(at, littleEndian)
    else for (let i = 0, at = from; i < length; i++, at += block) samples[i] = data.getFloat32(at, littleEndian)
    return
  }
  const scale = Float64Array.from(fullScale(pcm))
  if (width === 2 && littleEndian === isLittleEndian && (bytes.byteOffset + from) % 2 === 0) {
    const steps = new Uint16Array(bytes.buffer, bytes.byteOffset + from, (length - 1) * channels + 1)
    const meaning = stepsMean(pcm, positiveScale)
    for (let i = 0, at = 0; i < length; i++, at += channels) samples[i] = meaning[steps[at]!]!
    return
  }
  if (width === 2) {
    for (let i = 0, at = from; i < length; i++, at += block) {
      const step = data.getInt16(at, littleEndian)
      samples[i] = step / scale[step >>> 31]!
    }
  } else if (width === 3) {
    const [low, high] = littleEndian ? [0, 2] : [2, 0]
    // Multiplied, which rounds to the same singles as a division of each of these steps.
    const factors = scale.map((steps) => 1 / steps)
    for (let i = 0, at = from; i < length; i++, at += block) {
      const step = ((bytes[at + high]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + low]! << 8)) >> 8
      samples[i] = step * factors[step >>> 31]!
    }
  } else {
    // Of more than four bytes the upper four are read: a sample here has 24 bits.
    for (let i = 0, at = from + (littleEndian ? width - 4 : 0); i < length; i++, at += block) {
      const step = data.getInt32(at, littleEndian)
      samples[i] = step / scale[step >>> 31]!
    }
  }
  scaleBack(samples, positiveScale)
}

/** Sound of plain numbers, the samples of each channel together; `positiveScale` is what those above zero are still to be multiplied by. */
export interface PcmBlock extends Block {
  readonly positiveScale: number
}

/** Reads sound block by block, no more than so many samples of each channel. */
export function* pcmBlocks(feed: Feed, pcm: Pcm, limit = Number.POSITIVE_INFINITY): Generator<PcmBlock | typeof MORE> {
  const { channels, width, rate, positiveSteps } = pcm
  const scale = positiveSteps === undefined ? 1 : positiveSteps / (positiveSteps + 1)
  // Of several channels it is the mean that is scaled back.
  const [now, positiveScale] = channels === 1 ? [scale, 1] : [1, scale]
  const block = channels * width
  const most = Math.ceil(CHUNK / channels)
  // Several channels are compared, and floats judged, a block at a time.
  const least = channels === 1 && pcm.coding !== "float" ? MOST_LEFT : most
  yield* feed.skip(pcm.begin)
  for (let left = Math.min(Math.floor(pcm.length / block), limit); left > 0; ) {
    const wanted = Math.min(most, left)
    yield* feed.need(Math.min(wanted, least) * block)
    const length = Math.min(wanted, Math.floor(feed.bytes.length / block))
    if (length === 0) return
    const bytes = feed.take(length * block)
    left -= length
    const parts = Array.from({ length: channels }, (_, channel) => {
      const part = new Float32Array(length)
      fill(part, bytes, channel * width, pcm, now)
      return part
    })
    yield { channels: parts, rate, positiveScale }
  }
}

/** Reads the sound of a whole file as mono, and no more of it than `seconds`, whatever the file holds. */
export const readPcm = (bytes: Uint8Array, pcm: Pcm, seconds: number, mixer: Mixer): Sound => {
  const { channels, width, rate } = pcm
  const limit = rate > 0 ? Math.max(1, Math.floor(seconds * rate)) : 1
  const present = Math.max(0, Math.min(pcm.length, bytes.length - pcm.begin))
  const samples = new Float32Array(Math.min(Math.floor(present / (channels * width)), limit))
  let at = 0
  for (const block of pcmBlocks(Feed.whole(bytes), pcm, limit)) {
    if (block === MORE) break
    samples.set(mixer.mix(block.channels, block.positiveScale), at)
    at += block.channels[0]!.length
  }
  return { samples, rate }
}
