import { expect, test } from "bun:test"
import { Effect, Stream } from "effect"
import { fieldPieces, readSpan } from "../../../src/sound/field/readField.ts"
import { concatenate } from "../../../src/sound/floats.ts"
import { wave } from "../../support/pcmFiles.ts"

const RATE = 16_000
const sound = Float32Array.from({ length: 40 * RATE }, (_, i) => Math.sin(i / 7) * Math.sin(i / 90_001) * 0.9)
const file = wave(new Uint8Array(Int16Array.from(sound, (x) => Math.round(x * 32_768)).buffer))

/** Reads of a file, and how many bytes they took. */
const ranged = (bytes: Uint8Array) => {
  const read = { bytes: 0 }
  return {
    read,
    range: (from: number, to: number) =>
      Effect.sync(() => {
        read.bytes += to - from
        return bytes.slice(from, to)
      })
  }
}

const farthest = (samples: Float32Array, from: number): number =>
  samples.reduce((most, sample, i) => Math.max(most, Math.abs(sample - sound[from + i]!)), 0)

test("a recording is read block by block", async () => {
  const { range, read } = ranged(file)
  const pieces = await Effect.runPromise(
    Stream.runCollect(fieldPieces(range, { size: file.length, blockBytes: 70_001 }))
  )
  expect(concatenate(pieces.map(({ samples }) => samples)).length).toBe(sound.length)
  expect(farthest(concatenate(pieces.map(({ samples }) => samples)), 0)).toBeLessThan(1e-4)
  expect(read.bytes).toBe(file.length)
})

test("of a WAV file, a span takes no more than the header and itself", async () => {
  const { range, read } = ranged(file)
  const { samples, rate } = await Effect.runPromise(readSpan(range, file.length, { from: 30.25, to: 31.5 }))
  expect([samples.length, rate]).toEqual([1.25 * RATE, RATE])
  expect(farthest(samples, 30.25 * RATE)).toBeLessThan(1e-4)
  expect(read.bytes).toBeLessThan(2 * (1 << 18) + 1)
})

test("a span beyond the end is what there is of it", async () => {
  const { range } = ranged(file)
  expect((await Effect.runPromise(readSpan(range, file.length, { from: 39.5, to: 50 }))).samples.length).toBe(RATE / 2)
  expect((await Effect.runPromise(readSpan(range, file.length, { from: 45, to: 50 }))).samples.length).toBe(0)
})

test("what is no recording is refused", async () => {
  const { range } = ranged(new TextEncoder().encode("<html>"))
  const { reason } = await Effect.runPromise(Effect.flip(readSpan(range, 6, { from: 0, to: 1 })))
  expect(reason).toBe("The file is a web page or XML, not audio.")
})
