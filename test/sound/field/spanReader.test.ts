import { expect, test } from "bun:test"
import { Effect, Result } from "effect"
import { readSpan, type Span } from "../../../src/sound/field/readField.ts"
import { makeSpanReader } from "../../../src/sound/field/spanReader.ts"
import { flac } from "../../support/codedFiles.ts"
import { wave } from "../../support/pcmFiles.ts"

const RATE = 16_000
const steps = Int16Array.from({ length: 90 * RATE }, (_, i) =>
  Math.round(20_000 * Math.sin(i / 7) * Math.sin(i / 90_001))
)

/** A file, and how many bytes of it were read. */
const fileOf = (name: string, bytes: Uint8Array) => {
  const told = { bytes: 0 }
  const read = (from: number, to: number) =>
    Effect.sync(() => {
      told.bytes += to - from
      return bytes.slice(from, to)
    })
  return { name, size: bytes.length, read, told }
}
const compressed = () => fileOf("flac", flac(steps))

const spans: ReadonlyArray<Span> = [
  { from: 2, to: 4.5 },
  { from: 4, to: 5 },
  { from: 60.01, to: 61.31 },
  { from: 59, to: 62 },
  { from: 88, to: 95 },
  { from: 95, to: 97 }
]

const alone = ({ read, size }: ReturnType<typeof fileOf>, span: Span) => readSpan(read, size, span)

test("spans of a compressed recording in order are read by one pass over it, each as by itself", async () => {
  const file = compressed()
  const expected = await Effect.runPromise(Effect.forEach(spans, (span) => alone(compressed(), span)))
  const found = await Effect.runPromise(
    Effect.scoped(Effect.flatMap(makeSpanReader, (read) => Effect.forEach(spans, (span) => read(file, span))))
  )
  expect(found.map(({ samples }) => samples)).toEqual(expected.map(({ samples }) => samples))
  expect(found.map(({ rate }) => rate)).toEqual(spans.map(() => RATE))
  expect(file.told.bytes).toBeLessThan(1.1 * file.size)
})

test("asked for at once, further in front, or of another recording, they are the same", async () => {
  const files = [compressed(), fileOf("other", flac(steps.slice(RATE)))]
  const asked = [...spans, ...spans.toReversed()].flatMap((span) => files.map((file) => ({ file, span })))
  const found = await Effect.runPromise(
    Effect.scoped(
      Effect.flatMap(makeSpanReader, (read) =>
        Effect.forEach(asked, ({ file, span }) => read(file, span), { concurrency: 4 })
      )
    )
  )
  const expected = await Effect.runPromise(Effect.forEach(asked, ({ file, span }) => alone(file, span)))
  expect(found.map(({ samples }) => samples)).toEqual(expected.map(({ samples }) => samples))
})

test("of uncompressed recordings no more is read than the header and the spans", async () => {
  const file = fileOf("wav", wave(new Uint8Array(steps.buffer)))
  await Effect.runPromise(Effect.scoped(Effect.flatMap(makeSpanReader, (read) => read(file, { from: 80, to: 81 }))))
  expect(file.told.bytes).toBeLessThan(file.size / 3)
})

test("one that cannot be read is refused for each of its spans, and the next is read", async () => {
  const broken = fileOf("broken", new TextEncoder().encode("<html>"))
  const file = compressed()
  const read = Effect.scoped(
    Effect.flatMap(makeSpanReader, (read) =>
      Effect.forEach([broken, broken, file], (one) => Effect.result(read(one, { from: 0, to: 1 })))
    )
  )
  const [first, second, third] = await Effect.runPromise(read)
  for (const refused of [first!, second!]) {
    expect(Result.isFailure(refused) && refused.failure.reason).toBe("The file is a web page or XML, not audio.")
  }
  expect(Result.isSuccess(third!) && third.success.samples.length).toBe(RATE)
})
