import { join } from "node:path"
import { Effect, FileSystem } from "effect"
import { writeWhole } from "../../config/writeWhole.ts"
import { bytesOf } from "../../sound/floats.ts"
import type { EngineError } from "../engine.ts"
import { calibrationPatches } from "./calibrationSounds.ts"
import { channels, layersOf, type Mobilenet } from "./mobilenet.ts"
import { FIRST_INTEGER, type QuantisedMobilenet, quantise } from "./quantise.ts"
import { measureRanges } from "./ranges.ts"
import type { YamnetWeights } from "./weights.ts"

// 64 patches: with half as many, a recording's vector is 5 % further from the one in float32.
const CALIBRATION_SOUNDS = 32

/** Enters the file's name: rises whenever the same weights would be rounded otherwise, or kept. */
const VERSION = 1

/** YAMNet in eight bits, and what it gave before for known patches. */
export interface Rounding {
  readonly rounded: QuantisedMobilenet
  readonly rows: Float32Array
}

/**
 * YAMNet rounded to eight bits, kept in `folder` by the weights' hash with what it gave before with these taps (`rows`, so
 * many floats): what its layers give takes a second to measure, and every start would round three million weights. A file
 * that is damaged is made anew, and one that cannot be written is done without.
 */
export const keptRounding = Effect.fn("keptRounding")(function* (
  weights: YamnetWeights,
  folder: string,
  taps: ReadonlyArray<number>,
  rows: Effect.Effect<Float32Array, EngineError>
) {
  const fs = yield* FileSystem.FileSystem
  const file = join(folder, `yamnet-int8-${[VERSION, ...taps].join("-")}-${weights.hash.slice(0, 32)}.bin`)
  const kept = yield* fs.readFile(file).pipe(
    Effect.map((bytes) => decode(bytes, weights)),
    Effect.orElseSucceed(() => undefined)
  )
  if (kept !== undefined) return kept
  const rounded = quantise(weights, yield* measureRanges(weights, calibrationPatches(CALIBRATION_SOUNDS)))
  const made: Rounding = { rounded, rows: yield* rows }
  yield* Effect.ignore(writeWhole(file, encode(made)))
  return made
})

type Numbers = Int8Array | Int32Array | Float32Array | Float64Array

const CHECKSUM_BYTES = 8

/** All numbers one after another, behind their checksum: how many there are of each the network tells. */
const encode = ({ rounded: { first, scale, rest, divisors }, rows }: Rounding): Uint8Array => {
  const numbers: ReadonlyArray<Numbers> = [
    ...first.flatMap(({ kernel, bias }) => [kernel, bias]),
    Float64Array.of(scale),
    ...rest.flatMap(({ kernel, scales, bias, scale }) => [kernel, scales, bias, Float64Array.of(scale)]),
    ...divisors,
    rows
  ]
  const content = Buffer.concat(numbers.map(bytesOf))
  return Buffer.concat([checksumOf(content), content])
}

/** Undefined where the file is not what was written for such a network. */
const decode = (bytes: Uint8Array, network: Mobilenet): Rounding | undefined => {
  const content = bytes.subarray(CHECKSUM_BYTES)
  if (Buffer.compare(checksumOf(content), bytes.subarray(0, CHECKSUM_BYTES)) !== 0) return undefined
  let at = 0
  const take = (size: number): ArrayBuffer => {
    at += size
    return new Uint8Array(content.subarray(at - size, at)).buffer
  }
  const floats = (count: number) => new Float32Array(take(4 * count))
  const double = () => new Float64Array(take(8))[0]!
  const layers = layersOf(network)
  const first = layers.slice(0, FIRST_INTEGER).map(({ kernel, bias, shape }) => ({
    kernel: floats(kernel.length),
    bias: floats(bias.length),
    shape
  }))
  const scale = double()
  const rest = layers.slice(FIRST_INTEGER).map(({ kernel, bias, shape }) => ({
    kernel: new Int8Array(take(kernel.length)),
    shape,
    scales: floats(bias.length),
    bias: new Int32Array(take(4 * bias.length)),
    scale: double()
  }))
  const divisors = layers.map(({ shape }) => floats(channels(shape)))
  return { rounded: { first, scale, rest, divisors }, rows: floats((content.length - at) / 4) }
}

const checksumOf = (content: Uint8Array): Uint8Array =>
  new Uint8Array(BigUint64Array.of(Bun.hash.xxHash3(content)).buffer)
