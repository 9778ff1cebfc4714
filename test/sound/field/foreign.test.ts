import { describe, expect, setDefaultTimeout, test } from "bun:test"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Result, Stream } from "effect"
import { decodeClip } from "../../../src/sound/decode/decode.ts"
import { Ffmpeg } from "../../../src/sound/decode/ffmpeg.ts"
import { fieldPieces, readSpan } from "../../../src/sound/field/readField.ts"
import { readLength } from "../../../src/sound/field/readLength.ts"
import { concatenate } from "../../../src/sound/floats.ts"
import { fill } from "../../support/runWorld.ts"
import { eventsIn, fieldRecording, scanOn, trainedStore } from "../../support/scanWorld.ts"

setDefaultTimeout(120_000)

const ffmpeg = Bun.which("ffmpeg")

/** A recording as ffmpeg writes it. */
const written = async (wav: Uint8Array, ...coding: ReadonlyArray<string>): Promise<Uint8Array> => {
  const folder = await mkdtemp(join(tmpdir(), "foreign-"))
  const [from, to] = [join(folder, "from.wav"), join(folder, "to")]
  await Bun.write(from, wav)
  const child = Bun.spawn([ffmpeg!, "-v", "error", "-i", from, ...coding, to])
  expect(await child.exited).toBe(0)
  const bytes = await Bun.file(to).bytes()
  await rm(folder, { recursive: true })
  return bytes
}
const wavPack = (wav: Uint8Array) => written(wav, "-c:a", "wavpack", "-f", "wv")
const wma = (wav: Uint8Array) => written(wav, "-c:a", "wmav2", "-f", "asf")

const readAll = (bytes: Uint8Array) => {
  const noted: Array<string> = []
  const read = (from: number, to: number) => Effect.succeed(bytes.slice(from, to))
  const options = { size: bytes.length, blockBytes: 4096, onNoted: (all: ReadonlyArray<string>) => noted.push(...all) }
  return Effect.map(Stream.runCollect(fieldPieces(read, options)), (pieces) => ({
    samples: concatenate(pieces.map(({ samples }) => samples)),
    noted
  }))
}

/** Recognised as WMA, and nothing that any program could read. */
const broken = Uint8Array.from(
  { length: 5000 },
  (_, at) => [0x30, 0x26, 0xb2, 0x75, 0x8e, 0x66, 0xcf, 0x11][at] ?? at % 251
)

describe.skipIf(ffmpeg === null)("what ffmpeg alone reads is heard in the field, too", () => {
  test("all of it, as a clip is decoded, and any span", async () => {
    for (const make of [wavPack, wma]) {
      const bytes = await make(fieldRecording(20, 1, 5, 16_000))
      const clip = await Effect.runPromise(decodeClip(bytes, { maxSeconds: 30 }))
      const { samples, noted } = await Effect.runPromise(readAll(bytes))
      expect(Buffer.compare(new Uint8Array(samples.buffer), new Uint8Array(clip.samples.slice().buffer))).toBe(0)
      expect(noted).toEqual([...clip.notes])
      const read = (from: number, to: number) => Effect.succeed(bytes.slice(from, to))
      const span = await Effect.runPromise(readSpan(read, bytes.length, { from: 7, to: 8 }))
      expect(span.samples).toEqual(samples.slice(7 * 16_000, 8 * 16_000))
    }
  })

  test("how long they are is told by their heads", async () => {
    const files = [
      await wavPack(fieldRecording(20, 1)),
      await wavPack(fieldRecording(7.5, 1, 5, 44_100)),
      await wma(fieldRecording(20, 1, 5, 16_000))
    ]
    const told = await Promise.all(
      files.map((bytes) => {
        const read = (from: number, to: number) => Effect.succeed(bytes.slice(from, to))
        return Effect.runPromise(readLength(read, bytes.length))
      })
    )
    expect(told.slice(0, 2)).toEqual([20, 7.5])
    // But for what its coder adds at the end.
    expect(Math.abs(told[2]! - 20)).toBeLessThan(0.3)
  })

  test("a scan hears them for longer than a clip, and tells by what", async () => {
    const { store, runId } = await trainedStore()
    const wav = fieldRecording(70, 1)
    await fill(store, [
      ["field_audio/ridge/a.wav", wav],
      ["field_audio/ridge/b.wv", await wavPack(wav)],
      ["field_audio/ridge/c.wma", await wma(fieldRecording(70, 2))]
    ])
    const { heard, skipped, repaired, hours } = await scanOn(store)
    expect({ heard, skipped }).toEqual({ heard: 3, skipped: [] })
    expect(hours * 3600).toBeCloseTo(210, -1)
    expect(repaired.toSorted((a, b) => (a.key < b.key ? -1 : 1))).toEqual([
      { key: "field_audio/ridge/b.wv", note: "It is WavPack, decoded by ffmpeg." },
      { key: "field_audio/ridge/c.wma", note: "It is Windows Media audio (WMA, ASF), decoded by ffmpeg." }
    ])
    const events = await eventsIn(store, runId)
    const heardIn = (key: string) =>
      events.filter(({ recording }) => recording === key).map((event) => [event.class, event.start, event.end])
    expect(heardIn("field_audio/ridge/a.wav").length).toBeGreaterThan(1)
    expect(heardIn("field_audio/ridge/b.wv")).toEqual(heardIn("field_audio/ridge/a.wav"))
  })

  test("what ffmpeg makes nothing of is refused in a sentence, and so is what is larger than may be read whole", async () => {
    const outcome = await Effect.runPromise(Effect.result(readAll(broken)))
    expect(Result.isFailure(outcome) && outcome.failure.reason).toBe(
      "The file is Windows Media audio (WMA, ASF), which is not read here: convert it to WAV or FLAC; ffmpeg makes nothing of it either, it may be damaged."
    )
    const { objects, store } = await trainedStore()
    objects.set("field_audio/ridge/large.wv", await wavPack(fieldRecording(90, 1, 20, 48_000)))
    const { skipped } = await scanOn(store, {}, { MAX_RECORDING_MB: "1" })
    expect(skipped.map(({ reason }) => reason)).toEqual([
      "The file is of a kind that has to be read whole, and larger than the 1 MB allowed: convert it to WAV or FLAC."
    ])
  })
})

test("without ffmpeg it is refused by name, with what would help", async () => {
  const outcome = await Effect.runPromise(Effect.result(readAll(broken).pipe(Effect.provideService(Ffmpeg, undefined))))
  expect(Result.isFailure(outcome) && outcome.failure.reason).toBe(
    "The file is Windows Media audio (WMA, ASF), which is not read here: convert it to WAV or FLAC, or install ffmpeg."
  )
})
