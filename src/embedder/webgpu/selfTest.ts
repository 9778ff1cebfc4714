import { Effect } from "effect"
import type { Backbone } from "../embedder.ts"
import type { Engine, Precision } from "../engine.ts"
import { type FrontEnd, placeOf, rowSize } from "../frontEnd.ts"
import { makeNative } from "../native/nativeEngine.ts"

/** As much of an engine as can be tested. */
export type TestedEngine = Pick<Engine["Service"], "batch" | "embed">

const PATCHES = 8

// What the tests allow between any two engines. They differ by 1e-5 and 1e-6 where nothing is wrong.
const ALLOWED = { float32: { largest: 1e-3, relative: 1e-4 }, float16: { largest: 0.1, relative: 1e-2 } }

// A tone that climbs up to 7/8 of the band and swells twice a second: every band and level gets its turn.
export const knownPatches = ({ window, hop, sampleRate, prepare }: FrontEnd): Float32Array => {
  const samples = window + (PATCHES - 1) * hop
  const [low, climb] = [sampleRate / 160, (69 * sampleRate) / 160]
  const waveform = Float32Array.from({ length: samples }, (_, n) => {
    const phase = 2 * Math.PI * n * (low + (climb * n) / (2 * samples)) * (1 / sampleRate)
    return Math.sin((2 * Math.PI * n) / sampleRate) ** 2 * Math.sin(phase)
  })
  return prepare(waveform)
}

/** How far rows are from those expected, in words, or undefined if they are near enough. */
export const describeDistance = (
  rows: Float32Array,
  expected: Float32Array,
  precision: Precision
): string | undefined => {
  let largest = 0
  let apart = 0
  let whole = 0
  for (const [i, value] of expected.entries()) {
    const difference = Math.abs(rows[i]! - value)
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

const columns = (rows: Float32Array, size: number, from: number, count: number): Float32Array =>
  Float32Array.from(
    { length: (rows.length / size) * count },
    (_, i) => rows[Math.floor(i / count) * size + from + (i % count)]!
  )

/**
 * Whether an engine computes what the native one does, another program on another processor: eight known patches,
 * repeated to a full batch so that every part of the device has its share. Gives what is wrong, or undefined.
 */
export const selfTest = Effect.fn("selfTest")(function* (
  engine: TestedEngine,
  backbone: Backbone,
  precision: Precision
) {
  const { patchSize, vectors } = backbone.frontEnd
  const size = rowSize(backbone.frontEnd)
  const patches = knownPatches(backbone.frontEnd)
  const native = yield* makeNative({ backbone, why: "To test another engine." })
  const expected = yield* native.embed(patches)
  const count = Math.max(engine.batch, PATCHES)
  const repeat = (values: Float32Array, size: number) => {
    const repeated = new Float32Array(count * size)
    for (let at = 0; at < count; at++)
      repeated.set(values.subarray((at % PATCHES) * size, ((at % PATCHES) + 1) * size), at * size)
    return repeated
  }
  const repeated = repeat(patches, patchSize)
  const rows = new Float32Array(count * size)
  for (let at = 0; at < count; at += engine.batch) {
    const some = repeated.subarray(at * patchSize, (at + engine.batch) * patchSize)
    rows.set(yield* engine.embed(some), at * size)
  }
  // Each vector by itself: a small one's fault would not show in the whole of a row.
  let wrong: string | undefined
  for (const name of Object.keys(vectors)) {
    const { from, to } = placeOf(vectors, name)
    const own = (rows: Float32Array) => columns(rows, size, from, to - from)
    wrong ??= describeDistance(own(rows), own(repeat(expected, size)), precision)
  }
  return wrong
}, Effect.scoped)
