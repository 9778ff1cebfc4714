import { Effect } from "effect"
import type { Engine } from "../engine.ts"
import { makeNative } from "../native/nativeEngine.ts"
import { FIRST_PATCH, logMelPatches, PATCH_HOP, PATCH_SIZE } from "../yamnet/frontend.ts"
import { EMBEDDING_SIZE, type Network, type Precision } from "../yamnet/layers.ts"

/** What embeds: an engine, or as much of one as can be tested. */
export type Embedder = Pick<Engine["Service"], "batch" | "embed">

const PATCHES = 8

// What the tests allow between any two engines. They differ by 1e-5 and 1e-6 where nothing is wrong.
const ALLOWED = { float32: { largest: 1e-3, relative: 1e-4 }, float16: { largest: 0.1, relative: 1e-2 } }

// A tone that climbs from 100 Hz to 7 kHz and swells twice a second: every band and level gets its turn.
const knownPatches = (): Float32Array => {
  const samples = FIRST_PATCH + (PATCHES - 1) * PATCH_HOP
  const waveform = Float32Array.from({ length: samples }, (_, n) => {
    const phase = 2 * Math.PI * n * (100 + (6900 * n) / (2 * samples)) * (1 / 16_000)
    return Math.sin((2 * Math.PI * n) / 16_000) ** 2 * Math.sin(phase)
  })
  return logMelPatches(waveform)
}

/** How far embeddings are from those expected, in words, or undefined if they are near enough. */
export const describeDistance = (
  embeddings: Float32Array,
  expected: Float32Array,
  precision: Precision
): string | undefined => {
  let largest = 0
  let apart = 0
  let whole = 0
  for (const [i, value] of expected.entries()) {
    const difference = Math.abs(embeddings[i]! - value)
    largest = Math.max(largest, difference)
    apart += difference ** 2
    whole += value ** 2
  }
  const relative = Math.sqrt(apart / whole)
  // Both are NaN if any value is, and NaN is less than nothing.
  const allowed = ALLOWED[precision]
  if (largest < allowed.largest && relative < allowed.relative) return undefined
  return `off by ${largest.toPrecision(2)} at most and ${(100 * relative).toPrecision(2)} % as a whole`
}

/**
 * Whether an engine computes what the native one does, another program on another processor: eight known patches,
 * repeated to a full batch so that every part of the device has its share. Gives what is wrong, or undefined.
 */
export const selfTest = Effect.fn("selfTest")(function* (engine: Embedder, network: Network, precision: Precision) {
  const patches = knownPatches()
  const native = yield* makeNative({ network, why: "To test another engine." })
  const expected = yield* native.embed(patches)
  const count = Math.max(engine.batch, PATCHES)
  const repeat = (values: Float32Array, size: number) => {
    const repeated = new Float32Array(count * size)
    for (let at = 0; at < count; at++)
      repeated.set(values.subarray((at % PATCHES) * size, ((at % PATCHES) + 1) * size), at * size)
    return repeated
  }
  const repeated = repeat(patches, PATCH_SIZE)
  const embeddings = new Float32Array(count * EMBEDDING_SIZE)
  for (let at = 0; at < count; at += engine.batch) {
    const some = repeated.subarray(at * PATCH_SIZE, (at + engine.batch) * PATCH_SIZE)
    embeddings.set(yield* engine.embed(some), at * EMBEDDING_SIZE)
  }
  return describeDistance(embeddings, repeat(expected, EMBEDDING_SIZE), precision)
}, Effect.scoped)
