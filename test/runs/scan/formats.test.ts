import { expect, setDefaultTimeout, test } from "bun:test"
import { Effect } from "effect"
import { s3Store } from "../../../src/store/s3.ts"
import { flac, join } from "../../support/codedFiles.ts"
import { memoryStore } from "../../support/memoryStore.ts"
import { fill } from "../../support/runWorld.ts"
import { eventsIn, fieldRecording, scanOn, trainedStore } from "../../support/scanWorld.ts"
import { s3Server, settingsFor } from "../../support/stores.ts"
import { readGolden } from "../../support/vectors.ts"

setDefaultTimeout(120_000)

/** The bytes of a WAV file's sound, behind its header. */
const samplesOf = (wav: Uint8Array) => new Int16Array(wav.slice(44).buffer)

/** What follows itself so many times: streams of these formats do. */
const repeat = (bytes: Uint8Array, times: number) => join(...Array.from({ length: times }, () => bytes))

const WAV = fieldRecording(70, 1)
const RECORDINGS = new Map([
  ["field_audio/ridge/a.wav", WAV],
  ["field_audio/ridge/b.flac", flac(samplesOf(WAV), { rate: 8000 })],
  ["field_audio/ridge/c.wav", fieldRecording(41, 2, 10, 48_000)],
  ["field_audio/valley/d.mp3", repeat(readGolden("recordings", "mp3_no_tags.mp3"), 40)],
  ["field_audio/valley/e.ogg", repeat(readGolden("recordings", "vorbis_stereo.ogg"), 40)],
  ["field_audio/valley/f.opus", repeat(readGolden("recordings", "opus.opus"), 40)]
])
/** What tells a copy, and what a recorder says, is read beside the sound: in bytes, a recording at most. */
const BESIDE = 200_000

test("recordings of every format are heard alike from a bucket as from a folder, and each byte is fetched once", async () => {
  const { objects, store, runId } = await trainedStore()
  await fill(store, RECORDINGS)
  const near = await scanOn(store)
  expect(near).toMatchObject({ recordings: 6, heard: 6, skipped: [], repaired: [] })
  const events = await eventsIn(store, runId)
  const placed = (key: string) =>
    events.filter(({ recording }) => recording === key).map((event) => [event.class, event.start, event.end])
  expect(placed("field_audio/ridge/a.wav").length).toBeGreaterThan(1)
  expect(placed("field_audio/ridge/b.flac")).toEqual(placed("field_audio/ridge/a.wav"))
  expect(placed("field_audio/ridge/c.wav").length).toBeGreaterThan(1)

  const scanFar = Effect.gen(function* () {
    const server = yield* s3Server()
    const far = s3Store(settingsFor(server.endpoint), "recordings")
    const untouched = [...objects].filter(([key]) => !/^(scans|events)\//.test(key))
    yield* Effect.promise(() => fill(far, untouched))
    server.requests.splice(0)
    const summary = yield* Effect.promise(() => scanOn(far))
    expect(summary).toMatchObject({ heard: 6, skipped: [], patches: near.patches, events: near.events })
    expect(yield* Effect.promise(() => eventsIn(far, runId))).toEqual(events)
    const fetched = (key: string) =>
      server.requests
        .filter((request) => request.method === "GET" && request.key === key)
        .reduce((sum, { headers }) => {
          const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(headers.get("range") ?? "") ?? []
          return sum + Number(to) + 1 - Number(from)
        }, 0)
    for (const [key, { length }] of RECORDINGS) {
      expect(fetched(key)).toBeGreaterThanOrEqual(length)
      expect(fetched(key)).toBeLessThanOrEqual(length + BESIDE)
    }
    server.requests.splice(0)
    expect(yield* Effect.promise(() => scanOn(far))).toMatchObject({ heard: 0, patches: 0 })
    expect([...RECORDINGS.keys()].map(fetched)).toEqual([0, 0, 0, 0, 0, 0])
  })
  await Effect.runPromise(Effect.scoped(scanFar))
})

test("what has to be read whole is refused where it is larger than MAX_RECORDING_MB; what flows is not", async () => {
  const withoutIndex = readGolden("recordings", "aac.m4a").slice()
  withoutIndex.set(new TextEncoder().encode("free"), Buffer.from(withoutIndex).indexOf("moov"))
  const store = memoryStore(
    new Map([
      ["field_audio/ridge/broken.m4a", join(withoutIndex, new Uint8Array(1 << 20))],
      ["field_audio/ridge/long.m4a", join(readGolden("recordings", "aac.m4a"), new Uint8Array(1 << 20))],
      ["field_audio/ridge/long.opus", repeat(readGolden("recordings", "opus.opus"), 60)],
      ["field_audio/ridge/long.wav", fieldRecording(80, 1)]
    ])
  )
  const { heard, skipped } = await scanOn(store, {}, { MAX_RECORDING_MB: "1" })
  expect(heard).toBe(3)
  expect(skipped).toEqual([
    {
      key: "field_audio/ridge/broken.m4a",
      reason:
        "The file is of a kind that has to be read whole, and larger than the 1 MB allowed: convert it to WAV or FLAC."
    }
  ])
})
