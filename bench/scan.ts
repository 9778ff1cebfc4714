import { mkdtemp, readdir, rm, stat } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Duration, Effect, Layer, Stream } from "effect"
import { FetchHttpClient } from "effect/http"
import { Settings } from "../src/config/settings.ts"
import { Engine, embedPatches } from "../src/embedder/engine.ts"
import { makeScanRecipe } from "../src/embeddings/scans/scanRecipe.ts"
import { Scans } from "../src/embeddings/scans/scans.ts"
import { newRunId } from "../src/registry/runRecord.ts"
import { writeDemoCorpus } from "../src/runs/demo/demoCorpus.ts"
import { planRun } from "../src/runs/planRun.ts"
import { retrain } from "../src/runs/retrain.ts"
import { rescan } from "../src/runs/scan/rescan.ts"
import { scan } from "../src/runs/scan/scan.ts"
import { runServices, settledEmbedder } from "../src/runs/services.ts"
import { TRAINING_DEFAULTS } from "../src/runs/trainingDefaults.ts"
import { decodeClip } from "../src/sound/decode/decode.ts"
import { concatenate } from "../src/sound/floats.ts"
import { seededRandom } from "../src/sound/random.ts"
import { resample } from "../src/sound/resample.ts"
import { encodeWav } from "../src/sound/wav.ts"
import { folderStore } from "../src/store/folder.ts"
import { recordingKey } from "../src/store/keys.ts"
import { inProcess } from "./inProcess.ts"
import { Bench, summarise } from "./measure.ts"

// A long recording heard, in turn with the engine alone, and an archive of its windows heard again by a model of the demo's
// sounds; in a process of its own.

const RATE = 48_000
const EVENTS = { alarms: 5, perClass: {} } as const
/** As long as recorders' files are: a scan takes a third of a second to begin. */
const MINUTES = 60
const PASSES = 3
const BACKGROUNDS = 20
/** Copies of the recording's windows in the archive that is heard again: 30 hours. */
const COPIES = 30
/** As many patches as the engine alone is measured on. */
const ENGINE_PATCHES = 2048

export interface ScanTask {
  /** Where the recordings lie whose sounds the long one is made of. */
  readonly folder: string
  readonly names: ReadonlyArray<string>
}

interface Pass {
  /** Seconds of the scan, and of the engine alone for as many patches. */
  readonly scan: number
  readonly engine: number
  readonly rescan: number
}
interface Scanned {
  readonly passes: ReadonlyArray<Pass>
  readonly bytesAnHour: number
}

/** So many minutes of these sounds, one after the other, again and again. */
const longRecording = Effect.fnUntraced(function* ({ folder, names }: ScanTask) {
  const clips: Array<Float32Array> = []
  for (const name of names) {
    const bytes = yield* Effect.promise(() => Bun.file(join(folder, name)).bytes())
    const { samples, sampleRate } = yield* decodeClip(bytes, { maxSeconds: 30 })
    clips.push(resample(samples, sampleRate, RATE))
  }
  const once = encodeWav({ samples: concatenate(clips), sampleRate: RATE }).bytes
  const header = encodeWav({ samples: new Float32Array(0), sampleRate: RATE }).bytes
  const sound = once.subarray(header.length)
  const whole = new Uint8Array(header.length + 2 * MINUTES * 60 * RATE)
  for (let at = header.length; at < whole.length; at += sound.length)
    whole.set(sound.subarray(0, whole.length - at), at)
  whole.set(header)
  const fields = new DataView(whole.buffer)
  fields.setUint32(4, whole.length - 8, true)
  fields.setUint32(header.length - 4, whole.length - header.length, true)
  return whole
})

/** With a class of background, the model has a classifier of windows, as users' models have. */
const backgrounds = () =>
  Array.from({ length: BACKGROUNDS }, (_, at) => {
    const random = seededRandom(at)
    const samples = Float32Array.from({ length: 4 * RATE }, () => 0.02 * random() - 0.01)
    return { key: recordingKey("background", `${at}.wav`), bytes: encodeWav({ samples, sampleRate: RATE }).bytes }
  })

/** Puts copies of all stored windows beside them, as of other recordings. */
const multiply = Effect.fnUntraced(function* (recipe: ReturnType<typeof makeScanRecipe>) {
  const scans = yield* Scans
  const known = yield* scans.index(recipe)
  const stored = yield* Stream.runCollect(scans.load(recipe, known, known.recordings.values()))
  for (let copy = 1; copy < COPIES; copy++) {
    const key = (name: string) => name.replace(".wav", `-${copy}.wav`)
    const segments = stored.map(({ segment }) => ({
      ...segment,
      key: key(segment.key),
      ...(segment.recording === undefined
        ? {}
        : {
            recording: {
              ...segment.recording,
              key: key(segment.key),
              contentHash: new Bun.CryptoHasher("sha256").update(`copy ${copy}`).digest("hex")
            }
          })
    }))
    yield* scans.append(recipe, segments)
  }
})

/** Hears a long recording, and an archive again, and measures. */
export const scanPasses = Effect.fn("scanPasses")(
  function* (task: ScanTask) {
    const settings = yield* Settings
    const folder = yield* temporary
    const store = folderStore(folder)
    const embedder = yield* settledEmbedder({ allowUntrained: true })
    const recipe = makeScanRecipe(embedder, settings.precision)
    const hours = MINUTES / 60
    const forget = (name: string) => Effect.promise(() => rm(join(folder, name), { recursive: true, force: true }))
    return yield* Effect.gen(function* () {
      yield* writeDemoCorpus()
      yield* Effect.forEach(backgrounds(), ({ key, bytes }) => store.put(key, bytes))
      const options = {
        ...TRAINING_DEFAULTS,
        augmentations: 0,
        minNewSamples: 0,
        promotion: "always",
        audit: false
      } as const
      yield* retrain(yield* newRunId, yield* planRun(embedder, 0), embedder, options)
      yield* store.put("field_audio/bench/long.wav", yield* longRecording(task))
      const engine = yield* Engine
      const { frontEnd } = engine
      const full = new Float32Array(ENGINE_PATCHES * frontEnd.patchSize).fill(-3)
      const windows = (hours * 3600 * frontEnd.sampleRate) / frontEnd.hop
      const heard = { events: EVENTS, onProgress: () => Effect.void, onSkip: () => Effect.void }
      const found: Array<Omit<Pass, "rescan">> = []
      // The first one warms everything up.
      for (let pass = 0; pass <= PASSES; pass++) {
        yield* forget("scans")
        yield* forget("events")
        const [scanned] = yield* Effect.timed(Effect.scoped(scan(embedder, heard)))
        const [alone] = yield* Effect.timed(embedPatches(engine, full))
        const inAll = (Duration.toSeconds(alone) * windows) / ENGINE_PATCHES
        if (pass > 0) found.push({ scan: Duration.toSeconds(scanned), engine: inAll })
      }
      const parts = join(folder, "scans", recipe.id)
      const sizes = yield* Effect.promise(async () =>
        Promise.all((await readdir(parts)).map(async (name) => (await stat(join(parts, name))).size))
      )
      yield* multiply(recipe)
      const rescans: Array<number> = []
      for (let pass = 0; pass <= PASSES; pass++) {
        yield* forget("events")
        const { seconds } = yield* rescan(embedder, { events: EVENTS })
        if (pass > 0) rescans.push(seconds)
      }
      return {
        passes: found.map((pass, at) => ({ ...pass, rescan: rescans[at]! })),
        bytesAnHour: sizes.reduce((sum, size) => sum + size, 0) / hours
      } satisfies Scanned
    }).pipe(Effect.provide(runServices(store, embedder, settings)))
  },
  Effect.provide(Layer.merge(Settings.layer, FetchHttpClient.layer)),
  Effect.scoped
)

const temporary = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "ecosight-bench-"))),
  (path) => Effect.promise(() => rm(path, { recursive: true }))
)

/** How fast field recordings are heard, and heard again, and what an hour of them takes. */
export const scanning = Effect.gen(function* () {
  const { folder, sounds } = yield* Bench
  const task = { folder, names: sounds.map(({ name }) => name) }
  const { passes, bytesAnHour } = yield* inProcess<ScanTask, Scanned>("scan", task)
  const figure = (what: string, unit: string, values: ReadonlyArray<number>) =>
    summarise("scan", what, { unit, lowerIsBetter: false }, values)
  const seconds = MINUTES * 60
  return [
    figure(
      "WAV of 48 kHz",
      "× real time",
      passes.map((pass) => seconds / pass.scan)
    ),
    figure(
      "engine alone",
      "× real time",
      passes.map((pass) => seconds / pass.engine)
    ),
    figure(
      "of the engine's speed",
      "%",
      passes.map((pass) => (100 * pass.engine) / pass.scan)
    ),
    summarise("scan", "stored an hour", { unit: "MB", lowerIsBetter: true }, [bytesAnHour / 1e6]),
    figure(
      "rescan of 30 hours",
      "× real time",
      passes.map((pass) => (COPIES * seconds) / pass.rescan)
    )
  ]
})
