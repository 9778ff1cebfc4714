import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Layer } from "effect"
import { FetchHttpClient } from "effect/http"
import { Settings } from "../src/config/settings.ts"
import { engineLayer } from "../src/embedder/choose.ts"
import { Embeddings } from "../src/embeddings/embeddings.ts"
import { makeRecipe } from "../src/embeddings/recipe.ts"
import { KnownRecordings } from "../src/embeddings/sighting.ts"
import { settledEmbedder } from "../src/runs/services.ts"
import { seededRandom } from "../src/sound/random.ts"
import { encodeWav } from "../src/sound/wav.ts"
import { recordingKey } from "../src/store/keys.ts"
import { Store } from "../src/store/store.ts"
import { embedCorpus } from "../src/stream/embed.ts"
import { Preparers } from "../src/stream/preparers.ts"
import { countCorpus } from "../src/stream/recordings.ts"
import { inProcess } from "./inProcess.ts"
import { type Measurement, summarise } from "./measure.ts"
import { onLoopback } from "./stream.ts"

// What is fetched of a bucket of long recordings: bytes and requests, which depend on no machine.

const OBJECTS = 50
const SECONDS = 7200
const RATE = 24_000

/** Codings, and how ffmpeg makes them. */
const KINDS = { wav: [], flac: [], mp3: ["-b:a", "64k"], ogg: ["-c:a", "libvorbis"] } as const
type Kind = keyof typeof KINDS

export interface FetchingTask {
  /** A recording, and how many copies of it the bucket holds. */
  readonly file: string
  readonly objects: number
}

interface Fetched {
  /** Of all objects. */
  readonly size: number
  readonly bytes: number
  readonly requests: number
}

/** Streams copies of one recording out of a bucket, and counts. */
export const fetchLong = ({ file, objects }: FetchingTask) =>
  Effect.gen(function* () {
    const settings = yield* Settings
    const { preparers, engine, precision } = settings
    const embedder = yield* settledEmbedder({ allowUntrained: true })
    const ending = file.slice(file.lastIndexOf("."))
    const contents = Array.from({ length: objects }, (_, i) => [recordingKey("engine", `${i}${ending}`), file] as const)
    const inner = yield* onLoopback(contents, settings)
    const fetched = { size: objects * Bun.file(file).size, bytes: 0, requests: 0 }
    const isRecording = (key: string) => key.startsWith("extracted_audio/")
    const count = (key: string, bytes: number) => {
      if (isRecording(key)) fetched.bytes += bytes
      if (isRecording(key)) fetched.requests++
    }
    // What is asked for counts, whether or not all of it is waited for.
    const store = Store.of({
      ...inner,
      get: (key) => Effect.tap(inner.get(key), ({ bytes }) => Effect.sync(() => count(key, bytes.length))),
      getRange: (key, from, to) =>
        Effect.suspend(() => {
          count(key, to - from)
          return inner.getRange(key, from, to)
        }),
      find: (key) =>
        Effect.suspend(() => {
          count(key, 0)
          return inner.find(key)
        })
    })
    const prepare = { clipMaxSeconds: settings.clipMaxSeconds, augmentations: 0, audit: false }
    const recipe = makeRecipe(embedder, { ...settings, augmentations: 0 })
    yield* Effect.gen(function* () {
      const corpus = yield* countCorpus(new KnownRecordings(), () => true)
      const known = new KnownRecordings()
      yield* embedCorpus({ ...settings, ...prepare, recipe, known, count: corpus })
    }).pipe(
      Effect.provide(
        Layer.mergeAll(Embeddings.layer, engineLayer({ engine, precision, embedder }), Preparers.layer(preparers)).pipe(
          Layer.provideMerge(Layer.succeed(Store, store))
        )
      )
    )
    return fetched satisfies Fetched
  }).pipe(Effect.provide(Layer.merge(Settings.layer, FetchHttpClient.layer)), Effect.scoped)

/** Two hours of noise that swells, in each coding that can be made here. */
const makeRecordings = Effect.fnUntraced(function* (folder: string) {
  const random = seededRandom(14)
  const noise = Float32Array.from({ length: 60 * RATE }, (_, i) => 0.2 * Math.sin(i / RATE) * (2 * random() - 1))
  const samples = new Float32Array(SECONDS * RATE)
  for (let at = 0; at < samples.length; at += noise.length) samples.set(noise, at)
  const wav = join(folder, "long.wav")
  yield* Effect.promise(() => Bun.write(wav, encodeWav({ samples, sampleRate: RATE }).bytes))
  const ffmpeg = Bun.which("ffmpeg")
  const made: Array<readonly [Kind, string]> = [["wav", wav]]
  for (const kind of ["flac", "mp3", "ogg"] as const) {
    if (ffmpeg === null) continue
    const file = join(folder, `long.${kind}`)
    yield* Effect.promise(() => Bun.$`${ffmpeg} -loglevel error -i ${wav} ${KINDS[kind]} ${file}`.quiet())
    made.push([kind, file])
  }
  return made
})

/** Megabytes and requests that a recording of two hours costs, by its coding. */
export const fetching = Effect.gen(function* () {
  const folder = yield* Effect.acquireRelease(
    Effect.promise(() => mkdtemp(join(tmpdir(), "ecosight-bench-"))),
    (path) => Effect.promise(() => rm(path, { recursive: true }))
  )
  const made = yield* makeRecordings(folder)
  const rows: Array<Measurement> = []
  for (const [kind, file] of made) {
    const { size, bytes, requests } = yield* inProcess<FetchingTask, Fetched>("fetching", { file, objects: OBJECTS })
    const what = `2 hours of ${kind}, of ${Math.round(size / OBJECTS / 1e6)} MB`
    const figure = (name: string, unit: string, value: number) =>
      summarise("fetching", `${what}, ${name}`, { unit, lowerIsBetter: true }, [value])
    rows.push(figure("fetched", "MB", bytes / OBJECTS / 1e6), figure("asked", "requests", requests / OBJECTS))
  }
  return { rows, absent: made.length === 1 ? ["FLAC, MP3 and Ogg of two hours: no ffmpeg on the PATH"] : [] }
}).pipe(Effect.scoped)
