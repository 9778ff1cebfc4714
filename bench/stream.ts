import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Context, Effect, Layer, Option, Redacted, Stream } from "effect"
import { FetchHttpClient } from "effect/http"
import { Settings } from "../src/config/settings.ts"
import { engineLayer } from "../src/embedder/choose.ts"
import { Engine, embedPatches } from "../src/embedder/engine.ts"
import { Embeddings } from "../src/embeddings/embeddings.ts"
import { makeRecipe } from "../src/embeddings/recipe.ts"
import { KnownRecordings } from "../src/embeddings/sighting.ts"
import { settledEmbedder } from "../src/runs/services.ts"
import { folderStore } from "../src/store/folder.ts"
import { s3Store } from "../src/store/s3.ts"
import { Store } from "../src/store/store.ts"
import { embedCorpus } from "../src/stream/embed.ts"
import { Preparers } from "../src/stream/preparers.ts"
import { countCorpus, recordings } from "../src/stream/recordings.ts"
import { inProcess } from "./inProcess.ts"
import { Bench, summarise } from "./measure.ts"
import type { Contents } from "./s3Worker.ts"

// The pipeline from the store to the embeddings' parts, audit copies included, in a process of its own; and, in the same
// process, each of its two stages alone on all cores.

const AUGMENTATIONS = 5
const PASSES = 3
/** As many patches as the engine alone is measured on. */
const ENGINE_PATCHES = 2048

export interface StreamTask {
  /** The recordings, and where S3 is, if they are to come from there. */
  readonly folder: string
  readonly s3: boolean
  /** What the engine computes in; as the settings say unless given. */
  readonly precision?: "float32" | "int8"
}

export interface Pass {
  readonly clips: number
  readonly patches: number
  /** Seconds of the whole, of the engine alone for as many patches, and of preparation alone. */
  readonly stream: number
  readonly engine: number
  readonly preparation: number
}

const seconds = <A, E, R>(work: Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const began = performance.now()
    return Effect.map(work, () => (performance.now() - began) / 1000)
  })

const contentsOf = (folder: string): Contents =>
  [...new Bun.Glob("extracted_audio/**/*").scanSync({ cwd: folder })].map((name) => [name, join(folder, name)])

/** A bucket with these contents, of a server in a thread of its own. */
export const onLoopback = (contents: Contents, settings: Settings["Service"]) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const worker = new Worker(new URL("./s3Worker.ts", import.meta.url))
      worker.postMessage(contents)
      const endpoint = await new Promise<string>((resolve) => {
        worker.onmessage = ({ data }) => resolve(data)
      })
      return { worker, endpoint }
    }),
    ({ worker }) => Effect.sync(() => worker.terminate())
  ).pipe(
    Effect.map(({ endpoint }) =>
      s3Store(
        {
          ...settings,
          endpoint: Option.some(endpoint),
          region: Option.some("us-east-1"),
          credentials: Option.some({
            accessKeyId: "bench",
            secretAccessKey: Redacted.make("bench"),
            sessionToken: Option.none()
          })
        },
        "recordings"
      )
    )
  )

const contentHashOf = (bytes: Uint8Array): string => new Bun.CryptoHasher("sha256").update(bytes).digest("hex")

const passes = Effect.gen(function* () {
  const settings = yield* Settings
  const store = yield* Store
  const engine = yield* Engine
  const embedder = yield* settledEmbedder({ allowUntrained: true })
  const recipe = makeRecipe(embedder, { ...settings, augmentations: AUGMENTATIONS })
  const prepare = { clipMaxSeconds: settings.clipMaxSeconds, augmentations: AUGMENTATIONS, audit: true }
  const count = yield* countCorpus(new KnownRecordings(), () => true)
  // Alone, preparation has all cores.
  const preparers = Context.get(yield* Layer.build(Preparers.layer(settings.workers)), Preparers)
  const found: Array<Pass> = []
  // The first one warms everything up.
  for (let pass = 0; pass <= PASSES; pass++) {
    let patches = 0
    const stream = yield* seconds(
      Effect.map(embedCorpus({ ...settings, ...prepare, recipe, known: new KnownRecordings(), count }), (result) => {
        patches = result.patches
      })
    )
    const full = new Float32Array(ENGINE_PATCHES * embedder.frontEnd.patchSize).fill(-3)
    const some = yield* seconds(embedPatches(engine, full))
    const preparation = yield* seconds(
      recordings.pipe(
        Stream.mapEffect(
          ({ key }) =>
            Effect.flatMap(store.get(key), ({ bytes }) =>
              Effect.ignore(preparers.prepare(bytes, contentHashOf(bytes), embedder.frontEnd, prepare))
            ),
          { concurrency: settings.fetchConcurrency }
        ),
        Stream.runDrain
      )
    )
    const alone = (some * patches) / ENGINE_PATCHES
    if (pass > 0) found.push({ clips: count.recordings, patches, stream, engine: alone, preparation })
  }
  return found
})

/** Streams the recordings in a folder, and measures. */
export const streamPasses = ({ folder, s3, precision: asked }: StreamTask) =>
  Effect.gen(function* () {
    const { preparers, engine, precision } = yield* Settings
    const embedder = yield* settledEmbedder({ allowUntrained: true })
    const store = s3 ? yield* onLoopback(contentsOf(folder), yield* Settings) : folderStore(folder)
    return yield* passes.pipe(
      Effect.provide(
        Layer.mergeAll(Embeddings.layer, engineLayer({ engine, precision, embedder }), Preparers.layer(preparers)).pipe(
          Layer.provideMerge(Layer.succeed(Store, store))
        )
      )
    )
  }).pipe(
    Effect.updateService(Settings, (settings) => ({ ...settings, precision: asked ?? settings.precision })),
    Effect.provide(Layer.merge(Settings.layer, FetchHttpClient.layer)),
    Effect.scoped
  )

/** What embedding a million clips, each with its variants, costs where an hour costs so much. */
const costOf = (kind: string, hourly: number, passes: ReadonlyArray<Pass>) =>
  summarise(
    "stream",
    `${kind}, a million clips`,
    { unit: `where an hour costs ${hourly}`, lowerIsBetter: true },
    passes.map(({ clips, stream }) => ((hourly / 3600) * stream * 1e6) / clips)
  )

/** The recordings of a folder in another one, gone with the scope: the stream writes audit copies beside them. */
export const copyOf = Effect.fnUntraced(function* (folder: string) {
  const copy = yield* Effect.acquireRelease(
    Effect.promise(() => mkdtemp(join(tmpdir(), "ecosight-bench-"))),
    (path) => Effect.promise(() => rm(path, { recursive: true }))
  )
  yield* Effect.promise(() => Bun.$`cp -r ${join(folder, "extracted_audio")} ${copy}`.quiet())
  return copy
})

/** Clips per second from a folder and from S3, and how that compares with the engine alone. */
export const streaming = Effect.gen(function* () {
  const { folder, price } = yield* Bench
  return yield* Effect.forEach(["folder", "S3 on loopback"], (kind) =>
    Effect.gen(function* () {
      const copy = yield* copyOf(folder)
      const found = yield* inProcess<StreamTask, ReadonlyArray<Pass>>("stream", { folder: copy, s3: kind !== "folder" })
      const figure = (what: string, unit: string, value: (pass: Pass) => number) =>
        summarise("stream", `${kind}, ${what}`, { unit, lowerIsBetter: false }, found.map(value))
      return [
        figure("clips", "clips/s", ({ clips, stream }) => clips / stream),
        figure("patches", "patches/s", ({ patches, stream }) => patches / stream),
        figure("engine alone", "patches/s", ({ patches, engine }) => patches / engine),
        figure("preparation alone, all cores", "patches/s", ({ patches, preparation }) => patches / preparation),
        figure("of the slower stage's speed", "%", ({ stream, engine, preparation }) => {
          return (100 * Math.max(engine, preparation)) / stream
        }),
        // Both stages share the cores, so together they need the sum of what each needs with all of them.
        figure("of both stages' speed", "%", ({ stream, engine, preparation }) => {
          return (100 * (engine + preparation)) / stream
        }),
        ...Option.match(price, { onNone: () => [], onSome: (hourly) => [costOf(kind, hourly, found)] })
      ]
    }).pipe(Effect.scoped)
  ).pipe(Effect.map((rows) => rows.flat()))
})
