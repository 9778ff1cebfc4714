import { describe, expect, setDefaultTimeout, test } from "bun:test"
import { Effect, Layer, Logger, Stream } from "effect"
import { type S3Server, startS3Server } from "../../bench/s3/server.ts"
import { Settings } from "../../src/config/settings.ts"
import { Engine } from "../../src/embedder/engine.ts"
import { rowSize } from "../../src/embedder/frontEnd.ts"
import { Embeddings } from "../../src/embeddings/embeddings.ts"
import { makeRecipe } from "../../src/embeddings/recipe.ts"
import { KnownRecordings } from "../../src/embeddings/sighting.ts"
import { recordingKey } from "../../src/store/keys.ts"
import { s3Store } from "../../src/store/s3.ts"
import { sha256 } from "../../src/store/sha256.ts"
import { Store } from "../../src/store/store.ts"
import { embedCorpus } from "../../src/stream/embed.ts"
import { prepareRecording } from "../../src/stream/prepare.ts"
import { Preparers } from "../../src/stream/preparers.ts"
import { countCorpus } from "../../src/stream/recordings.ts"
import { wave } from "../support/pcmFiles.ts"
import { noise } from "../support/signals.ts"
import { settingsFor } from "../support/stores.ts"
import { frontEnd, tiny } from "../support/tinyEmbedder.ts"

setDefaultTimeout(120_000)

const RATE = 16_000
const hiss = noise(3)
const SHORT = recordingKey("dog_bark", "short.wav")
const LONG = recordingKey("dog_bark", "long.wav")

const second = Float64Array.from({ length: RATE }, hiss)

/** Hiss, loud in one second, as a WAV file of 16 bits. */
const wav = (seconds: number, loud = 0, rate = RATE) => {
  const samples = new Int16Array(seconds * RATE)
  const at = (level: number) => Int16Array.from(second, (sample) => level * sample)
  const [quiet, call] = [at(300), at(16_000)]
  for (let i = 0; i < seconds; i++) samples.set(i === loud ? call : quiet, i * RATE)
  const header = wave(new Uint8Array(), { rate })
  const file = new Uint8Array(header.length + samples.byteLength)
  file.set(header)
  file.set(new Uint8Array(samples.buffer), header.length)
  const sizes = new DataView(file.buffer)
  sizes.setUint32(4, file.length - 8, true)
  sizes.setUint32(header.length - 4, samples.byteLength, true)
  return file
}

const serve = (objects: Readonly<Record<string, Uint8Array<ArrayBuffer>>>): S3Server => {
  const server = startS3Server()
  for (const [key, bytes] of Object.entries(objects)) server.bucket.set(key, { bytes, etag: `"${sha256(bytes)}"` })
  return server
}

/** An engine whose rows are a patch's first values. */
const engine = Engine.of({
  name: "native",
  adapter: "none",
  why: "for the test",
  frontEnd,
  batch: 64,
  atOnce: 2,
  faults: Effect.succeed([]),
  embed: (patches) =>
    Effect.sync(() => {
      const [width, size] = [rowSize(frontEnd), frontEnd.patchSize]
      return Float32Array.from(
        { length: (patches.length / size) * width },
        (_, i) => patches[Math.floor(i / width) * size + (i % width)]!
      )
    })
})

const settings = { clipMaxSeconds: 30, augmentations: 1, audit: false }
const recipe = makeRecipe(tiny, { ...settings, precision: "float32" })

/** Embeds what a server has, and says what was asked of it and what warnings there were. */
const embed = async (server: S3Server, known = new KnownRecordings(), maxRecordingMegabytes = 512) => {
  const said: Array<string> = []
  const logger = Logger.make(({ message }) => void said.push(String(message)))
  const stored: Array<string> = []
  server.requests.length = 0
  const result = await Effect.runPromise(
    Effect.gen(function* () {
      const count = yield* countCorpus(known, () => true)
      server.requests.length = 0
      const found = yield* embedCorpus({
        ...settings,
        ...{ recipe, known, count, maxSkipped: 1, fetchConcurrency: 4, maxRecordingMegabytes }
      })
      const embeddings = yield* Embeddings
      const rows = yield* Stream.runCollect(embeddings.load(recipe, new Set(found.live.values())))
      stored.push(...rows.map(({ key }) => key))
      return { ...found, rows }
    }).pipe(
      Effect.provide(
        Layer.mergeAll(Settings.layer, Embeddings.layer, Layer.succeed(Engine, engine), Preparers.layer(1)).pipe(
          Layer.provideMerge(Layer.succeed(Store, s3Store(settingsFor(server.endpoint), "recordings")))
        )
      ),
      Effect.provide(Logger.layer([logger]))
    )
  )
  const asked = server.requests.filter(({ key }) => key.startsWith("extracted_audio/") && key !== "")
  const bytes = asked
    .filter(({ method }) => method === "GET")
    .reduce((sum, { key, headers }) => {
      const [, from, to] = /bytes=(\d+)-(\d+)/.exec(headers.get("range") ?? "") ?? []
      return sum + (from === undefined ? server.bucket.get(key)!.bytes.length : Number(to) + 1 - Number(from))
    }, 0)
  return {
    ...result,
    said,
    bytes,
    requests: asked.map(({ method, headers }) => `${method} ${headers.get("range") ?? "all"}`)
  }
}

describe("a recording in a bucket", () => {
  test("that is short is fetched by one request", async () => {
    using server = serve({ [SHORT]: wav(4) })
    const { requests, embedded } = await embed(server)
    expect(embedded).toBe(1)
    expect(requests).toEqual(["GET all"])
  })

  test("that is large is fetched as far as its first ten minutes, once for all of its copies", async () => {
    const long = wav(650, 70)
    using server = serve({ [LONG]: long })
    const known = new KnownRecordings()
    const { bytes, rows, noted, live } = await embed(server, known)
    expect(bytes).toBeGreaterThan(600 * 2 * RATE)
    expect(bytes).toBeLessThan(1.01 * 600 * 2 * RATE)
    expect(rows[0]!.variants[0]!.seconds).toBe(600)
    expect(noted).toEqual([
      {
        key: LONG,
        note: expect.stringMatching(
          /^It lasts longer than CLIP_MAX_SECONDS: of it the first 600 s are heard, and its variants are made of the 30 s from second \d+ on\.$/
        )
      }
    ])
    const copy = recordingKey("dog_bark", "copy.wav")
    const other = recordingKey("dog_bark", "other.wav")
    const longer = new Uint8Array(long.length + 2)
    longer.set(long)
    server.bucket.set(copy, server.bucket.get(LONG)!)
    server.bucket.set(other, { bytes: longer, etag: '"other"' })
    const again = await embed(server, known)
    expect(again.embedded).toBe(1)
    expect(again.live.get(copy)).toBe(live.get(LONG)!)
    expect(again.live.get(other)).not.toBe(live.get(LONG)!)
    expect((await embed(server, known)).requests).toEqual([])
  })

  test("that is large and all heard is what it would be as a whole", async () => {
    const bytes = wav(540, 500)
    const contentHash = sha256(bytes)
    using server = serve({ [LONG]: bytes })
    const { rows, live, noted } = await embed(server)
    expect(live.get(LONG)).toBe(contentHash)
    const whole = await Effect.runPromise(prepareRecording(bytes, contentHash, frontEnd, settings))
    expect(noted.map(({ note }) => note)).toEqual([...whole.notes])
    expect(rows[0]!.variants.map(({ seconds, peak, draw }) => ({ seconds, peak, draw }))).toEqual(
      whole.variants.map(({ seconds, peak, draw }) => ({ seconds, peak: Math.fround(peak), draw }))
    )
  })

  test("that is large and no longer than a clip is one, and one that is no sound says so as before", async () => {
    const clip = wav(540, 3, 20 * RATE)
    const broken = recordingKey("dog_bark", "broken.wav")
    using server = serve({ [LONG]: clip, [broken]: clip.slice(100) })
    const { rows, noted, skipped, live } = await embed(server)
    expect(live.get(LONG)).toBe(sha256(clip))
    expect(noted).toEqual([])
    expect(rows[0]!.variants[0]!).toMatchObject({ seconds: 27, draw: { parameters: {} } })
    expect(skipped).toEqual([{ key: broken, reason: "The file is in no audio format that is read here." }])
  })

  test("of a server without ranges comes whole, which is said once, and is refused beyond MAX_RECORDING_MB", async () => {
    const [one, two] = [wav(560, 5), wav(560, 6)]
    const two_ = recordingKey("dog_bark", "two.wav")
    using server = serve({ [LONG]: one, [two_]: two })
    server.fault = ({ method, key, headers }) => {
      const { bytes, etag } = server.bucket.get(key) ?? {}
      return method === "GET" && headers.get("range") !== null && bytes !== undefined
        ? new Response(bytes, { headers: { etag: etag! } })
        : undefined
    }
    const { said, embedded, requests } = await embed(server)
    expect(embedded).toBe(2)
    expect(said).toEqual([`${server.endpoint} gives no ranges of objects: of long recordings all is fetched.`])
    expect(requests.filter((request) => request === "GET all")).toHaveLength(2)
    const { skipped } = await embed(server, new KnownRecordings(), 17)
    expect(skipped.map(({ reason }) => reason)).toEqual(
      Array.from(
        { length: 2 },
        () => "Its 18 MB are more than MAX_RECORDING_MB (17) allows where a server gives no ranges."
      )
    )
  })

  test("that changes while it is read in parts is read again at the end", async () => {
    const [before, after] = [wav(560, 5), wav(561, 6)]
    using server = serve({ [LONG]: before })
    server.fault = ({ key, headers }) => {
      if (key === LONG && headers.get("range")?.startsWith("bytes=3145728-")) {
        server.bucket.set(LONG, { bytes: after, etag: '"after"' })
      }
      return undefined
    }
    const { unread } = await embed(server)
    expect(unread).toEqual([LONG])
  })
})
