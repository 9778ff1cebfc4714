import { readFileSync } from "node:fs"
import { join } from "node:path"

/** Reads a committed file under test/golden. */
export const readGolden = (...path: ReadonlyArray<string>): Uint8Array =>
  new Uint8Array(readFileSync(join(import.meta.dir, "../golden", ...path)))

/** Reads a committed vector of 32-bit floats under test/golden. */
export const readVector = (...path: ReadonlyArray<string>): Float32Array =>
  new Float32Array(readGolden(...path).slice().buffer)

/** Norm of the difference over the norm of `expected`, over the length of `expected`. */
export const relativeError = (actual: Float32Array, expected: Float32Array): number => {
  let difference = 0
  let norm = 0
  for (let i = 0; i < expected.length; i++) {
    difference += (actual[i]! - expected[i]!) ** 2
    norm += expected[i]! ** 2
  }
  return Math.sqrt(difference / norm)
}

/** Signal-to-noise ratio in dB where the noise is how far `actual` is from `expected`. */
export const signalToNoise = (actual: Float32Array, expected: Float32Array): number =>
  -20 * Math.log10(relativeError(actual, expected))
